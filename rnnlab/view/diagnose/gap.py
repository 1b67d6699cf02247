"""A sentence with a gap: typed by the reader, or cut from a text."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rnnlab.errors import RNNLabError
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.text.invisible import is_invisible

MARKS = "＿_"
"""The marks of a gap: a full-width and an ASCII underscore."""
REACH = 12
"""Number of characters on each side of a gap that is cut from a text."""


def split(text: str) -> tuple[str, str]:
    """Return the parts of `text` before and after its gap.

    Raises:
        RNNLabError: ``gap_length``, ``gap_marks``, or ``gap_first`` if nothing precedes the gap.
    """
    if not 2 <= len(text) <= MAX_TEXT:
        raise RNNLabError(
            "gap_length", f"The sentence has {len(text)} characters; allowed: 2 to {MAX_TEXT}.",
            length=len(text), allowed=MAX_TEXT,
        )  # fmt: skip
    places = [index for index, character in enumerate(text) if character in MARKS]
    if len(places) != 1:
        raise RNNLabError(
            "gap_marks", f"The sentence has {len(places)} gaps; put exactly one {MARKS[0]} or {MARKS[1]}.",
            count=len(places),
        )  # fmt: skip
    if places[0] == 0:
        raise RNNLabError(
            "gap_first", "Something must stand before the gap: a one-directional network has nothing else to read."
        )
    return text[: places[0]], text[places[0] + 1 :]


def cut(text: str, place: int, reach: int = REACH) -> tuple[str, str]:
    """Return a piece of `text` with a gap at `place`, and the character that belongs there."""
    before, after = text[max(0, place - reach) : place], text[place + 1 : place + 1 + reach]
    return before + MARKS[0] + after, text[place]


def find(text: str, known: Collection[str], places: Iterable[int]) -> tuple[str, str] | None:
    """Return the first piece, cut at one of `places`, that consists of `known` characters, and its answer.

    Gaps at blanks are skipped, as they are too easy, and so are other characters that one cannot see.
    """
    for place in places:
        if not 0 < place < len(text) or is_invisible(text[place]):
            continue
        sentence, answer = cut(text, place)
        if answer in known and all(character in known or character == MARKS[0] for character in sentence):
            return sentence, answer
    return None
