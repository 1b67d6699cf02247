"""Archives, compressed files and documents: which text they stand for, and how much is unpacked."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from rnnlab.errors import CorpusError
from rnnlab.text.corpora import MAX_BYTES, find, from_bytes, from_text
from tests.text.test_encodings import SIMPLIFIED, TRADITIONAL


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of `files`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_stands_for_the_text_in_it(method: int, tmp_path: Path) -> None:
    data = zipped(
        {"songs/雨.TXT": TRADITIONAL.encode("big5"), "__MACOSX/songs/._雨.txt": b"\0", "a.png": b"\0"}, method
    )
    corpus = from_bytes(data, "all.zip")
    assert (corpus.text, corpus.title) == (TRADITIONAL, "雨.TXT")
    (tmp_path / "all.zip").write_bytes(data)
    assert find(str(tmp_path / "all.zip")) == corpus


ZEROS = bytes(100 * 2**20)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped({"zeros.txt": ZEROS}), "corpus_too_large"),
        (gzip.compress(ZEROS, 1), "corpus_too_large"),
        (zipped({"zeros.txt": ZEROS}, zipfile.ZIP_BZIP2), "corpus_archive_damaged"),
        (zipped({"zeros.txt": ZEROS}, zipfile.ZIP_LZMA), "corpus_archive_damaged"),
    ],
    ids=["deflate", "gzip", "bzip2", "lzma"],
)
def test_no_more_is_unpacked_than_a_text_may_have(data: bytes, code: str) -> None:
    assert len(data) < MAX_BYTES
    tracemalloc.start()  # it counts what the decompressors return, and what they hold
    try:
        with pytest.raises(CorpusError) as caught:
            from_bytes(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code == code
    assert peak < 5 * MAX_BYTES


GOOD = zipped({"a.txt": SIMPLIFIED.encode()})


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (zipped({}), 0),
        (zipped({"a.pdf": b"x", "b.pdf": b"x"}), 0),
        (zipped({"a.txt": b"one", "b.txt": b"two"}), 2),
        (zipped({"a.txt": b"one", "b/a.TXT": b"one", "c.md": b"three"}), 2),
    ],
)
def test_an_archive_without_exactly_one_text_is_refused(data: bytes, count: int) -> None:
    with pytest.raises(CorpusError) as caught:
        from_bytes(data)
    assert (caught.value.code, caught.value.params) == ("corpus_archive", {"count": count})


def locked(data: bytes) -> bytes:
    """Return an archive of one file that says that it needs a password."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (GOOD[:-30], "corpus_archive_damaged"),
        (GOOD[:60] + bytes(40) + GOOD[100:], "corpus_archive_damaged"),
        (GOOD.replace(b"a.txt", b"b.txt", 1), "corpus_archive_damaged"),
        (gzip.compress(SIMPLIFIED.encode(), mtime=0)[:-20], "corpus_archive_damaged"),
        (locked(GOOD), "corpus_archive_locked"),
        (zipped({"a.zip": GOOD}), "corpus_binary"),
        (zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "corpus_document"),
        (zipped({"mimetype": b"application/epub+zip", "song.txt": b"a song"}), "corpus_document"),
        (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n" * 20, "corpus_document"),
        (rb"{\rtf1\ansi\ansicpg936 \'b7\'d6}" * 20, "corpus_document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "corpus_document"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(CorpusError) as caught:
        from_bytes(data, "song.zip")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "others",
    [
        {"__MACOSX/._song.md": b"\0", ".DS_Store": b"\0"},
        {"Thumbs.db": b"\0", "desktop.ini": b"[x]"},
        {"songs.txt/": b"", "songs.txt/.hidden.txt": b"x"},
    ],
)
def test_files_that_systems_add_do_not_count(others: dict[str, bytes]) -> None:
    assert from_bytes(zipped({"../song.md": SIMPLIFIED.encode(), **others})) == from_text(SIMPLIFIED, "song.md")


@pytest.mark.parametrize("encoding", ["gbk", "big5", "utf-8"])
def test_a_name_is_read_in_the_packers_encoding(encoding: str) -> None:
    name = "歌詞.txt"
    data = zipped({"x" * len(name.encode(encoding)): SIMPLIFIED.encode()})
    data = data.replace(b"x" * len(name.encode(encoding)), name.encode(encoding))
    assert from_bytes(data) == from_text(SIMPLIFIED, name)


def test_a_gzip_file_stands_for_its_text() -> None:
    data = gzip.compress(TRADITIONAL.encode("big5"))
    assert from_bytes(data, "雨.txt.gz") == from_text(TRADITIONAL, "雨.txt")
    with pytest.raises(CorpusError, match=r"190\.7 MB; at most 2 MB") as caught:
        from_bytes(gzip.compress(b"0" * 200_000_000, 1))
    assert caught.value.code == "corpus_too_large"
