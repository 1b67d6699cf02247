"""Measures of several runs: differences of settings, results, the order in a race, the spread over random seeds.

Everything is computed from the given runs, independently of how it is drawn. An infinite perplexity, `None` in an
event, is ``math.inf`` here, so that perplexities can be ordered.
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
from rnnlab.view.data.crossing import Crossing, first_below
from rnnlab.view.data.facts import Reading
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.identity import MAX_PINS, Identity

AXES = ("epoch", "seconds", "characters")
"""Units of the horizontal axis: epochs, seconds of training, characters seen."""
FINISHES = ("bigram", "10", "2")
"""Finishing lines of a race: the bigram perplexity of the text, and two round numbers."""
SEEDS = 5
"""Number of random seeds in a band."""

AGREES = 1e-5
"""Difference of logits and gradients below which two networks compute the same function, up to rounding."""


@dataclass(frozen=True)
class Pinned:
    """A pinned run in its current state.

    Attributes:
        identity: the run or recording.
        recipe: id of the recipe that it follows or is based on; "" without any.
        exact: whether it follows the recipe unchanged.
        title: the title that its owner gave it, or "".
        state: state of the run; ``"recorded"`` for a recording.
        ladder: training perplexity of its text by n-gram order.
        readings: the quotes, loops and blanks in the texts generated last, one for each prefix.
        published: the experiment whose published points can be drawn with it, or None.
        same_corpus: whether it trains on the corpus of the published points.
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
        """Whether it is a recording, perhaps made on another machine."""
        return self.state == "recorded"

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.recorded or self.state in ENDED

    @property
    def perplexity(self) -> float | None:
        """Perplexity after the last epoch; None before the first."""
        last = self.history.last
        return None if last is None else finite_or_inf(last.perplexity)

    def at(self, epoch: int) -> float | None:
        """Return the perplexity after `epoch`; None if it has not been trained."""
        event = self.history.at(epoch)
        return None if event is None else finite_or_inf(event.perplexity)


def finite_or_inf(perplexity: float | None) -> float:
    """Return the perplexity of an event as a number, ``math.inf`` for None."""
    return math.inf if perplexity is None else perplexity


# pins


def read_pins(text: str) -> list[Identity]:
    """Parse the pins in a URL: each once, in order, without empty items."""
    return list(dict.fromkeys(Identity.parse(part.strip()) for part in text.split(",") if part.strip()))


def write_pins(pins: Sequence[Identity]) -> str:
    """Format pins for a URL."""
    return ",".join(pin.pin for pin in pins)


def check_pins(pins: Sequence[Identity]) -> None:
    """Check the number of pins.

    Raises:
        RunError: ``compare_too_many`` if there are more pins than can be told apart.
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
    """Return the settings that differ between the configurations: name -> the value in each, in order."""
    dumps = [config.model_dump() for config in configs]
    return {
        name: [getattr(config, name) for config in configs]
        for name in TrainConfig.model_fields
        if any(dump[name] != dumps[0][name] for dump in dumps[1:])
    }


# results


@dataclass(frozen=True)
class Outcome:
    """The current result of a run; values that are not known are None.

    Attributes:
        epochs: number of finished epochs.
        perplexity: perplexity after the last epoch.
        best: lowest perplexity, first reached after epoch `best_epoch`.
        seconds_per_epoch: mean duration of an epoch.
        characters_per_second: speed over the whole run.
        num_params: number of parameters of the network.
        quoted: share of the characters generated last that occur verbatim in the training text.
        longest: length of the longest quote in the texts generated last.
        loops: for each of the texts generated last, the period of the loop at its end, or None.
        blanks: share of blanks among the characters generated last.
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
    """Return the current result of `run`."""
    rows, history = run.history.epochs, run.history
    best = min(rows, key=lambda event: finite_or_inf(event.perplexity), default=None)
    generated = sum(reading.length for reading in run.readings)
    return Outcome(
        epochs=history.epoch,
        perplexity=run.perplexity,
        best=None if best is None else finite_or_inf(best.perplexity),
        best_epoch=None if best is None else best.epoch,
        seconds_per_epoch=history.seconds_per_epoch(len(rows)) if rows else None,
        characters_per_second=history.characters_per_second(len(rows)) if rows else None,
        num_params=history.started.num_params if history.started else None,
        quoted=sum(reading.coverage * reading.length for reading in run.readings) / generated if generated else None,
        longest=max((reading.longest for reading in run.readings), default=0),
        loops=tuple(reading.loop for reading in run.readings),
        blanks=sum(reading.blanks for reading in run.readings) / generated if generated else None,
    )


def distances(history: History, by: str) -> list[float]:
    """Return the distance of each finished epoch from the start: in epochs, seconds of training, or characters seen."""
    if by == "epoch":
        return [float(event.epoch) for event in history.epochs]
    total, reached = 0.0, []
    for event in history.epochs:
        total += event.seconds if by == "seconds" else event.num_tokens
        reached.append(total)
    return reached


@dataclass(frozen=True)
class Place:
    """The place of a run in a race; `rank` counts from 1 and is None until the run crosses the line."""

    index: int  # of the run in the given sequence
    rank: int | None
    crossing: Crossing | None


def finish_line(run: Pinned, finish: str) -> float | None:
    """Return the perplexity of a finishing line for `run`; None if it does not exist for its text."""
    return run.ladder.get(2) if finish == "bigram" else float(finish)


def finishing_order(runs: Sequence[Pinned], finish: str, by: str) -> list[Place]:
    """Return the places in a race: first by when `finish` was crossed in units of `by`, then by current perplexity.

    Runs that cross at the same distance share a rank.
    """
    crossings = []
    for run in runs:
        line = finish_line(run, finish)
        crossings.append(None if line is None else first_below(run.history, line))

    def distance(index: int) -> float:
        crossing = crossings[index]
        return math.inf if crossing is None else float(getattr(crossing, by))

    def current_perplexity(index: int) -> float:
        perplexity = runs[index].perplexity
        return math.inf if perplexity is None else perplexity

    order = sorted(range(len(runs)), key=lambda index: (distance(index), current_perplexity(index), index))
    places: list[Place] = []
    for position, index in enumerate(order):
        rank = position + 1
        if places and distance(index) == distance(places[-1].index):
            rank = places[-1].rank or rank
        places.append(Place(index, rank if crossings[index] is not None else None, crossings[index]))
    return places


def agrees(parity: Mapping[str, Any]) -> bool:
    """Return whether the comparison of two networks shows the same function, up to rounding."""
    return float(parity["logits_difference"]) < AGREES and float(parity["gradient_difference"]) < AGREES


# random seeds


@dataclass(frozen=True)
class Band:
    """The range and the median of the perplexities of `count` runs after `epoch`."""

    epoch: int
    low: float
    median: float
    high: float
    count: int

    @property
    def ratio(self) -> float:
        """Ratio of the highest to the lowest perplexity."""
        return self.high / self.low if math.isfinite(self.high) else math.inf


def bands(histories: Iterable[History]) -> list[Band]:
    """Return the band of each epoch that at least two of the runs have finished."""
    by_epoch: dict[int, list[float]] = {}
    for history in histories:
        for event in history.epochs:
            by_epoch.setdefault(event.epoch, []).append(finite_or_inf(event.perplexity))
    return [
        Band(epoch, min(values), statistics.median(values), max(values), len(values))
        for epoch, values in sorted(by_epoch.items())
        if len(values) > 1
    ]


def common_band(histories: Sequence[History]) -> Band | None:
    """Return the band after the last epoch that all runs have finished; None for fewer than two runs."""
    if len(histories) < 2:
        return None
    last = min(history.epoch for history in histories)
    return next((band for band in bands(histories) if band.epoch == last and band.count == len(histories)), None)


def missing_seeds(taken: Iterable[int], count: int = SEEDS) -> list[int]:
    """Return the smallest unused random seeds, so that there are `count` seeds with those `taken`."""
    have = set(taken)
    missing = max(0, count - len(have))
    return [seed for seed in range(count + len(have)) if seed not in have][:missing]


CUT_SHORT = ("stopped", "interrupted")
"""States of runs that ended before their last epoch without having failed."""


def stored(
    records: Iterable[RunRecord],
    config: TrainConfig,
    alike: Callable[[TrainConfig], TrainConfig] = lambda config: config,
) -> list[RunRecord]:
    """Return the runs of `config`: the finished first, then the live, then the stopped, each group newest first.

    Failed runs are left out. Settings changed by hand are not checked.

    Args:
        records: the runs to search.
        config: the configuration.
        alike: maps a configuration to the part that is compared, e.g. without its random seed.
    """
    compared = alike(config)
    order = {"finished": 0, "diverged": 0, "running": 1, "paused": 1, "queued": 1, "stopped": 2, "interrupted": 2}
    matching = [record for record in records if record.state in order and alike(record.config) == compared]
    return sorted(matching, key=lambda record: (order[record.state], -record.created_at))


# curves


def smoothed(values: Sequence[float], weight: float = 0.6) -> list[float]:
    """Return `values` smoothed by an exponential moving average of their logarithms, without a lag at the start.

    Smoothed values do not change when the curve grows.
    """
    total = mass = 0.0
    result = []
    for value in values:
        total = weight * total + (1 - weight) * math.log(value)
        mass = weight * mass + (1 - weight)
        result.append(math.exp(total / mass))
    return result
