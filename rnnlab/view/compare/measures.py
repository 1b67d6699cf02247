"""Several runs beside each other: what differs in their settings, what came out, who came first, how wide chance is.

Everything here is computed from the runs in front of the reader and knows nothing of how it is drawn. An infinite
perplexity, `None` in an event, is ``math.inf`` here, so that it can be ordered.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.recipes import Recipe
from rnnlab.runs.protocol import ENDED
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import Reading
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.identity import MAX_PINS, Identity

AXES = ("epoch", "seconds", "characters")
"""By what curves can be laid over each other: epochs, seconds of training, characters seen."""
FINISHES = ("bigram", "10", "2")
"""The finishing lines of a race: the bigram perplexity of the text, and two round numbers."""
SEEDS = 5
"""How many random seeds make a band."""

AGREES = 1e-5
"""Two networks whose logits and gradients differ by less compute the same function, up to rounding."""

# a learning rate for SGD means nothing to Adam: these are switched together
_TOGETHER = (frozenset({"optimizer", "learning_rate"}),)


@dataclass(frozen=True)
class Pinned:
    """A run that is compared, as it stands at this moment.

    Attributes:
        identity: which run or recording it is.
        recipe: the id of the recipe that it is, or is based on; "" for none.
        exact: whether it is that recipe, unchanged.
        title: what its owner calls it, or "".
        state: of the run; ``"recorded"`` for a recorded one.
        ladder: training perplexity of its text by n-gram order.
        readings: of the texts written last, one for each prefix.
        published: the experiment whose published points may stand beside it.
        same_corpus: whether it trains on the text of those points.
    """

    identity: Identity
    recipe: str
    exact: bool
    title: str
    state: str
    config: TrainConfig
    history: History
    ladder: Ladder
    readings: tuple[Reading, ...] = ()
    published: Recipe | None = None
    same_corpus: bool = False

    @property
    def recorded(self) -> bool:
        """Whether it was recorded earlier, perhaps on another machine."""
        return self.state == "recorded"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.recorded or self.state in ENDED

    @property
    def perplexity(self) -> float | None:
        """After the last epoch; None before the first."""
        last = self.history.last
        return None if last is None else finite_or_inf(last.perplexity)

    def at(self, epoch: int) -> float | None:
        """Return the perplexity after `epoch`; None where it has not been trained."""
        found = self.history.at(epoch)
        return None if found is None else finite_or_inf(found.perplexity)


def finite_or_inf(perplexity: float | None) -> float:
    """Return the perplexity of an event as a number that can be ordered."""
    return math.inf if perplexity is None else perplexity


# pins


def read_pins(text: str) -> list[Identity]:
    """Return the pins that a URL names, each once, in order; empty places are left out."""
    return list(dict.fromkeys(Identity.parse(part.strip()) for part in text.split(",") if part.strip()))


def write_pins(pins: Sequence[Identity]) -> str:
    """Return pins as a URL names them."""
    return ",".join(one.pin for one in pins)


def check_pins(pins: Sequence[Identity]) -> None:
    """Refuse more pins than can be told apart.

    Raises:
        RunError: ``compare_too_many``.
    """
    if len(pins) > MAX_PINS:
        raise RunError(
            "compare_too_many",
            f"{len(pins)} runs are too many to tell apart; at most {MAX_PINS} can be compared.",
            given=len(pins),
            allowed=MAX_PINS,
        )


# settings


def differences(configs: Sequence[TrainConfig]) -> dict[str, list[Any]]:
    """Return the settings in which the configurations are not all alike: name -> the value of each, in order."""
    dumps = [config.model_dump() for config in configs]
    return {
        name: [getattr(config, name) for config in configs]
        for name in TrainConfig.model_fields
        if any(one[name] != dumps[0][name] for one in dumps[1:])
    }


@dataclass(frozen=True)
class Rung:
    """One step of a ladder from one configuration to another."""

    changes: Mapping[str, str]  # what is switched here, as text; empty on the first
    config: TrainConfig  # with everything that has been switched so far


def rungs(start: TrainConfig, goal: TrainConfig) -> list[Rung]:
    """Return the way from `start` to `goal`, one difference at a time in the order of the settings.

    Optimiser and learning rate are one difference. The first rung is `start`, the last one `goal`.
    """
    left = goal.changes_from(start)
    chain = [Rung({}, start)]
    while left:
        first = next(iter(left))
        group = next((one for one in _TOGETHER if first in one), frozenset({first}))
        changes = {name: left.pop(name) for name in list(left) if name in group}
        chain.append(Rung(changes, chain[-1].config.change_from_text(changes)))
    return chain


# what came out


@dataclass(frozen=True)
class Outcome:
    """What a run came to, or has come to so far; None where it cannot be said.

    Attributes:
        epochs: finished.
        perplexity: after the last of them.
        best: the lowest, first reached after epoch `best_epoch`.
        seconds_per_epoch: the mean.
        characters_per_second: over the whole run.
        num_params: of the network.
        quoted: the share of the characters generated last that stand verbatim in the training text.
        loops: the period of the loop that each of the last texts ends in, or None.
        blanks: the share of blanks among the characters generated last.
    """

    epochs: int
    perplexity: float | None
    best: float | None
    best_epoch: int | None
    seconds_per_epoch: float | None
    characters_per_second: float | None
    num_params: int | None
    quoted: float | None
    longest: int
    loops: tuple[int | None, ...]
    blanks: float | None


def outcome(run: Pinned) -> Outcome:
    """Return what `run` came to."""
    rows, history = run.history.epochs, run.history
    best = min(rows, key=lambda one: finite_or_inf(one.perplexity), default=None)
    generated = sum(one.length for one in run.readings)
    return Outcome(
        epochs=history.epoch,
        perplexity=run.perplexity,
        best=None if best is None else finite_or_inf(best.perplexity),
        best_epoch=None if best is None else best.epoch,
        seconds_per_epoch=history.seconds_per_epoch(len(rows)) if rows else None,
        characters_per_second=history.characters_per_second(len(rows)) if rows else None,
        num_params=history.started.num_params if history.started else None,
        quoted=sum(one.coverage * one.length for one in run.readings) / generated if generated else None,
        longest=max((one.longest for one in run.readings), default=0),
        loops=tuple(one.loop for one in run.readings),
        blanks=sum(one.blanks for one in run.readings) / generated if generated else None,
    )


def distances(history: History, by: str) -> list[float]:
    """Return how far each finished epoch lies from the start: in epochs, seconds of training, or characters seen."""
    if by == "epoch":
        return [float(one.epoch) for one in history.epochs]
    total, reached = 0.0, []
    for one in history.epochs:
        total += one.seconds if by == "seconds" else one.num_tokens
        reached.append(total)
    return reached


@dataclass(frozen=True)
class Crossing:
    """When a run first came below a line: the epoch, and how far that lies from the start."""

    epoch: int
    seconds: float
    characters: float


def first_below(history: History, line: float, until: int | None = None) -> Crossing | None:
    """Return when the perplexity first was below `line`, within the first `until` epochs; None where it was not."""
    seconds = characters = 0.0
    for one in history.epochs:
        if until is not None and one.epoch > until:
            return None
        seconds += one.seconds
        characters += one.num_tokens
        if one.perplexity is not None and one.perplexity < line:
            return Crossing(one.epoch, seconds, characters)
    return None


@dataclass(frozen=True)
class Place:
    """Where a run stands in a race; `rank` counts from 1 and is None while it has not crossed the line."""

    index: int  # among the runs that were given
    rank: int | None
    crossing: Crossing | None


def finish_line(run: Pinned, finish: str) -> float | None:
    """Return the perplexity of a finishing line for `run`; None where its text has no such line."""
    return run.ladder.get(2) if finish == "bigram" else float(finish)


def finishing_order(runs: Sequence[Pinned], finish: str, by: str) -> list[Place]:
    """Return the places of a race: who crossed `finish` first by the measure `by`, then who is lowest so far.

    Runs that cross equally early share a rank.
    """
    crossings = []
    for run in runs:
        line = finish_line(run, finish)
        crossings.append(None if line is None else first_below(run.history, line))

    def far(index: int) -> float:
        crossing = crossings[index]
        return math.inf if crossing is None else float(getattr(crossing, by))

    def lowest(index: int) -> float:
        perplexity = runs[index].perplexity
        return math.inf if perplexity is None else perplexity

    order = sorted(range(len(runs)), key=lambda index: (far(index), lowest(index), index))
    places: list[Place] = []
    for position, index in enumerate(order):
        rank = position + 1
        if places and far(index) == far(places[-1].index):
            rank = places[-1].rank or rank
        places.append(Place(index, rank if crossings[index] is not None else None, crossings[index]))
    return places


def agrees(parity: Mapping[str, Any]) -> bool:
    """Say whether a proof found the two networks to be the same function, up to rounding."""
    return float(parity["logits_difference"]) < AGREES and float(parity["gradient_difference"]) < AGREES


# chance


@dataclass(frozen=True)
class Band:
    """Between which perplexities `count` runs lie after `epoch`."""

    epoch: int
    low: float
    median: float
    high: float
    count: int

    @property
    def ratio(self) -> float:
        """How many times the highest is the lowest."""
        return self.high / self.low if math.isfinite(self.high) else math.inf


def bands(histories: Iterable[History]) -> list[Band]:
    """Return the band of every epoch that at least two of the runs have finished."""
    by_epoch: dict[int, list[float]] = {}
    for history in histories:
        for one in history.epochs:
            by_epoch.setdefault(one.epoch, []).append(finite_or_inf(one.perplexity))
    return [
        Band(epoch, min(values), statistics.median(values), max(values), len(values))
        for epoch, values in sorted(by_epoch.items())
        if len(values) > 1
    ]


def common_band(histories: Sequence[History]) -> Band | None:
    """Return the band after the last epoch that all of the runs have finished; None for fewer than two runs."""
    if len(histories) < 2:
        return None
    last = min(history.epoch for history in histories)
    return next((one for one in bands(histories) if one.epoch == last and one.count == len(histories)), None)


def missing_seeds(taken: Iterable[int], count: int = SEEDS) -> list[int]:
    """Return the smallest random seeds that bring the number of those `taken` up to `count`."""
    have = set(taken)
    wanted = max(0, count - len(have))
    return [seed for seed in range(count + len(have)) if seed not in have][:wanted]


def stored(
    records: Iterable[RunRecord], config: TrainConfig, alike: Callable[[TrainConfig], TrainConfig] = lambda one: one
) -> list[RunRecord]:
    """Return the runs of `config` worth showing: the finished first, then those that go on, each kind newest first.

    A run of which settings were changed by hand is not known here; one that failed is left out.

    Args:
        alike: what a configuration is compared by, e.g. without its random seed.
    """
    wanted = alike(config)
    order = {"finished": 0, "diverged": 0, "running": 1, "paused": 1, "queued": 1, "stopped": 2, "interrupted": 2}
    found = [one for one in records if one.state in order and alike(one.config) == wanted]
    return sorted(found, key=lambda one: (order[one.state], -one.created_at))


# curves


def smoothed(values: Sequence[float], weight: float = 0.6) -> list[float]:
    """Return `values` smoothed lightly: the exponential moving average of their logarithms, without a lag at the start.

    What was drawn stays where it is while a curve grows.
    """
    total = mass = 0.0
    result = []
    for value in values:
        total = weight * total + (1 - weight) * math.log(value)
        mass = weight * mass + (1 - weight)
        result.append(math.exp(total / mass))
    return result
