"""Sources of text: embedded in the package, downloaded and verified, uploaded, pasted, or read from a file.

Only `download` uses the network, and it runs only when a user asks for it. Preprocessing is in
`rnnlab.text.preparation`, decoding in `rnnlab.text.encodings`; their public names are re-exported here.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import IO, Any, Literal

from rnnlab import private
from rnnlab.environment import Environment
from rnnlab.errors import CorpusError
from rnnlab.text import archives
from rnnlab.text.encodings import MAX_BYTES, Note, check_size, clean, decode, decode_noted
from rnnlab.text.preparation import Prepared, check_trainable, check_variety, min_length, prepare

__all__ = [
    "DOWNLOADS",
    "EMBEDDED",
    "MAX_BYTES",
    "Corpus",
    "CorpusInfo",
    "Note",
    "Prepared",
    "check_size",
    "check_trainable",
    "check_variety",
    "clean",
    "corpus_names",
    "decode",
    "download",
    "find",
    "from_bytes",
    "from_path",
    "from_text",
    "info",
    "is_available",
    "language_of",
    "load",
    "min_length",
    "prepare",
    "text_id",
]

Language = Literal["zh", "en"]
Source = Literal["embedded", "download", "upload"]

DOWNLOAD_SECONDS = 30.0
"""Total time limit of `download` for one address, in seconds."""


@dataclass(frozen=True)
class Corpus:
    r"""A text to train on.

    Attributes:
        name: the value of `TrainConfig.corpus`: a registered name, or the `text_id` of an uploaded text.
        text: the whole text, with ``\n`` as line end.
        title: title to display, in the language of the corpus; the file name of an upload.
        notes: what had to be done to read an uploaded file.
    """

    name: str
    text: str
    language: Language
    source: Source
    title: str
    notes: tuple[Note, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class CorpusInfo:
    """Metadata of a registered corpus; texts to display are given by language ("zh", "en").

    Attributes:
        file: file name, in the package or in the data folder of the user.
        urls: public addresses of the file, tried in this order; empty for an embedded text.
        sha256: hash of the file, in hex; empty for an embedded text.
        member: name of the text inside a zip file; empty for a plain text file.
    """

    name: str
    language: Language
    source: Source
    file: str
    titles: dict[str, str]
    attributions: dict[str, str]
    rights: dict[str, str]
    urls: tuple[str, ...] = ()
    sha256: str = ""
    member: str = field(default="", repr=False)


_INFOS = (
    CorpusInfo(
        name="lyrics-zh",
        language="zh",
        source="embedded",
        file="lyrics_zh.txt",
        titles={"zh": "原创中文歌词", "en": "Original Chinese lyrics"},
        attributions={"zh": "为 RNN Lab 而写的原创歌词", "en": "Original lyrics written for RNN Lab"},
        rights={"zh": "CC0 1.0：可自由使用。", "en": "CC0 1.0: free for any use."},
    ),
    CorpusInfo(
        name="verse-en",
        language="en",
        source="embedded",
        file="verse_en.txt",
        titles={"zh": "原创英文诗歌", "en": "Original English verse"},
        attributions={"zh": "为 RNN Lab 而写的原创英文诗歌", "en": "Original verse written for RNN Lab"},
        rights={"zh": "CC0 1.0：可自由使用。", "en": "CC0 1.0: free for any use."},
    ),
    CorpusInfo(
        name="book-lyrics",
        language="zh",
        source="download",
        file="jaychou_lyrics.txt.zip",
        member="jaychou_lyrics.txt",
        titles={"zh": "周杰伦歌词（《动手学深度学习》第一版）", "en": "Jay Chou lyrics (the book, 1st edition)"},
        attributions={
            "zh": "《动手学深度学习》第一版的歌词数据集，由该书作者收集，从该书的公开地址下载",
            "en": "The lyrics data set of Dive into Deep Learning (Chinese, 1st edition), collected by its authors and "
            "downloaded from the book's public address",
        },
        rights={
            "zh": "歌词的著作权归词作者及权利人所有。仅下载到本机供学习研究，请勿再分发；RNN Lab 不包含这些歌词。",
            "en": "The lyrics are under copyright of their authors and publishers. They are downloaded to this machine "
            "for study only; do not pass them on. RNN Lab does not contain them.",
        },
        urls=(
            "https://d2l-data.s3-accelerate.amazonaws.com/jaychou_lyrics.txt.zip",
            "https://raw.githubusercontent.com/d2l-ai/d2l-zh/master/data/jaychou_lyrics.txt.zip",
        ),
        sha256="3cfedd7d174111cdad5a27eaffaa6a2432a2842cf2590a03dd8a97610ea07043",
    ),
    CorpusInfo(
        name="book-time-machine",
        language="en",
        source="download",
        file="timemachine.txt",
        titles={"zh": "《时间机器》（《动手学深度学习》第二版）", "en": "The Time Machine (the book, 2nd edition)"},
        attributions={
            "zh": "H. G. 威尔斯《时间机器》（1895），《动手学深度学习》第二版的数据集，源自古登堡计划",
            "en": "H. G. Wells, The Time Machine (1895), the data set of Dive into Deep Learning (2nd edition), "
            "from Project Gutenberg",
        },
        rights={
            "zh": "在美国及保护期为作者身后七十年的国家已进入公有领域；其他地区请自行确认。",
            "en": "In the public domain in the United States and wherever copyright ends 70 years after the author's "
            "death (1946); elsewhere, check before use.",
        },
        urls=("https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",),
        sha256="8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
    ),
)

_REGISTRY = {entry.name: entry for entry in _INFOS}
EMBEDDED = ("lyrics-zh", "verse-en")
"""The corpora included in the package, one for each language."""
DOWNLOADS = ("book-lyrics", "book-time-machine")
"""The corpora of the book, which the user has to download."""

_TEXT_ID = re.compile(r"text-[0-9a-f]{16}")


def corpus_names() -> tuple[str, ...]:
    """Return the names of all registered corpora, the embedded ones first."""
    return EMBEDDED + DOWNLOADS


def info(name: str) -> CorpusInfo:
    """Return the metadata of a registered corpus.

    Raises:
        CorpusError: ``corpus_unknown``.
    """
    if name not in _REGISTRY:
        raise _unknown(name)
    return _REGISTRY[name]


def load(
    name: str, *, folders: Sequence[Path] | None = None, texts: Callable[[str], str | None] | None = None
) -> Corpus:
    """Return the corpus `name` from this machine, never from the network.

    Args:
        name: a registered name or the `text_id` of an uploaded text.
        folders: where the file of a downloaded corpus may lie, searched in this order; by default those in the
            environment variables of this process (an exported script relies on it).
        texts: function that returns an uploaded text by its id, or None.

    Raises:
        CorpusError: ``corpus_unknown``, ``corpus_not_downloaded``, ``corpus_wrong_file``, ``corpus_text_gone`` or
            ``corpus_file_unreadable``.
    """
    if is_uploaded(name):
        text = texts(name) if texts is not None else None
        if text is None:
            raise CorpusError(
                "corpus_text_gone",
                f"The uploaded text {name!r} is no longer on this machine. Upload it again.",
                name=name,
            )
        return Corpus(name, text, language_of(text), "upload", name)
    entry = info(name)
    if entry.source == "embedded":
        file = resources.files(__package__).joinpath(entry.file)
        text = clean(file.read_text(encoding="utf-8"))
    else:
        folders = _folders(folders)
        path = _local_path(entry, folders)
        if path is None:
            raise _not_downloaded(entry, folders[-1])
        text = _read_verified(entry, path)
    return Corpus(name, text, entry.language, entry.source, entry.titles[entry.language])


def is_available(name: str, folders: Sequence[Path] | None = None) -> bool:
    """Return whether a registered corpus is on this machine, so that `load` needs no download first.

    Args:
        name: a registered name.
        folders: as for `load`.

    Raises:
        CorpusError: ``corpus_unknown``.
    """
    entry = info(name)
    return entry.source == "embedded" or _local_path(entry, _folders(folders)) is not None


def find(
    name_or_path: str, *, folders: Sequence[Path] | None = None, texts: Callable[[str], str | None] | None = None
) -> Corpus:
    """Return the corpus with this name, or else the text in the file with this path, as given on the command line.

    Raises:
        CorpusError: as `load` and `from_path`; ``corpus_unknown`` if it is neither.
    """
    if name_or_path in _REGISTRY or is_uploaded(name_or_path):
        return load(name_or_path, folders=folders, texts=texts)
    try:
        path = Path(name_or_path).expanduser()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError):  # too long, not a path, or the home of an unknown user
        exists = False
    if not exists:
        raise _unknown(name_or_path)
    return from_path(path)


def from_path(path: Path) -> Corpus:
    """Return the text in a file, or in an archive with one text file, as if it had been uploaded.

    Raises:
        CorpusError: ``corpus_file_unreadable``, or as `from_bytes`.
    """
    return from_bytes(_read_file(path), path.name)


def from_bytes(data: bytes, title: str = "") -> Corpus:
    """Return the content of an uploaded file as a corpus named by its `text_id`.

    A zip archive or gzip file must contain exactly one text file, which is read instead.

    Raises:
        CorpusError: as `archives.unpack`, `decode_noted` and `check_variety`.
    """
    data, title = archives.unpack(data, title)
    text, notes = decode_noted(data)
    return replace(_uploaded(text, title), notes=notes)


def from_text(text: str, title: str = "") -> Corpus:
    """Return a pasted text as a corpus named by its `text_id`.

    Raises:
        CorpusError: only blanks, more than 2 MB as UTF-8, control characters as in a binary file, or as
            `check_variety`.
    """
    check_size(len(text.encode("utf-8", "replace")))
    return _uploaded(clean(text), title)


def _uploaded(text: str, title: str) -> Corpus:
    # `check_trainable` cannot find this: to it, the final line end of a file is a second character
    check_variety(text)
    return Corpus(text_id(text), text, language_of(text), "upload", title)


def is_uploaded(name: str) -> bool:
    """Return whether a corpus is a text that a visitor uploaded."""
    return _TEXT_ID.fullmatch(name) is not None


def text_id(text: str) -> str:
    """Return the id of an uploaded text: "text-" and the first 16 hex digits of the SHA-256 of its UTF-8 bytes."""
    return "text-" + hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def language_of(text: str) -> Language:
    """Return "zh" for a text with more Chinese characters than Latin words, else "en"."""
    chinese = len(re.findall("[\u3400-\u9fff]", text))
    return "zh" if chinese > len(re.findall("[A-Za-z]+", text)) else "en"


def download(
    name: str,
    folder: Path,
    *,
    urls: tuple[str, ...] | None = None,
    sha256: str | None = None,
    seconds: float = DOWNLOAD_SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Download and verify a corpus of the book, unless it is already there, and return its path.

    Call it only on a user's request: the text is not part of this project (see `CorpusInfo.rights`).

    Args:
        name: one of `DOWNLOADS`.
        folder: where to keep it.
        urls: other addresses, e.g. of a mirror; tried in this order.
        sha256: hash of the file, if it differs from the pinned one.
        seconds: total time limit for each address.
        max_bytes: largest accepted file.

    Raises:
        CorpusError: ``corpus_unknown``; ``corpus_download_timeout``, ``..._connection``, ``..._status``,
            ``..._wrong_hash``, ``..._too_large`` or ``..._disk``; each says where to put the file by hand.
    """
    entry = info(name)
    if entry.source != "download":
        raise _unknown(name, DOWNLOADS)
    import pooch
    import requests
    import urllib3

    pooch.get_logger().setLevel("WARNING")
    fetch = _Fetch(seconds, max_bytes)
    reason = "connection"
    with contextlib.suppress(OSError):  # reported below
        private.make_folder(folder)
    for url in urls if urls is not None else entry.urls:
        try:
            path = pooch.retrieve(
                url, known_hash=f"sha256:{sha256 or entry.sha256}", fname=entry.file, path=folder, downloader=fetch
            )
        except _TooLargeError:
            reason = "too_large"
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            reason = "timeout"
        except requests.HTTPError:
            reason = "status"
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            reason = "connection"
        except ValueError:  # pooch raises this if the hash differs
            reason = "wrong_hash"
        except OSError:
            reason = "disk"
        else:
            return Path(path)
    raise _download_failed(entry, folder, reason)


class _TooLargeError(Exception):
    pass


class _Fetch:
    """Downloader for `pooch` that gives up on a file that is too large or takes too long in total."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self._seconds, self._max_bytes = seconds, max_bytes

    def __call__(self, url: str, output_file: str | IO[bytes], pooch: Any, check_only: bool = False) -> None:
        import requests

        deadline = time.monotonic() + self._seconds
        timeout = min(10.0, self._seconds)
        with requests.get(url, stream=True, timeout=timeout, headers={"Accept-Encoding": "identity"}) as response:
            response.raise_for_status()
            file = open(output_file, "wb") if isinstance(output_file, (str, Path)) else output_file  # noqa: SIM115
            try:
                size = 0
                # read1 returns what has arrived, so that a slow server cannot block beyond the deadline
                while block := response.raw.read1(1 << 16):
                    size += len(block)
                    if size > self._max_bytes:
                        raise _TooLargeError
                    if time.monotonic() > deadline:
                        raise TimeoutError
                    file.write(block)
            finally:
                if file is not output_file:
                    file.close()


def _folders(folders: Sequence[Path] | None) -> Sequence[Path]:
    return Environment.from_environ().corpus_folders if folders is None else folders


def _local_path(entry: CorpusInfo, folders: Sequence[Path]) -> Path | None:
    return next((folder / entry.file for folder in folders if (folder / entry.file).is_file()), None)


def _read_verified(entry: CorpusInfo, path: Path) -> str:
    data = _read_file(path)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise CorpusError(
            "corpus_wrong_file",
            f"{path} is not the file that the book uses: its SHA-256 is not {entry.sha256}. "
            "Replace it, or delete it and download it again.",
            name=entry.name,
            path=str(path),
            sha256=entry.sha256,
        )
    if entry.member:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(entry.member)
    return decode(data)


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        check_size(size)  # before reading: the file may be larger than the memory
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # the file may have grown since
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CorpusError(
            "corpus_file_unreadable",
            f"{path} cannot be read: {reason}. Give the path of a text file.",
            path=str(path),
            reason=reason,
        ) from error


def _unknown(name: str, allowed: tuple[str, ...] | None = None) -> CorpusError:
    names = ", ".join(allowed or corpus_names())
    return CorpusError(
        "corpus_unknown",
        f"There is no corpus or file named {name[:100]!r}; the corpora are: {names}.",
        name=name[:100],
        allowed=names,
    )


def _not_downloaded(entry: CorpusInfo, folder: Path) -> CorpusError:
    return CorpusError(
        "corpus_not_downloaded",
        f"The corpus {entry.name!r} is not on this machine. Download it in the app, or put {entry.file} into a folder "
        f"and set the environment variable RNNLAB_DATA to that folder (or put it into {folder}).",
        name=entry.name,
        file=entry.file,
        folder=str(folder),
        urls=" ".join(entry.urls),
    )


def _download_failed(entry: CorpusInfo, folder: Path, reason: str) -> CorpusError:
    reasons = {
        "timeout": "the server did not answer in time",
        "connection": "no connection to the server",
        "status": "the server does not have it",
        "wrong_hash": "the downloaded file is not the one that the book uses (its SHA-256 differs) and was discarded",
        "too_large": "the download is larger than the file can be and was discarded",
        "disk": "the folder cannot be written to",
    }
    return CorpusError(
        f"corpus_download_{reason}",
        f"{entry.file} could not be downloaded: {reasons[reason]}. You can put the file into a folder by hand and set "
        f"the environment variable RNNLAB_DATA to that folder (or put it into {folder}). It is at: "
        f"{' '.join(entry.urls)}",
        name=entry.name,
        file=entry.file,
        folder=str(folder),
        urls=" ".join(entry.urls),
    )
