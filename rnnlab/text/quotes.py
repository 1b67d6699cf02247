"""Passages of a generated text that are copied from the training text, its loops and its blanks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlab.text import invisible

MIN_LENGTH = 5
"""Length of the shortest passage that counts as a quote, in characters."""

# a repetition counts as a loop from this many rounds and this many characters on
_LOOP_ROUNDS = 3
_LOOP_LENGTH = 12


class Span(NamedTuple):
    """A quote: ``text[start:stop]`` occurs verbatim in the corpus, starting at `corpus_start`."""

    start: int
    stop: int
    corpus_start: int


class QuoteIndex:
    """Index of a corpus that finds quotes from it in any text; building takes about 0.1 s for 1,000,000 characters.

    Args:
        corpus_text: the training text after preprocessing.
        min_length: length of the shortest passage that counts as a quote.
    """

    def __init__(self, corpus_text: str, min_length: int = MIN_LENGTH) -> None:
        if min_length < 1:
            raise ValueError(f"min_length is at least 1, not {min_length}")
        self.corpus_text = corpus_text
        self.min_length = min_length
        self._hashes = np.unique(_hashes(corpus_text, min_length))

    def quoted_spans(self, text: str) -> list[Span]:
        """Return the quotes in `text`, in order and without overlap.

        Together they cover exactly the characters that belong to a passage of at least `min_length` characters that
        occurs in the corpus. If two passages overlap, the first keeps the shared characters, so that the rest of the
        second may be shorter. If a passage occurs several times in the corpus, the first position is returned.
        """
        starts = self._starts(text)
        spans: list[Span] = []
        i = 0
        while i < len(starts):
            if not starts[i]:
                i += 1
                continue
            position, length = self._longest_match(text, i)
            if length < self.min_length:  # a hash collision: this n-gram does not occur in the corpus
                starts[i] = False
                i += 1
                continue
            # `i` may lie inside the previous span, if a passage that starts there reaches further
            begin = max(i, spans[-1].stop) if spans else i
            spans.append(Span(begin, i + length, position + begin - i))
            # passages that start later reach further, so continue with the last start that still touches this span
            stop = i + length
            touching = range(min(stop, len(starts) - 1), stop - self.min_length, -1)
            i = next((j for j in touching if starts[j]), stop)
        return spans

    def longest(self, text: str) -> int:
        """Return the length of the longest passage of `text` that occurs in the corpus, or 0 if none is long enough.

        It cannot be derived from the spans: if two passages overlap, each character belongs to only one span.
        """
        starts = self._starts(text)
        best = self.min_length - 1
        # a quote without its last character is still a quote: from one end to the next, the longest grows by at most 1
        for start, stop in enumerate(range(self.min_length, len(text) + 1)) if starts else ():
            begin = stop - best - 1
            if begin >= 0 and starts[begin] and starts[start]:
                best += text[begin:stop] in self.corpus_text
        return best if best >= self.min_length else 0

    def _starts(self, text: str) -> list[bool]:
        # for each position of the text: whether the n-gram of min_length characters there occurs in the corpus
        hashes = _hashes(text, self.min_length)
        if not len(hashes) or not len(self._hashes):
            return []
        nearest = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return [bool(hit) for hit in self._hashes[nearest] == hashes]

    def _longest_match(self, text: str, start: int) -> tuple[int, int]:
        # the longest passage from `start` on that occurs in the corpus: (its first position there, its length); the
        # search for one more character continues where the last search ended, so that all together read the corpus once
        corpus = self.corpus_text
        best, length = -1, 0
        position = corpus.find(text[start : start + self.min_length])
        while position >= 0:
            best, length = position, max(length, self.min_length)
            limit = min(len(text) - start, len(corpus) - position)
            while length < limit and text[start + length] == corpus[position + length]:
                length += 1
            if start + length >= len(text):
                break
            position = corpus.find(text[start : start + length + 1], position + 1)
            length += position >= 0
        return best, length


def quoted_spans(text: str, corpus_text: str, min_length: int = MIN_LENGTH) -> list[Span]:
    """Return the quotes in `text` from `corpus_text`; for many texts, build a `QuoteIndex` instead."""
    return QuoteIndex(corpus_text, min_length).quoted_spans(text)


def coverage(spans: Iterable[Span], length: int) -> float:
    """Return the share of a text of `length` characters that `spans` cover, from 0 to 1."""
    return sum(span.stop - span.start for span in spans) / length if length else 0.0


def loop_period(text: str) -> int | None:
    """Return the period of the loop that `text` ends in, or None.

    A loop is an ending of at least 12 characters that repeats its first `period` characters at least three times. The
    smallest such period is returned, so that a text of blanks has period 1.
    """
    backwards = text[::-1]
    for period, repeated in enumerate(_prefix_matches(backwards)):
        if period and period + repeated >= max(_LOOP_ROUNDS * period, _LOOP_LENGTH):
            return period
    return None


def share_of_blanks(text: str) -> float:
    """Return the share of `text` that one cannot see, from 0 to 1."""
    return invisible.count(text) / len(text) if text else 0.0


def _prefix_matches(text: str) -> list[int]:
    # the Z function: for each position, how many characters from there on equal the beginning of the text; linear time
    z = [0] * len(text)
    left = right = 0
    for i in range(1, len(text)):
        if i < right:
            z[i] = min(right - i, z[i - left])
        while i + z[i] < len(text) and text[z[i]] == text[i + z[i]]:
            z[i] += 1
        if i + z[i] > right:
            left, right = i, i + z[i]
    return z


def _hashes(text: str, n: int) -> NDArray[np.uint64]:
    # a rolling hash of each n-gram, modulo 2^64; equal n-grams have equal hashes, the converse is checked by the caller
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if len(codes) < n:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(len(codes) - n + 1, dtype=np.uint64)
    for i in range(n):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[i : i + len(hashes)]
    return hashes
