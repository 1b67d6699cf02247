"""Training texts: files of any content and name, and pasted texts."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from random import Random

from rnnlab.errors import CorpusError
from rnnlab.text import corpora
from rnnlab.text.corpora import Corpus
from rnnlab.view.language.i18n import LANGUAGES, t
from tests.fuzz import hostile
from tests.fuzz.lab import Door
from tests.made import VERSE

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "gb18030",
    "big5",
    "utf-16",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
    "shift_jis",
    "euc_jp",
    "iso2022_jp",
    "cp949",
    "koi8_r",
    "utf-16-le",
)


class Upload(Door):
    """The upload of a text."""

    name = "upload"
    share = 0.15

    def knock(self, chance: Random) -> bool:
        """Read a file or a pasted text, store it, and prepare it for training."""
        brought = self._read(chance)
        assert all(t(f"note.{note.code}", lang, **note.params) for note in brought.notes for lang in LANGUAGES)
        name = self.lab.client.add_text(brought.text, brought.title[:80])
        stored = self.lab.client.store.text(name)
        assert stored == brought.text
        config = VERSE.change(corpus=name, num_chars=chance.choice((2, 10, 1000)))
        prepared = corpora.prepare(stored, config.preprocessing, config.num_chars)
        with contextlib.suppress(CorpusError):  # too short for these settings: the text itself is taken
            corpora.check_trainable(prepared.train, prepared.held_out, config)
        return True

    def _read(self, chance: Random) -> Corpus:
        line = hostile.text(chance) + chance.choice(("\n", "\r\n", "\r", "\u2028", ""))
        content = (line * chance.choice((1, 2, 100)) + hostile.text(chance)).encode(chance.choice(ENCODINGS), "replace")
        title = hostile.text(chance) + chance.choice((".txt", ".zip", "", ".exe"))
        kind = chance.randrange(8)
        if kind == 0:
            return corpora.from_text(line * chance.choice((0, 1, 100)), title)
        if kind == 1:
            content = chance.randbytes(chance.randrange(3000))
        elif kind == 2:
            content = hostile.damaged(chance, content)
        elif kind < 5:
            content = self._archive(chance, content, title)
        elif kind == 5:
            content = chance.choice((b"x", b"\0", b"ab\n", b"\xff\xfe")) * chance.choice((1, 2**20, 2**21 + 1))
        return corpora.from_bytes(content, title)

    def _archive(self, chance: Random, content: bytes, title: str) -> bytes:
        file = io.BytesIO()
        methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        with warnings.catch_warnings(), zipfile.ZipFile(file, "w", chance.choice(methods)) as archive:
            warnings.simplefilter("ignore")  # two members of one name
            for number in range(chance.choice((0, 1, 1, 1, 2))):
                name = chance.choice((title, f"{number}.txt", "../../x.txt", "__MACOSX/x.txt", "/etc/x.txt"))
                archive.writestr(name.replace("\0", "") or "x.txt", chance.choice((content, b"a" * 2**22)))
        return hostile.damaged(chance, file.getvalue()) if chance.random() < 0.5 else file.getvalue()
