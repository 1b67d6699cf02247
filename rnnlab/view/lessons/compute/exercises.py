"""The exercises as *predict, then run*: the possible guesses and the result of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rnnlab.config import TrainConfig, in_section
from rnnlab.events import RunDiverged
from rnnlab.recipes import RECIPES
from rnnlab.view.data.history import History
from rnnlab.view.lessons.compute import tuning
from rnnlab.view.lessons.compute.truncation import cost_by_minibatch, seconds_per_epoch

GUESSES: dict[str, tuple[str, ...]] = {
    "X2": ("faster", "slower", "breaks"),
    "X3": ("by10", "by50", "by100", "later"),
    "X4": ("same", "constant", "growing"),
    "X5": ("better", "same", "worse"),
}
"""The guesses of each exercise; those of X1 are in `tuning.GRID`."""

Quoted = Callable[[str, str], str]
"""Function of text and prefix: the first passage after the prefix that is copied from the training text, or ""."""


@dataclass(frozen=True)
class Finding:
    """The result of an exercise.

    Attributes:
        key: end of the key of its sentence in the catalogue, after ``lesson.<exercise>.found.``.
        params: parameters of the sentence, plain numbers and strings; perplexities may be None (infinite).
        came_true: the guess that came true, or None if the run does not decide it.
    """

    key: str
    params: dict[str, Any] = field(default_factory=dict)
    came_true: str | None = None


def guesses(exercise: str, setting: str = "") -> tuple[str, ...]:
    """Return the possible guesses.

    Args:
        exercise: one of X1 to X5.
        setting: the hyperparameter of X1.
    """
    return tuple(tuning.GRID[setting]) if exercise == "X1" else GUESSES[exercise]


def recipes_of(exercise: str, setting: str = "") -> tuple[str, ...]:
    """Return the recipes of an exercise; arguments as for `guesses`."""
    return tuple(tuning.GRID[setting].values()) if exercise == "X1" else (exercise,)


def plan(exercise: str, setting: str = "") -> dict[str, TrainConfig]:
    """Return the runs that a click starts, by the recipe they are based on; arguments as for `guesses`."""
    if exercise != "X1":
        return {exercise: RECIPES[exercise].config}
    return {
        name: RECIPES[name].config.change(num_epochs=tuning.SHORT, pred_period=tuning.SHORT)
        for name in recipes_of(exercise, setting)
    }


def comparable(config: TrainConfig, other: TrainConfig, differ: tuple[str, ...]) -> bool:
    """Return whether two setups differ only in `differ`, in their length and in text generation."""
    free = {*differ, "num_epochs", *in_section("generation")}
    return not set(config.changes_from(other)) - free


def without_clipping(history: History, vocab_size: float, reference: History | None = None) -> Finding | None:
    """Return the result of X2: the epoch of divergence or overflow, else a comparison with `reference`."""
    if isinstance(history.ending, RunDiverged):
        return Finding("diverged", {"epoch": history.ending.epoch, "minibatch": history.ending.minibatch}, "breaks")
    last = history.last
    if last is None:
        return None
    overflow = next((event for event in history.epochs if event.perplexity is None), None)
    if overflow is not None:
        params = {
            "epoch": overflow.epoch,
            "norm": overflow.grad_norm_max,
            "last": last.epoch,
            "perplexity": last.perplexity,
        }
        if last.perplexity is None:
            return Finding("overflowed", params, "breaks")
        return Finding("returned", params, "breaks")
    params = {"last": last.epoch, "perplexity": last.perplexity, "vocab": round(vocab_size)}
    assert last.perplexity is not None
    if last.perplexity >= vocab_size:
        return Finding("worse_than_blind", params, "breaks")
    clipped = _perplexity(reference, last.epoch) if reference is not None else None
    if clipped is None:
        return Finding("learned", params)
    came_true = "faster" if last.perplexity < clipped else "slower"
    return Finding(came_true, params | {"clipped": clipped}, came_true)


def every_epoch(history: History, quoted: Quoted) -> Finding | None:
    """Return the result of X3: the first epoch with a copied passage; None before a trained network wrote a text."""
    written = [epoch for epoch in history.written() if epoch > 0]
    if not written:
        return None
    for epoch in written:
        for prefix, text in history.texts[epoch].items():
            passage = quoted(text, prefix)
            if passage:
                params: dict[str, Any] = {
                    "count": len(written),
                    "epoch": epoch,
                    "passage": passage,
                    "perplexity": _perplexity(history, epoch),
                    "shown_at": -(-epoch // 50) * 50,
                }
                came_true = "by10" if epoch <= 10 else "by50" if epoch <= 50 else "by100" if epoch <= 100 else "later"
                # with gaps between the texts, copying may have begun earlier
                gap = _gap_before(written, epoch)
                if gap > 1:
                    return Finding("coarse", params | {"gap": gap})
                return Finding("late" if params["shown_at"] > epoch else "on_time", params, came_true)
    return Finding("never", {"count": len(written), "last": written[-1]}, "later" if written[-1] > 100 else None)


def without_detach(history: History, reference: History | None = None) -> Finding | None:
    """Return the result of X4: time and memory by minibatch, or without such events, time by epoch next to A2's."""
    cost = cost_by_minibatch(history.minibatches)
    if cost is not None:
        params = {
            "count": cost.minibatches[-1],
            "first": 1000 * cost.seconds[0],
            "last": 1000 * cost.seconds[-1],
            "ratio": cost.seconds_grow,
            "memory": cost.memory_grows,
        }
        if cost.seconds_grow < GROWS:
            return Finding("flat", params, None if reference is None else _constant(history, reference))
        grows_in_memory = cost.memory_grows is not None and cost.memory_grows >= 1
        return Finding("grows_both" if grows_in_memory else "grows", params, "growing")
    seconds = seconds_per_epoch(history.epochs)
    reference_seconds = seconds_per_epoch(reference.epochs) if reference is not None else None
    if seconds is None:
        return None
    if reference_seconds is None:
        return Finding("epochs_alone", {"seconds": seconds})
    params = {"seconds": seconds, "reference": reference_seconds, "ratio": seconds / reference_seconds}
    if seconds / reference_seconds < SLOWER:
        return Finding("epochs_same", params, "same")
    return Finding("epochs", params)


GROWS = 1.5
"""Ratio of times from which the last minibatch counts as slower than the first."""
SLOWER = 1.2
"""Ratio of times from which an epoch counts as slower than that of another run."""


def _constant(history: History, reference: History) -> str | None:
    seconds, reference_seconds = seconds_per_epoch(history.epochs), seconds_per_epoch(reference.epochs)
    if seconds is None or reference_seconds is None:
        return None
    return "constant" if seconds / reference_seconds >= SLOWER else "same"


def relu_for_tanh(history: History, reference: History | None) -> Finding | None:
    """Return the result of X5: the perplexity with ReLU compared with tanh after the same epoch."""
    if isinstance(history.ending, RunDiverged):
        return Finding("diverged", {"epoch": history.ending.epoch}, "worse")
    last = history.last
    if last is None:
        return None
    if reference is None or reference.last is None:
        return Finding("alone", {"epoch": last.epoch, "perplexity": last.perplexity, "clipped": last.clipped_share})
    epoch = min(last.epoch, reference.epoch)
    relu, tanh = _perplexity(history, epoch), _perplexity(reference, epoch)
    params = {"epoch": epoch, "relu": relu, "tanh": tanh}
    if relu is None or tanh is None:
        came_true = "same" if relu is tanh else "worse" if relu is None else "better"
    else:
        came_true = "better" if relu < 0.95 * tanh else "worse" if relu > 1.05 * tanh else "same"
    return Finding(came_true, params, came_true)


def _perplexity(history: History, epoch: int) -> float | None:
    event = history.at(epoch)
    return event.perplexity if event is not None else None


def _gap_before(written: list[int], epoch: int) -> int:
    index = written.index(epoch)
    return epoch - (written[index - 1] if index else 0)
