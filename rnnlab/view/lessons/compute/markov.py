"""The Markov assumption on a real text: the continuations of n characters, and texts drawn from their table."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

MAX_CONTEXT = 5
"""Longest context in characters; the ladder ends one order above."""


@dataclass(frozen=True)
class Table:
    """The size of a table of all contexts of one length.

    Attributes:
        possible: number of contexts that the vocabulary can form.
        seen: number of contexts that occur in the text.
        certain: share of these that are always followed by the same character, 0 to 1.
    """

    possible: int
    seen: int
    certain: float


def continuations(text: str, context: str) -> list[tuple[str, int]]:
    """Return the characters that follow `context` with their counts, most frequent first, ties by code point."""
    size, counts, at = len(context), Counter[str](), text.find(context)
    while 0 <= at < len(text) - size:
        counts[text[at + size]] += 1
        at = text.find(context, at + 1)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def table(text: str, size: int) -> Table:
    """Count the contexts of `size` characters in `text`."""
    following: dict[str, set[str]] = {}
    for at in range(len(text) - size):
        following.setdefault(text[at : at + size], set()).add(text[at + size])
    certain = sum(len(characters) == 1 for characters in following.values())
    return Table(len(set(text)) ** size, len(following), certain / len(following) if following else 0.0)


def frequent_contexts(text: str, size: int, count: int = 6) -> list[str]:
    """Return the most frequent contexts of `size` characters, those without blanks first."""
    counts = Counter(text[at : at + size] for at in range(len(text) - size))
    return sorted(counts, key=lambda context: (" " in context, -counts[context], context))[:count]


def draw(text: str, size: int, length: int, seed: int) -> str:
    """Draw `length` characters, each from the continuations of the previous `size` characters in `text`.

    The first context is random, and so is the next after a context without continuation (the end of the text).
    """
    generator = random.Random(seed)
    following: dict[str, list[str]] = {}
    for at in range(len(text) - size):
        following.setdefault(text[at : at + size], []).append(text[at + size])
    written: list[str] = []
    context = generator.choice(list(following))
    for _ in range(length):
        if context not in following:
            context = generator.choice(list(following))
        written.append(generator.choice(following[context]))
        context = (context + written[-1])[1:] if size else ""
    return "".join(written)
