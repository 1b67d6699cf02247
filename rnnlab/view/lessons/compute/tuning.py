"""Exercise X1: variants of A2 in one hyperparameter at a time, and the results of their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.view.data.history import History

GRID: dict[str, dict[str, str]] = {
    "learning_rate": {"lr-1": "X1-lr-1", "lr-10": "X1-lr-10", "lr-100": "X1", "lr-1000": "X1-lr-1000"},
    "num_hiddens": {
        "hiddens-64": "X1-hiddens-64",
        "hiddens-128": "X1-hiddens-128",
        "hiddens-256": "X1",
        "hiddens-512": "X1-hiddens-512",
    },
    "num_steps": {"steps-10": "X1-steps-10", "steps-35": "X1", "steps-70": "X1-steps-70"},
    "batch_size": {"batch-8": "X1-batch-8", "batch-32": "X1", "batch-64": "X1-batch-64"},
    "clip_norm": {"clip-0.001": "X1-clip-0.001", "clip-0.01": "X1", "clip-0.1": "X1-clip-0.1"},
}
"""For each setting, the guesses and the recipe of each guess; X1 equals A2, the centre of the grid."""
SHORT = 40
"""Number of epochs of runs that are not recorded; longer runs are also compared after this epoch."""


def find(name: str) -> str:
    """Return the setting `name`, if it is in the grid.

    Raises:
        RNNLabError: ``tune_unknown``; the message lists the settings.
    """
    if name in GRID:
        return name
    allowed = ", ".join(GRID)
    message = f"The exercise does not vary {name[:40]!r}; it varies: {allowed}."
    raise RNNLabError("tune_unknown", message, name=name[:40], allowed=allowed)


def value_of(setting: str, guess: str) -> float:
    """Return the value of a setting that belongs to a guess."""
    return float(getattr(RECIPES[GRID[setting][guess]].config, setting))


@dataclass(frozen=True)
class Row:
    """The result of one value of a setting.

    Attributes:
        value: value of the setting.
        updates: updates per epoch, or None if the run does not contain it.
        seconds: median time of an epoch, or None before the first.
        short: perplexity after `SHORT` epochs; None: infinite or not reached.
        last: perplexity after the last epoch that all runs have; None: infinite.
    """

    value: float
    updates: int | None
    seconds: float | None
    short: float | None
    last: float | None


@dataclass(frozen=True)
class Tuned:
    """The results of all values of a setting.

    Attributes:
        setting: name of the setting.
        epoch: the last epoch that all runs have.
        rows: results ordered by value.
        best: the row with the lowest perplexity at `epoch`, or None if all have overflowed.
        early: the row that led after `SHORT` epochs, if it is not the best.
    """

    setting: str
    epoch: int
    rows: tuple[Row, ...]
    best: Row | None
    early: Row | None

    @property
    def came_true(self) -> str | None:
        """The guess that came true, or None if the best value is not among the guesses."""
        if self.best is None:
            return None
        return next((guess for guess in GRID[self.setting] if value_of(self.setting, guess) == self.best.value), None)


def tuned(setting: str, runs: Mapping[float, History]) -> Tuned | None:
    """Return the results of `runs` by value of the setting; None before there are two runs with an epoch."""
    if len(runs) < 2 or any(history.last is None for history in runs.values()):
        return None
    epoch = min(history.epoch for history in runs.values())
    rows = tuple(_row(value, runs[value], epoch) for value in sorted(runs))
    finite = [row for row in rows if row.last is not None]
    best = min(finite, key=lambda row: row.last or 0.0, default=None)
    sooner = [row for row in rows if row.short is not None]
    early = min(sooner, key=lambda row: row.short or 0.0, default=None) if epoch > SHORT else None
    return Tuned(setting, epoch, rows, best, early if early is not best else None)


def _row(value: float, history: History, epoch: int) -> Row:
    short, last = history.at(SHORT), history.at(epoch)
    return Row(
        value,
        history.started.num_minibatches if history.started is not None else None,
        median(event.seconds for event in history.epochs) if history.epochs else None,
        short.perplexity if short is not None else None,
        last.perplexity if last is not None else None,
    )
