"""When a curve falls below a line."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlab.view.data.history import History


@dataclass(frozen=True)
class Crossing:
    """The first epoch with a perplexity below a line, and its distance from the start."""

    epoch: int
    seconds: float
    characters: float


def first_below(history: History, line: float, until: int | None = None) -> Crossing | None:
    """Return when the perplexity first was below `line` within the first `until` epochs, or None."""
    seconds = characters = 0.0
    for event in history.epochs:
        if until is not None and event.epoch > until:
            return None
        seconds += event.seconds
        characters += event.num_tokens
        if event.perplexity is not None and event.perplexity < line:
            return Crossing(event.epoch, seconds, characters)
    return None
