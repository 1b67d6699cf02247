"""The n-gram ladder: training perplexities of n-gram models, from uniform guessing (order 0) to order 6.

The rung of order n is the perplexity of the model that predicts each character from the n - 1 characters before it,
with the relative frequencies counted in the same text (the plug-in estimate):

    exp(-1/N · Σ log(count(n-gram) / count(its first n - 1 characters)))

over the N = length - n + 1 n-grams of the text. Networks are compared with it: a network below the rung of order 2 must
use more than one character of memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rnnlab.errors import CorpusError
from rnnlab.text.vocab import by_frequency

MAX_ORDER = 6
"""Default highest order of the ladder."""
NEAR = 0.02
"""A perplexity p counts as equal to a rung r if ``abs(p - r) <= NEAR * (r - 1)``; 1 is the lowest perplexity."""


def ladder(text: str, max_order: int = MAX_ORDER) -> dict[int, float]:
    """Return the training perplexity by n-gram order: 0 uniform, 1 unigram, 2 bigram, and so on.

    The result is exact; apart from sorting, the time is linear: 1,000,000 characters to order 6 take about a second.
    Orders longer than the text are left out. `text` is the training text after preprocessing.

    Raises:
        CorpusError: ``corpus_empty``.
    """
    if not text:
        raise CorpusError("corpus_empty", "The text is empty. Provide a text with at least two different characters.")
    tokens, indices = np.unique(_code_points(text), return_inverse=True)
    vocab_size = len(tokens)
    perplexities = {0: float(vocab_size)}
    # `grams[i]` is the number of the distinct (order - 1)-gram that starts at i; renumbering at each order keeps the
    # combined key below length · vocab_size, which always fits into 64 bits
    grams = np.zeros(len(text) + 1, dtype=np.int64)
    for order in range(1, min(max_order, len(text)) + 1):
        context = grams[:-1]
        keys, grams, counts = np.unique(
            context * vocab_size + indices[order - 1 :], return_inverse=True, return_counts=True
        )
        context_counts = np.bincount(context)[keys // vocab_size]
        nats = -float(np.dot(counts, np.log(counts / context_counts))) / len(grams)
        perplexities[order] = math.exp(max(0.0, nats))
    return perplexities


def rung(perplexity: float, ladder: Mapping[int, float]) -> int | None:
    """Return the highest order whose perplexity is not below `perplexity`, or None above that of uniform guessing.

    0: at least as good as uniform guessing; 1: as knowing the frequencies; n: as knowing the n - 1 characters before.
    A model on rung n, unless it is the last rung, has "between n - 1 and n characters of memory".
    """
    reached: int | None = None
    for order in sorted(ladder):
        if not perplexity <= ladder[order]:  # written this way, NaN reaches no rung
            break
        reached = order
    return reached


def rung_near(perplexity: float, ladder: Mapping[int, float]) -> int | None:
    """Return the order of the rung that `perplexity` equals within `NEAR`, or None if it is between rungs.

    The ladder is counted over the whole text, while the perplexity of an epoch is measured over its targets and with
    changing weights: over the same characters, a network 1 % below a rung may be 1 % above it. So close to a rung, the
    network can be called neither better nor worse. Order 0 is left out: uniform guessing has the same perplexity over
    any characters. If several rungs are near, the highest order is returned.
    """
    near = [order for order, value in ladder.items() if order and abs(perplexity - value) <= NEAR * (value - 1)]
    return max(near, default=None)


def most_frequent(text: str, k: int) -> list[tuple[str, int]]:
    """Return the `k` most frequent characters of `text` with their counts; ties are ordered by code point."""
    return by_frequency(text)[: max(0, k)]


def _code_points(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
