"""Measure the nesting of JSON text without recursion, to refuse what is too deep or too much before it is parsed."""

from __future__ import annotations

import re
from itertools import accumulate

MAX_DEPTH = 40
"""The deepest nesting of JSON that is read; our own messages and files have fewer than ten levels."""

_STRING = re.compile(rb'"[^"]*(?:"|\Z)')
_STEP = dict.fromkeys(b"[{", 1) | dict.fromkeys(b"]}", -1)


def too_deep(text: str | bytes) -> bool:
    """Return whether `text` is nested more deeply than `MAX_DEPTH` before its end or its first error."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    return any(depth > MAX_DEPTH for depth in accumulate(map(_STEP.__getitem__, outside_strings(data, b"[]{}"))))


def outside_strings(data: bytes, kept: bytes) -> bytes:
    """Return those characters of JSON that are among `kept` and not part of a string."""
    # without escaped characters, a quotation mark begins or ends a string
    data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    return _STRING.sub(b"", data.translate(None, bytes(set(range(256)) - set(kept) - set(b'"'))))
