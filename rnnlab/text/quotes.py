"""What of a generated text is not the network's own: spans copied from the training text, loops, blanks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_LENGTH = 5
"""The shortest run of characters that counts as a quote."""

# a loop is called one when it has gone round this often and fills this many characters
_LOOP_ROUNDS = 3
_LOOP_LENGTH = 12


class Span(NamedTuple):
    """``text[start:stop]`` stands verbatim in the corpus, from `corpus_start` on."""

    start: int
    stop: int
    corpus_start: int


class QuoteIndex:
    """Finds the quotes from one corpus in any text; built once per corpus, about 0.1 s for 1,000,000 characters.

    Args:
        corpus_text: the text that the network was trained on, after preprocessing.
        min_length: the shortest run that counts as a quote.
    """

    def __init__(self, corpus_text: str, min_length: int = MIN_LENGTH) -> None:
        if min_length < 1:
            raise ValueError(f"min_length is at least 1, not {min_length}")
        self.corpus_text = corpus_text
        self.min_length = min_length
        self._hashes = np.unique(_hashes(corpus_text, min_length))

    def quoted_spans(self, text: str) -> list[Span]:
        """Return the quotes in `text`, in order and without overlap.

        Together they cover exactly the characters that belong to some run of at least `min_length` characters that
        stands in the corpus. Where two such runs overlap, the first keeps the characters they share, so that what is
        left of the second may be shorter. Of equal passages in the corpus the first is named.
        """
        starts = self._starts(text)
        spans: list[Span] = []
        i = 0
        while i < len(starts):
            if not starts[i]:
                i += 1
                continue
            position, length = self._longest_match(text, i)
            if length < self.min_length:  # two n-grams with one hash: this one does not stand in the corpus
                starts[i] = False
                i += 1
                continue
            # `i` may lie inside the span before, when a run began there that reaches further
            begin = max(i, spans[-1].stop) if spans else i
            spans.append(Span(begin, i + length, position + begin - i))
            # runs that start later reach further, so the latest that still touches this span comes next
            stop = i + length
            touching = range(min(stop, len(starts) - 1), stop - self.min_length, -1)
            i = next((j for j in touching if starts[j]), stop)
        return spans

    def longest(self, text: str) -> int:
        """Return the length of the longest run in `text` that stands in the corpus, 0 where none is long enough.

        The spans do not tell: where two runs overlap, each character is given to one of them.
        """
        starts = self._starts(text)
        best = self.min_length - 1
        # without its last character a quote still is one: from one end to the next, the longest grows by one at most
        for start, stop in enumerate(range(self.min_length, len(text) + 1)) if starts else ():
            begin = stop - best - 1
            if begin >= 0 and starts[begin] and starts[start]:
                best += text[begin:stop] in self.corpus_text
        return best if best >= self.min_length else 0

    def _starts(self, text: str) -> list[bool]:
        # where in the text an n-gram of min_length characters starts that stands in the corpus
        hashes = _hashes(text, self.min_length)
        if not len(hashes) or not len(self._hashes):
            return []
        found = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return [bool(hit) for hit in self._hashes[found] == hashes]

    def _longest_match(self, text: str, start: int) -> tuple[int, int]:
        # the longest run from `start` on that stands in the corpus: (its first position there, its length); each search
        # for one character more goes on where the last one ended, so that all of them together read the corpus once
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
    """Return what of `text` stands verbatim in `corpus_text`; for many texts build one `QuoteIndex`."""
    return QuoteIndex(corpus_text, min_length).quoted_spans(text)


def coverage(spans: Iterable[Span], length: int) -> float:
    """Return the share of a text of `length` characters that lies in `spans`, from 0 to 1."""
    return sum(span.stop - span.start for span in spans) / length if length else 0.0


def loop_period(text: str) -> int | None:
    """Return the period of the loop that `text` ends in, or None.

    A loop is a tail of at least 12 characters that repeats its first `period` characters at least three times; the
    smallest such period is returned, so that blanks alone have period 1.
    """
    backwards = text[::-1]
    for period, repeated in enumerate(_prefix_matches(backwards)):
        if period and period + repeated >= max(_LOOP_ROUNDS * period, _LOOP_LENGTH):
            return period
    return None


def share_of_blanks(text: str) -> float:
    """Return the share of `text` that is white space, from 0 to 1."""
    return sum(character.isspace() for character in text) / len(text) if text else 0.0


def _prefix_matches(text: str) -> list[int]:
    # the Z function: how many characters from each position on agree with the beginning, in linear time
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
    # one number for each run of n characters, modulo 2^64; equal runs have equal numbers, the reverse is checked later
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if len(codes) < n:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(len(codes) - n + 1, dtype=np.uint64)
    for i in range(n):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[i : i + len(hashes)]
    return hashes
