"""Decoding of files with an undeclared encoding.

A byte-order mark decides, then UTF-8, as other encodings are hardly ever valid UTF-8 by accident. Of the older
encodings that a file is valid in, the one counts that gives the most ordinary text (`rnnlab.text.ordinary`).

The library charset-normalizer (3.5) was measured beside this, ``python -m benchmarks.encodings``, and is not used. Of
100 files of 50 to 3,000 characters in the encodings named here this module reads 100 right; the library 94, and the
rest as something else: mostly Windows-1252, short Japanese and Russian. Of 100 files in others this module refuses 96,
saying what to do; the library reads 52 right and 48 as something else.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rnnlab.errors import CorpusError
from rnnlab.text.ordinary import chineseness, japaneseness, koreanness, russianness

MAX_BYTES = 2 * 1024 * 1024
"""Largest accepted text, 2 MB."""

ENCODINGS = (
    "UTF-8", "UTF-16", "UTF-32", "GB18030", "Big5", "Shift-JIS", "EUC-JP", "ISO-2022-JP", "EUC-KR", "Windows-1251",
    "KOI8-R", "CP866", "Windows-1252",
)  # fmt: skip
"""The encodings that `decode` accepts, as named in messages."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_Score = Callable[[str], float]
# Python's name, the name in messages, and the score of what it gives; where scores are equal, the first one counts.
# cp950 is Big5 on Windows, big5hkscs adds the characters of Hong Kong; what they share they read alike.
_OLDER: tuple[tuple[str, str, _Score], ...] = (
    ("gb18030", "GB18030", chineseness),
    ("cp950", "Big5", chineseness),
    ("big5hkscs", "Big5", chineseness),
    ("cp932", "Shift-JIS", japaneseness),
    ("euc_jp", "EUC-JP", japaneseness),
    ("cp949", "EUC-KR", koreanness),
    ("cp1251", "Windows-1251", russianness),
    ("koi8_r", "KOI8-R", russianness),
    ("cp866", "CP866", russianness),
)
_EXPECTED = ("GB18030", "Big5")
"""The encodings besides UTF-8 that the page does not mention to the user: common encodings of Chinese."""

# Below this mean score what was decoded is taken for a misread text in another language. Measured: 300 characters of
# lyrics, of classical verse and of program messages score 1.0 to 1.6 in their own language, Korean and Japanese misread
# as Chinese up to 0.6. Short Chinese texts vary more, as their characters are many, so their threshold is lower.
_PLAUSIBLE, _PLAUSIBLE_SHORT, _SHORT = 0.7, 0.25, 100
# what is read of a text to judge it, in characters or bytes
_SAMPLE = 20_000
# by how much a reading that leaves out the end of the file must be better than one of the whole file
_CUT = 0.25

# a text may contain a stray control character, a program or a picture contains many
_MAX_CONTROL_SHARE = 0.002
_TEXT_CONTROLS = frozenset("\t\n\r\f\v\x1a\x85")

# what a text in a western European language has beside ASCII, and by how much ASCII outweighs it at least
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŒœŠšŽžŸ‘’“”‚„–—…•‹›«»¿¡€£§©®°ªº´·†‡™‰\u00a0\u00ad"
)
_MAX_WESTERN_SHARE = 0.25

_REPLACEMENT = "\ufffd"
# a file is damaged, and in no other encoding, if it has this many valid characters beyond ASCII for each bad byte
_VALID_PER_STRAY = 10


@dataclass(frozen=True)
class Note:
    """What had to be done to read a file; the page says it in the user's language.

    Attributes:
        code: key of the message.
        message: complete sentence in English.
        params: the values that the message mentions.
    """

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)


def decode(data: bytes) -> str:
    r"""Decode `data`, with ``\n`` as line end; see `decode_noted`.

    Raises:
        CorpusError: as `decode_noted`.
    """
    return decode_noted(data)[0]


def decode_noted(data: bytes) -> tuple[str, tuple[Note, ...]]:
    r"""Decode `data`, with ``\n`` as line end, and return what had to be done for it.

    The part of a character that was cut off at the end is left out, in UTF-8 at the beginning too.

    Raises:
        CorpusError: empty, more than 2 MB, not text, in an encoding but for some stray bytes, or in none of the
            encodings.
    """
    check_size(len(data))
    decoded = _decode_unicode(data)
    if decoded is None:
        decoded = _decode_western(data, mixed=True) or _decode_older(data) or _decode_western(data)
    if decoded is None:
        _check_stray_older(data)
        raise CorpusError(
            "corpus_encoding",
            f"The encoding of the text is not supported; supported are: {', '.join(ENCODINGS)}. Save it as UTF-8.",
            allowed=", ".join(ENCODINGS),
        )
    return clean(decoded[0]), decoded[1]


def unmarked(data: bytes) -> str:
    """Return the text of a file that is Unicode but for damage and begins with ASCII: UTF-8, UTF-16 or UTF-32.

    It is for files whose content is checked elsewhere: bytes that are not valid become replacement characters.
    """
    zeros = data[:2].count(0)  # of a character of ASCII, UTF-16 has one byte that is not zero
    found = _marked(data) or (None if zeros != 1 else "utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
    return data.decode(found or "utf-8-sig", "replace").removeprefix("\ufeff")


def clean(text: str) -> str:
    r"""Return a decoded, pasted or received text with ``\n`` as line end and without byte-order marks.

    Cleaning it again changes nothing, so that its name is the same wherever it is cleaned.

    Raises:
        CorpusError: only blanks, control characters as in a binary file, or so many characters that they take more
            than 2 MB in any encoding.
    """
    check_size(len(text))
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    counts = Counter(text)
    controls = sum(n for c, n in counts.items() if (c < " " or "\x7f" <= c <= "\x9f") and c not in _TEXT_CONTROLS)
    # half of a surrogate pair is not a character and cannot be stored
    if (
        "\0" in counts
        or controls > _MAX_CONTROL_SHARE * len(text) + 1
        or any("\ud800" <= c <= "\udfff" for c in counts)
    ):
        raise _binary()
    if not text.strip():
        check_size(0)
    return text


def check_size(num_bytes: int) -> None:
    """Raise an error for a text that is empty or larger than `MAX_BYTES`.

    Raises:
        CorpusError: ``corpus_empty`` or ``corpus_too_large``.
    """
    if num_bytes == 0:
        raise CorpusError("corpus_empty", "The text is empty. Provide a text with at least two different characters.")
    if num_bytes > MAX_BYTES:
        raise CorpusError(
            "corpus_too_large",
            f"The text has {num_bytes / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are allowed.",
            megabytes=round(num_bytes / 2**20, 1),
            allowed=MAX_BYTES // 2**20,
        )


_Decoded = tuple[str, tuple[Note, ...]]
"""A text, and what had to be done to read it."""


def _decode_unicode(data: bytes) -> _Decoded | None:
    if (marked := _marked(data)) is not None:
        decoded = _try(data, marked)
        if decoded is None:
            raise _binary()
        return decoded
    if b"\0" in data:  # a text in any other encoding has no zero byte, nearly every other file has
        decoded = _decode_utf16(data)
        if decoded is None:
            raise _binary()
        return decoded
    if b"\x1b$" in data and data.isascii() and (decoded := _try(data, "iso2022_jp_2")) is not None:
        return decoded[0], (*decoded[1], _read_as("ISO-2022-JP"))
    decoded = _try(data, "utf-8") or _without_start(data)
    # a text that only seems to be cut is in another encoding, whose last byte looks like the first of a character
    if decoded is not None and not (decoded[1] and decoded[0].isascii()):
        return decoded
    _check_stray(data, "utf-8", "UTF-8")
    return None


def _marked(data: bytes) -> str | None:
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _decode_utf16(data: bytes) -> _Decoded | None:
    """Decode UTF-16 without a byte-order mark, in the order of bytes that gives ordinary text."""
    found = []
    for encoding in ("utf-16-le", "utf-16-be"):
        decoded = _try(data, encoding)
        # in the wrong order, a line end or a blank is no character or a rare one
        if decoded is not None and not any(
            unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") and character not in _TEXT_CONTROLS
            for character in set(decoded[0])
        ):
            text = decoded[0][:_SAMPLE]
            plain = sum(character < "\x7f" for character in text) / len(text)
            value = max(score(text) for score in (chineseness, japaneseness, koreanness, russianness))
            if plain >= _MIN_PLAIN or value >= _PLAUSIBLE_SHORT:
                found.append((plain, decoded))
    return max(found, key=lambda pair: pair[0])[1] if found else None


_MIN_PLAIN = 0.5


def _without_start(data: bytes) -> _Decoded | None:
    """Decode UTF-8 whose first bytes are the rest of a character, as `tail -c` leaves it."""
    cut = next((index for index, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 4)
    decoded = _try(data[cut:], "utf-8") if 1 <= cut <= 3 else None
    if decoded is None:
        return None
    message = "The file begins in the middle of a character, which was left out."
    return decoded[0], (Note("corpus_cut_start", message, {"bytes": cut}), *decoded[1])


def _check_stray(data: bytes, encoding: str, name: str) -> None:
    """Raise an error for a text in an encoding that has a few bytes that are not valid, which says where the first is.

    Raises:
        CorpusError: ``corpus_stray_byte``.
    """
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        first = error.start
    else:
        return
    replaced = data.decode(encoding, "replace")
    count = replaced.count(_REPLACEMENT) - (data.count(_REPLACEMENT.encode()) if encoding == "utf-8" else 0)
    valid = sum(character > "\x7f" for character in replaced) - count
    if count * _VALID_PER_STRAY > valid:
        return
    before = data[:first].decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    raise CorpusError(
        "corpus_stray_byte",
        f"The text is in {name}, but not all of its bytes are (not valid: {count}). The first is byte {first + 1}, "
        f"in line {line}: 0x{data[first]:02X}. Remove what is there, or save the text as UTF-8.",
        encoding=name,
        count=count,
        byte=first + 1,
        line=line,
        value=f"0x{data[first]:02X}",
    )


def _check_stray_older(data: bytes) -> None:
    """Raise an error for ordinary text in an older encoding with a few bytes that are not valid.

    Raises:
        CorpusError: ``corpus_stray_byte``.
    """
    scored = []
    for encoding, name, score in _OLDER:
        text = data[:_SAMPLE].decode(encoding, "replace").replace(_REPLACEMENT, "")
        if _is_plausible(text, score, value := score(text)):
            scored.append((value, encoding, name))
    for _, encoding, name in sorted(scored, key=lambda item: -item[0]):
        _check_stray(data, encoding, name)


def _decode_older(data: bytes) -> _Decoded | None:
    found = []
    for encoding, name, score in _OLDER:
        decoded = _try(data, encoding)
        if decoded is not None and _is_plausible(sample := decoded[0][:_SAMPLE], score, value := score(sample)):
            found.append((value - (_CUT if decoded[1] else 0), name, decoded))
    if not found:
        return None
    _, name, (text, notes) = max(found, key=lambda item: item[0])  # the first one of equals
    return text, notes if name in _EXPECTED else (*notes, _read_as(name))


def _is_plausible(text: str, score: _Score, value: float) -> bool:
    beyond = sum(character > "\x7f" for character in text)
    return beyond > 0 and value >= (_PLAUSIBLE_SHORT if beyond < _SHORT and score is chineseness else _PLAUSIBLE)


def _decode_western(data: bytes, mixed: bool = False) -> _Decoded | None:
    """Decode Windows-1252.

    Args:
        data: the bytes.
        mixed: whether only to read a text whose bytes beyond ASCII mostly stand alone among letters of ASCII, which
            other encodings would take for parts of characters.
    """
    decoded = _try(data, "cp1252")
    if decoded is None:
        return None
    text = decoded[0]
    beyond = [character for character in text if character > "\x7f"]
    if len(beyond) > _MAX_WESTERN_SHARE * len(text) or not _WESTERN.issuperset(beyond):
        return None
    if len(_INSIDE.findall(text)) > _MAX_INSIDE * len(beyond):
        return None
    if mixed and len(_LONE.findall(data)) < _MIN_LONE * len(beyond):
        return None
    return text, (_read_as("Windows-1252"),)


_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_MIN_LONE = 0.6
# what no western word has inside, but another encoding's letters are read as
_INSIDE = re.compile("(?<=[a-z])[ŠŽŒŸÀ-ÖØ-Þ„‚¿¡§£«»°ªº†‡™‰‹›](?=[a-z])")
_MAX_INSIDE = 0.1


def _read_as(encoding: str) -> Note:
    message = f"The text was read as {encoding}, as older programs write it."
    return Note("corpus_western", message, {"encoding": encoding})


def _try(data: bytes, encoding: str) -> _Decoded | None:
    """Return `data` decoded, without the part of a character that was cut off at the end; None if it is not valid."""
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        pass
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(data, final=False)
    except UnicodeDecodeError:
        return None
    cut = len(decoder.getstate()[0])
    if not text or not cut:
        return None
    message = "The file ends in the middle of a character, which was left out."
    return text, (Note("corpus_cut", message, {"bytes": cut}),)


def _binary() -> CorpusError:
    return CorpusError(
        "corpus_binary",
        f"This is not a text file. Provide plain text (.txt) in one of these encodings: {', '.join(ENCODINGS)}.",
        allowed=", ".join(ENCODINGS),
    )
