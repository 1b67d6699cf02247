"""A sentence with one character missing: what a reader types, or a piece of a text."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rnnlab.errors import RNNLabError
from rnnlab.runs.questions import MAX_TEXT

MARKS = "＿_"
"""What stands for the missing character: a wide or a plain underscore."""
REACH = 12
"""Characters on each side of a gap that is cut from a text."""


def split(text: str) -> tuple[str, str]:
    """Return what stands before and after the one gap of `text`.

    Raises:
        RNNLabError: ``gap_length``, ``gap_marks``, or ``gap_first`` where nothing stands before the gap.
    """
    if not 2 <= len(text) <= MAX_TEXT:
        raise RNNLabError(
            "gap_length", f"The sentence has {len(text)} characters; allowed: 2 to {MAX_TEXT}.",
            length=len(text), allowed=MAX_TEXT,
        )  # fmt: skip
    places = [index for index, one in enumerate(text) if one in MARKS]
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
    """Return a piece of `text` whose character at `place` is a gap, and that character."""
    before, after = text[max(0, place - reach) : place], text[place + 1 : place + 1 + reach]
    return before + MARKS[0] + after, text[place]


def find(text: str, known: Collection[str], places: Iterable[int]) -> tuple[str, str] | None:
    """Return the first piece of `text`, cut at one of `places`, that is made of `known` characters, and its answer.

    A gap where a blank stands is not worth guessing.
    """
    for place in places:
        if not 0 < place < len(text) or text[place].isspace():
            continue
        sentence, answer = cut(text, place)
        if answer in known and all(one in known or one == MARKS[0] for one in sentence):
            return sentence, answer
    return None
