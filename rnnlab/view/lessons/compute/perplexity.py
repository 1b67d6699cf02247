"""Perplexity by hand: exp of the mean of -ln p, and its three special cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

CASES = ("certain", "wrong", "blind")
"""The right character always has probability 1; it has probability 0 once; it always has 1/V."""
ANSWERS = ("one", "vocabulary", "infinite")
"""The possible guesses: 1, the size of the vocabulary, infinity."""


def losses(probabilities: Sequence[float]) -> list[float | None]:
    """Return -ln p for each probability of the right character, in nats; None: infinite."""
    return [-math.log(p) if p > 0 else None for p in probabilities]


def perplexity(probabilities: Sequence[float]) -> float | None:
    """Return exp(mean of -ln p), or None (infinite) if a probability is 0."""
    values = losses(probabilities)
    finite = [loss for loss in values if loss is not None]
    if len(finite) < len(values):
        return None
    return math.exp(sum(finite) / len(finite))


def answer(case: str, vocab_size: int) -> tuple[str, float | None]:
    """Return the right one of `ANSWERS` for a case of three characters, and the perplexity."""
    probabilities = {"certain": [1.0] * 3, "wrong": [1.0, 0.0, 1.0], "blind": [1 / vocab_size] * 3}[case]
    value = perplexity(probabilities)
    if value is None:
        return "infinite", None
    return ("one" if abs(value - 1) < 1e-9 else "vocabulary"), value


def kind(value: float | None, vocab_size: int) -> str:
    """Classify a perplexity: ``infinite``, ``perfect``, or ``better``, ``blind`` (equal), ``worse`` than guessing."""
    if value is None:
        return "infinite"
    if value < 1.0005:
        return "perfect"
    if math.isclose(value, vocab_size, rel_tol=0.005):
        return "blind"
    return "better" if value < vocab_size else "worse"
