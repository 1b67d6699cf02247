"""Characters that one cannot see: the sign by which each is shown, and how many a text has.

What is shown by a sign and what is counted are the same characters.
"""

from __future__ import annotations

from functools import lru_cache

SPACE = "␣"
"""The sign of an ordinary space."""

_SIGNS = {
    " ": SPACE,
    "\u00a0": "⍽",  # no-break space
    "\u3000": "▭",  # ideographic space, as wide as a Chinese character
    "\x7f": "␡",
    **{chr(code): chr(0x2400 + code) for code in range(0x20)},  # the symbols for control characters
}

_LABELS = {
    "\u00ad": "SHY",
    "\u034f": "CGJ",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u2060": "WJ",
    "\ufe0e": "VS15",
    "\ufe0f": "VS16",
    "\ufeff": "BOM",
}
"""The usual abbreviations; a character without one is labelled by its number."""

# blank glyphs that Unicode counts as letters, marks or symbols
_BLANK_GLYPHS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_VARIATION_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def is_invisible(character: str) -> bool:
    """Return whether a character leaves nothing to see: white space, controls, joiners, marks of order and variants."""
    return sign(character) is not None


@lru_cache(maxsize=4096)
def sign(character: str) -> str | None:
    """Return the sign of an invisible character, different for each; None for a character that can be seen."""
    if character in _SIGNS:
        return _SIGNS[character]
    if character in _LABELS:
        return f"⟨{_LABELS[character]}⟩"
    code = ord(character)
    hidden = (
        not character.isprintable()
        or character.isspace()
        or character in _BLANK_GLYPHS
        or any(code in selectors for selectors in _VARIATION_SELECTORS)
    )
    return f"⟨U+{code:04X}⟩" if hidden else None


def visible(text: str) -> str:
    """Return `text` with the sign of each invisible character in its place."""
    return "".join(sign(character) or character for character in text)


def count(text: str) -> int:
    """Return the number of invisible characters in `text`."""
    return sum(map(is_invisible, text))
