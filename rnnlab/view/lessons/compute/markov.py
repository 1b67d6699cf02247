"""The Markov assumption on a real text: what follows these n characters, and what a table of it would write."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

MAX_CONTEXT = 5
"""The most characters looked back at: the ladder ends one order above."""


@dataclass(frozen=True)
class Table:
    """What a table of all contexts of a length would hold.

    Attributes:
        possible: contexts that the vocabulary could form.
        seen: contexts that the text has.
        certain: of those, the share that is followed by one and the same character only, 0 to 1.
    """

    possible: int
    seen: int
    certain: float


def continuations(text: str, context: str) -> list[tuple[str, int]]:
    """Return what follows `context` in `text`, with counts, the most frequent first, ties by code point."""
    size, found, at = len(context), Counter[str](), text.find(context)
    while 0 <= at < len(text) - size:
        found[text[at + size]] += 1
        at = text.find(context, at + 1)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def table(text: str, size: int) -> Table:
    """Count the contexts of `size` characters in `text`."""
    following: dict[str, set[str]] = {}
    for at in range(len(text) - size):
        following.setdefault(text[at : at + size], set()).add(text[at + size])
    alone = sum(len(one) == 1 for one in following.values())
    return Table(len(set(text)) ** size, len(following), alone / len(following) if following else 0.0)


def frequent_contexts(text: str, size: int, count: int = 6) -> list[str]:
    """Return the most frequent contexts of `size` characters, first those without blanks."""
    counts = Counter(text[at : at + size] for at in range(len(text) - size))
    return sorted(counts, key=lambda one: (" " in one, -counts[one], one))[:count]


def draw(text: str, size: int, length: int, seed: int) -> str:
    """Write `length` characters, each drawn from what follows the last `size` ones in `text`.

    Starts at a random place; where the end of the text leaves nothing to follow, likewise.
    """
    chance = random.Random(seed)
    following: dict[str, list[str]] = {}
    for at in range(len(text) - size):
        following.setdefault(text[at : at + size], []).append(text[at + size])
    written: list[str] = []
    context = chance.choice(list(following))
    for _ in range(length):
        if context not in following:
            context = chance.choice(list(following))
        written.append(chance.choice(following[context]))
        context = (context + written[-1])[1:] if size else ""
    return "".join(written)
