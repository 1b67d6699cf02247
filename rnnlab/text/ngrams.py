"""What counting alone knows of a text: the n-gram ladder, from a blind guess to six characters at a time.

The rung of order n is the training perplexity of the model that knows the n - 1 characters before and, of what follows
them, the frequencies in this very text (the plug-in estimate):

    exp(-1/N · Σ log(count(n-gram) / count(its first n - 1 characters)))

over the N = length - n + 1 n-grams of the text. A network is measured against it: below the rung of order 2 it must
make use of more than one character of memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rnnlab.errors import CorpusError
from rnnlab.text.vocab import by_frequency

MAX_ORDER = 6
"""The order at which the ladder ends unless told otherwise."""
NEAR = 0.02
"""A perplexity stands on a rung that it is this close to, as a share of what the rung lies above 1, the lowest."""


def ladder(text: str, max_order: int = MAX_ORDER) -> dict[int, float]:
    """Return the training perplexity by n-gram order: 0 uniform, 1 unigram, 2 bigram, and so on.

    Exact, and linear but for sorting: 1,000,000 characters to order 6 take about a second. Orders longer than the text
    are left out. `text` is what the network trains on, after preprocessing.

    Raises:
        CorpusError: ``corpus_empty``.
    """
    if not text:
        raise CorpusError("corpus_empty", "The text is empty. Give a text with at least two different characters.")
    tokens, indices = np.unique(_code_points(text), return_inverse=True)
    vocab_size = len(tokens)
    perplexities = {0: float(vocab_size)}
    # `grams[i]` numbers the distinct (order - 1)-gram that starts at i; numbering anew at each order keeps the combined
    # key below length · vocab_size, which always fits 64 bits
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
    """Return the highest order that `perplexity` has come down to, or None where it is above even a blind guess.

    0: at least as good as guessing blindly; 1: as knowing the frequencies; n: as knowing n - 1 characters before. A
    model on rung n that is not the last stands "between n - 1 and n characters of memory".
    """
    reached: int | None = None
    for order in sorted(ladder):
        if not perplexity <= ladder[order]:  # so that NaN reaches nothing
            break
        reached = order
    return reached


def standing_on(perplexity: float, ladder: Mapping[int, float]) -> int | None:
    """Return the order of the rung that `perplexity` stands on, give or take `NEAR`, or None where it is between rungs.

    A ladder counts the whole text. A perplexity is over the targets of an epoch, at weights that were changing: held
    against its own characters, a network 1 % below a rung may be just as far above it. So near a rung neither "better"
    nor "worse" can be said of it. Order 0 is left out: a blind guess has the same perplexity over any characters. Where
    two rungs are as one, the higher order is returned.
    """
    near = [order for order, value in ladder.items() if order and abs(perplexity - value) <= NEAR * (value - 1)]
    return max(near, default=None)


def most_frequent(text: str, k: int) -> list[tuple[str, int]]:
    """Return the `k` most frequent characters of `text` with their counts, ties by code point."""
    return by_frequency(text)[: max(0, k)]


def _code_points(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
