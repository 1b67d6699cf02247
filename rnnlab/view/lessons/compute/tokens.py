"""Tokens, their vocabulary, and how their frequency falls with their rank (Zipf's law)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnlab.text.vocab import by_frequency

Array = NDArray[np.float64]
UNKNOWN = "□"
"""Stands for a character outside the vocabulary."""
LENGTHS = (1, 2, 3)
"""Lengths of the tokens, in characters."""
STRAIGHT = 0.9
"""Share of the variance that a line explains (R²) from which the points are called a line."""


@dataclass(frozen=True)
class Frequencies:
    """The counts of all distinct tokens of one length in a text.

    Attributes:
        counts: counts by rank, the largest first.
    """

    counts: tuple[int, ...]

    @property
    def distinct(self) -> int:
        """The number of distinct tokens."""
        return len(self.counts)

    @property
    def once(self) -> int:
        """The number of tokens that occur only once."""
        return self.counts.count(1)

    @property
    def line(self) -> tuple[float, float, float]:
        """The least-squares line through log count by log rank: its slope, its intercept, and R²."""
        if self.distinct < 2:
            return 0.0, float(np.log(self.counts[0])), 1.0
        ranks, counts = np.log(np.arange(1, self.distinct + 1)), np.log(np.array(self.counts, dtype=np.float64))
        slope, intercept = np.polyfit(ranks, counts, 1)
        spread = float(np.sum((counts - counts.mean()) ** 2))
        rest = float(np.sum((counts - slope * ranks - intercept) ** 2))
        return float(slope), float(intercept), 1 - rest / spread if spread else 1.0

    @property
    def alpha(self) -> float:
        """The exponent α of n_i ∝ 1 / i^α, the negative slope of the line."""
        return -self.line[0] + 0.0

    @property
    def is_straight(self) -> bool:
        """Whether the points lie near the line."""
        return self.line[2] >= STRAIGHT

    def covered(self, k: int) -> float:
        """Return the share of all positions that the `k` most frequent tokens cover, 0 to 1."""
        return sum(self.counts[:k]) / sum(self.counts)


@lru_cache(maxsize=8)
def frequencies(text: str, length: int = 1) -> Frequencies:
    """Count the tokens of `length` characters at every position of `text`; the text must be at least as long."""
    counts = Counter(text[at : at + length] for at in range(len(text) - length + 1))
    return Frequencies(tuple(sorted(counts.values(), reverse=True)))


def sizes(vocab_size: int) -> list[int]:
    """Return vocabulary sizes to choose from: 1, 2, 5, 10, 20, … and `vocab_size`."""
    steps = [base * 10**power for power in range(7) for base in (1, 2, 5)]
    return [*(size for size in steps if size < vocab_size), vocab_size]


def encode(text: str, train: str, k: int) -> list[int | None]:
    """Return the index of each character of `text` in a vocabulary of the `k` most frequent characters of `train`.

    Indices are ordered by frequency; None stands for a character outside the vocabulary.
    """
    index = {character: i for i, (character, _) in enumerate(by_frequency(train)[:k])}
    return [index.get(character) for character in text]


def readable(text: str, train: str, k: int) -> str:
    """Return `text` with `UNKNOWN` for every character that is not among the `k` most frequent of `train`."""
    known = encode(text, train, k)
    return "".join(UNKNOWN if i is None else character for character, i in zip(text, known, strict=True))


def spread(count: int, points: int = 60) -> list[int]:
    """Return at most `points` ranks from 1 to `count`, evenly spaced on a logarithmic axis."""
    return sorted({round(rank) for rank in np.geomspace(1, count, points)})
