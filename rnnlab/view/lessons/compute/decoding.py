"""Choosing the next character from a distribution: temperature, top-k, greedy search and beam search.

The model is a table of counts of a text: the distribution of a character depends on the `size` characters before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnlab.view.lessons.compute import markov

Array = NDArray[np.float64]
LogTable = Mapping[str, Mapping[str, float]]
"""Context -> character -> log probability; the most probable character first."""


@dataclass(frozen=True)
class Model:
    """A table of log probabilities and the number of characters that it looks back."""

    size: int
    table: LogTable

    def following(self, text: str) -> Mapping[str, float]:
        """Return the log probabilities of the characters that can follow `text`; none at the end of the text."""
        return self.table.get(text[len(text) - self.size :], {})

    def log_probability(self, prefix: str, written: str) -> float:
        """Return the log probability of writing `written` after `prefix`; -∞ if the table excludes it."""
        total, text = 0.0, prefix
        for character in written:
            total += self.following(text).get(character, -math.inf)
            text += character
        return total


@lru_cache(maxsize=4)
def model(text: str, size: int) -> Model:
    """Count the continuations of all contexts of `size` characters in `text`."""
    table = {}
    for context, counts in markov.counted(text, size).items():
        total = sum(counts.values())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        table[context] = {character: math.log(count / total) for character, count in ordered}
    return Model(size, table)


def reshape(probabilities: Array, temperature: float, top_k: int) -> Array:
    """Return a distribution at a temperature, cut off after its `top_k` most probable entries.

    The probabilities become p^(1/T), normalised over the entries that are kept: the softmax of the scores divided by T.

    Args:
        probabilities: the distribution, largest first; all above 0.
        temperature: T, above 0.
        top_k: number of entries to keep, at least 1.
    """
    scores = np.log(probabilities) / temperature
    weights = np.exp(scores - scores.max())
    weights[top_k:] = 0.0
    kept: Array = weights / weights.sum()
    return kept


def draw(source: Model, prefix: str, length: int, temperature: float, top_k: int, seed: int) -> str:
    """Draw up to `length` characters after `prefix`; fewer only where the table ends."""
    chance, text = np.random.default_rng(seed), prefix
    for _ in range(length):
        following = source.following(text)
        if not following:
            break
        weights = reshape(np.exp(list(following.values())), temperature, top_k)
        text += list(following)[int(chance.choice(len(weights), p=weights))]
    return text[len(prefix) :]


@dataclass(frozen=True)
class Candidate:
    """A text that a beam search considers.

    Attributes:
        written: the characters after the prefix.
        score: log probability.
        parent: position of the candidate that it continues among those kept one step earlier.
    """

    written: str
    score: float
    parent: int


def beam(source: Model, prefix: str, length: int, size: int) -> list[list[Candidate]]:
    """Return the candidates that a beam search keeps after each step, the most probable first.

    Each step continues all kept candidates by all characters and keeps the `size` most probable results; with size 1
    this is greedy search. The first entry has only the empty text.
    """
    kept = [[Candidate("", 0.0, 0)]]
    for _ in range(length):
        longer = [
            Candidate(candidate.written + character, candidate.score + score, parent)
            for parent, candidate in enumerate(kept[-1])
            for character, score in source.following(prefix + candidate.written).items()
        ]
        if not longer:
            break
        kept.append(sorted(longer, key=lambda candidate: (-candidate.score, candidate.written))[:size])
    return kept


def best(source: Model, prefix: str, length: int) -> Candidate:
    """Return the most probable text of `length` characters after `prefix`, by dynamic programming over the contexts.

    This is possible because the table looks back only a few characters; a recurrent network remembers everything.
    """
    # the most probable way to each context
    ways = {prefix[len(prefix) - source.size :]: Candidate("", 0.0, 0)}
    for _ in range(length):
        longer: dict[str, Candidate] = {}
        for way in ways.values():
            for character, score in source.following(prefix + way.written).items():
                text = way.written + character
                context = (prefix + text)[len(prefix + text) - source.size :]
                candidate = Candidate(text, way.score + score, 0)
                if context not in longer or (-candidate.score, text) < (
                    -longer[context].score,
                    longer[context].written,
                ):
                    longer[context] = candidate
        if not longer:
            break
        ways = longer
    return min(ways.values(), key=lambda candidate: (-candidate.score, candidate.written))


def repeats(text: str) -> bool:
    """Return whether at least half of `text`, at its end, is some characters said three times or more."""
    for period in range(1, len(text) // 3 + 1):
        same = 0
        while same < len(text) - period and text[-1 - same] == text[-1 - same - period]:
            same += 1
        if period + same >= max(3 * period, len(text) / 2):
            return True
    return False
