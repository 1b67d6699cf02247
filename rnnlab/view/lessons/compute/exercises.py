"""The exercises as *predict, then run*: what can be guessed, and the one sentence that a run comes to."""

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
"""What can be guessed; of X1 as `tuning.GRID` says."""

Quoted = Callable[[str, str], str]
"""Returns the first passage of a text after its prefix that stands verbatim in the training text, or nothing."""


@dataclass(frozen=True)
class Finding:
    """What a run comes to.

    Attributes:
        key: the end of the sentence's key in the catalogue, after ``lesson.<exercise>.found.``.
        params: what to put into it, plain numbers and strings; perplexities may be None (infinite).
        came_true: which guess it was; None where the run does not settle it.
    """

    key: str
    params: dict[str, Any] = field(default_factory=dict)
    came_true: str | None = None


def guesses(exercise: str, setting: str = "") -> tuple[str, ...]:
    """Return what can be guessed.

    Args:
        exercise: one of X1 to X5.
        setting: what X1 tunes.
    """
    return tuple(tuning.GRID[setting]) if exercise == "X1" else GUESSES[exercise]


def recipes_of(exercise: str, setting: str = "") -> tuple[str, ...]:
    """Return the recipes that an exercise runs; arguments as those of `guesses`."""
    return tuple(tuning.GRID[setting].values()) if exercise == "X1" else (exercise,)


def plan(exercise: str, setting: str = "") -> dict[str, TrainConfig]:
    """Return the runs that a click starts, by the recipe that each is or is based on; arguments as of `guesses`."""
    if exercise != "X1":
        return {exercise: RECIPES[exercise].config}
    return {
        name: RECIPES[name].config.change(num_epochs=tuning.SHORT, pred_period=tuning.SHORT)
        for name in recipes_of(exercise, setting)
    }


def comparable(config: TrainConfig, other: TrainConfig, differ: tuple[str, ...]) -> bool:
    """Say whether two setups are the same but for `differ`, their length and when they write."""
    free = {*differ, "num_epochs", *in_section("generation")}
    return not set(config.changes_from(other)) - free


def without_clipping(history: History, vocab_size: float, reference: History | None = None) -> Finding | None:
    """X2: whether and in which epoch it broke; where it did not, how it stands beside the clipped run."""
    if isinstance(history.ending, RunDiverged):
        return Finding("diverged", {"epoch": history.ending.epoch, "minibatch": history.ending.minibatch}, "breaks")
    last = history.last
    if last is None:
        return None
    lost = next((one for one in history.epochs if one.perplexity is None), None)
    if lost is not None:
        params = {"epoch": lost.epoch, "norm": lost.grad_norm_max, "last": last.epoch, "perplexity": last.perplexity}
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
    """X3: from which epoch on it copies, which only writing often can show; None before it wrote anything."""
    written = history.written()
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
                # with gaps between the texts it may have begun earlier
                gap = _gap_before(written, epoch)
                if gap > 1:
                    return Finding("coarse", params | {"gap": gap})
                return Finding("late" if params["shown_at"] > epoch else "on_time", params, came_true)
    settled = "later" if written[-1] > 100 else None
    return Finding("never", {"count": len(written), "last": written[-1]}, settled)


def without_detach(history: History, reference: History | None = None) -> Finding | None:
    """X4: seconds and memory by minibatch; where single minibatches were not kept, seconds by epoch beside A2's."""
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
    mine = seconds_per_epoch(history.epochs)
    theirs = seconds_per_epoch(reference.epochs) if reference is not None else None
    if mine is None:
        return None
    if theirs is None:
        return Finding("epochs_alone", {"seconds": mine})
    params = {"seconds": mine, "reference": theirs, "ratio": mine / theirs}
    if mine / theirs < DEARER:
        return Finding("epochs_same", params, "same")
    return Finding("epochs", params)


GROWS = 1.5
"""From this on the last minibatch counts as dearer than the first."""
DEARER = 1.2
"""From this on an epoch counts as dearer than another run's."""


def _constant(history: History, reference: History) -> str | None:
    mine, theirs = seconds_per_epoch(history.epochs), seconds_per_epoch(reference.epochs)
    if mine is None or theirs is None:
        return None
    return "constant" if mine / theirs >= DEARER else "same"


def relu_for_tanh(history: History, reference: History | None) -> Finding | None:
    """X5: how ReLU stands beside tanh after the same epoch."""
    if isinstance(history.ending, RunDiverged):
        return Finding("diverged", {"epoch": history.ending.epoch}, "worse")
    last = history.last
    if last is None:
        return None
    if reference is None or reference.last is None:
        return Finding("alone", {"epoch": last.epoch, "perplexity": last.perplexity, "clipped": last.clipped_share})
    epoch = min(last.epoch, reference.epoch)
    mine, theirs = _perplexity(history, epoch), _perplexity(reference, epoch)
    params = {"epoch": epoch, "relu": mine, "tanh": theirs}
    if mine is None or theirs is None:
        came_true = "same" if mine is theirs else "worse" if mine is None else "better"
    else:
        came_true = "better" if mine < 0.95 * theirs else "worse" if mine > 1.05 * theirs else "same"
    return Finding(came_true, params, came_true)


def _perplexity(history: History, epoch: int) -> float | None:
    found = history.at(epoch)
    return found.perplexity if found is not None else None


def _gap_before(written: list[int], epoch: int) -> int:
    at = written.index(epoch)
    return epoch - (written[at - 1] if at else 0)
