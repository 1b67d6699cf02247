"""Files that are no plain text, but may have one inside or could be saved as one: archives and documents.

No more is unpacked than a text may have, whatever the archive says of its size, and nothing is written to the disk.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
import zlib
from pathlib import PurePosixPath

from rnnlab.errors import CorpusError
from rnnlab.text.encodings import MAX_BYTES, check_size, decode

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip archive with entries, and of an empty one."""
_GZIP = b"\x1f\x8b"
_DOCUMENTS = ((b"%PDF-", "PDF"), (b"{\\rtf", "RTF"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word"))
_OFFICE = (("[Content_Types].xml", "Word"), ("mimetype", "OpenDocument"))
"""Names of zip entries that identify office documents and e-books, with the name of the format."""
_BOUNDED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The ways to compress of which Python unpacks no more than it is asked for: 350 bytes of bzip2 can become 300 MB."""
_ADDED_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini"})
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)
"""What Python raises for an archive that is damaged or compressed in a way that it does not know."""


def unpack(data: bytes, title: str) -> tuple[bytes, str]:
    """Return the only text file inside a zip archive or a gzip file with its name; anything else unchanged.

    Raises:
        CorpusError: ``corpus_archive``: there is not exactly one; ``corpus_archive_locked``,
            ``corpus_archive_damaged``, ``corpus_document`` or ``corpus_too_large``.
    """
    kind = next((kind for start, kind in _DOCUMENTS if data.startswith(start)), None)
    if kind is not None:
        raise _document(kind)
    if not data.startswith((*_ZIP, _GZIP)):
        return data, title
    check_size(len(data))
    try:
        if data.startswith(_GZIP):
            return _gunzip(data), title.removesuffix(".gz")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _only_text(archive)
    except _DAMAGED as error:
        raise CorpusError(
            "corpus_archive_damaged",
            "The archive is damaged or compressed in an unknown way. Unpack it and choose the text file (.txt).",
        ) from error


def _gunzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        check_size(max(len(content), int.from_bytes(data[-4:], "little")))  # the file ends with the size it states
    return content


def _only_text(archive: zipfile.ZipFile) -> tuple[bytes, str]:
    entries = archive.infolist()
    kind = next((kind for name, kind in _OFFICE if any(entry.filename == name for entry in entries)), None)
    if kind is not None:
        raise _document(kind)
    files = [entry for entry in entries if not entry.is_dir() and _is_own(entry.filename)]
    texts = [entry for entry in files if entry.filename.lower().endswith(".txt")]
    if not texts and len(files) == 1:
        texts = files
    if len(texts) != 1:
        raise CorpusError(
            "corpus_archive",
            f"The archive has {len(texts)} text files (.txt); it must have exactly one.",
            count=len(texts),
        )
    (entry,) = texts
    if entry.flag_bits & 0x1:
        raise CorpusError(
            "corpus_archive_locked",
            "The archive needs a password. Unpack it and choose the text file (.txt).",
        )
    if entry.compress_type not in _BOUNDED:
        raise zipfile.BadZipFile(f"{entry.filename!r} is compressed by method {entry.compress_type}")
    with archive.open(entry) as file:
        content = file.read(MAX_BYTES + 1)
    check_size(max(len(content), entry.file_size if len(content) > MAX_BYTES else 0))
    return content, PurePosixPath(_name(entry)).name


def _is_own(name: str) -> bool:
    # systems add files of their own: __MACOSX/._song.txt, .DS_Store
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
    return not hidden and path.name.lower() not in _ADDED_BY_SYSTEMS


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry; where the archive does not say that it is UTF-8, it is in the packer's encoding."""
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(CorpusError, UnicodeEncodeError):
            return decode(entry.filename.encode("cp437"))
    return entry.filename


def _document(kind: str) -> CorpusError:
    return CorpusError(
        "corpus_document",
        f"This is a document ({kind}) and no plain text. Open it, save it as plain text (.txt), and choose that file.",
        kind=kind,
    )
