"""The Markov assumption on a real text: the continuations of n characters, and texts drawn from their table."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

MAX_CONTEXT = 5
"""Longest context in characters; the ladder ends one order above."""
SMOOTHING = 1.0
"""Weight ε of the shorter context in the tables that predict held-out text."""


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


@lru_cache(maxsize=16)
def counted(text: str, size: int) -> dict[str, Counter[str]]:
    """Return the characters that follow each context of `size` characters in `text`, with their counts."""
    following: dict[str, Counter[str]] = {}
    for at in range(len(text) - size):
        following.setdefault(text[at : at + size], Counter())[text[at + size]] += 1
    return following


def table(text: str, size: int) -> Table:
    """Count the contexts of `size` characters in `text`."""
    following = counted(text, size)
    certain = sum(len(characters) == 1 for characters in following.values())
    return Table(len(set(text)) ** size, len(following), certain / len(following) if following else 0.0)


@dataclass(frozen=True)
class HeldOut:
    """How well the tables of a text predict another text.

    Attributes:
        perplexities: perplexity by context length, from 0.
        unseen: share of the predicted characters that the table has never seen after their context, by context length.
        left_out: number of characters that are not predicted because the text of the tables does not have them.
    """

    perplexities: tuple[float, ...]
    unseen: tuple[float, ...]
    left_out: int


@lru_cache(maxsize=4)
def held_out(text: str, other: str, longest: int = MAX_CONTEXT) -> HeldOut | None:
    """Return how well the tables of `text` predict `other`; None if `other` has nothing to predict.

    A relative frequency of 0 would make the perplexity infinite, so the tables are smoothed as in the book, with ε = 1:

        P(x | context) = (count(context, x) + ε · P(x | context without its first character)) / (count(context) + ε)

    below the empty context with the uniform distribution. The same characters are predicted for each context length.
    """
    vocab_size = len(set(text))
    places = [at for at in range(longest, len(other)) if other[at] in counted(text, 0)[""]]
    if not places:
        return None
    # probabilities with the next shorter context
    shorter, perplexities, unseen = [1 / vocab_size] * len(places), [], []
    for size in range(longest + 1):
        following, new = counted(text, size), 0
        for i, at in enumerate(places):
            counts = following.get(other[at - size : at], Counter())
            new += not counts[other[at]]
            shorter[i] = (counts[other[at]] + SMOOTHING * shorter[i]) / (counts.total() + SMOOTHING)
        perplexities.append(math.exp(-sum(map(math.log, shorter)) / len(places)))
        unseen.append(new / len(places))
    return HeldOut(tuple(perplexities), tuple(unseen), len(other) - longest - len(places))


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
