"""Perplexity by hand: e to the mean of -ln p, and its three cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

CASES = ("certain", "wrong", "blind")
"""The right character always gets probability 1; at least once 0; always 1/V."""
ANSWERS = ("one", "vocabulary", "infinite")
"""What a reader may guess: 1, the size of the vocabulary, infinity."""


def losses(probabilities: Sequence[float]) -> list[float | None]:
    """Return -ln p of each probability of the right character, nats; None where it is infinite."""
    return [-math.log(p) if p > 0 else None for p in probabilities]


def perplexity(probabilities: Sequence[float]) -> float | None:
    """Return exp(mean of -ln p); None: infinite, as soon as one probability is 0."""
    each = losses(probabilities)
    finite = [loss for loss in each if loss is not None]
    if len(finite) < len(each):
        return None
    return math.exp(sum(finite) / len(finite))


def answer(case: str, vocab_size: int) -> tuple[str, float | None]:
    """Work a case out on three characters: which of `ANSWERS` it is, and the perplexity."""
    probabilities = {"certain": [1.0] * 3, "wrong": [1.0, 0.0, 1.0], "blind": [1 / vocab_size] * 3}[case]
    value = perplexity(probabilities)
    if value is None:
        return "infinite", None
    return ("one" if abs(value - 1) < 1e-9 else "vocabulary"), value


def kind(value: float | None, vocab_size: int) -> str:
    """Say where a perplexity stands: ``infinite``, ``perfect``, ``better``, ``blind`` or ``worse`` than guessing."""
    if value is None:
        return "infinite"
    if value < 1.0005:
        return "perfect"
    if math.isclose(value, vocab_size, rel_tol=0.005):
        return "blind"
    return "better" if value < vocab_size else "worse"
