"""Recorded runs, which play without training: read from the files in ``rnnlab/recordings``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import accumulate
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.errors import RecipeError
from rnnlab.recipes import RECIPES
from rnnlab.recordings.extras import ANSWERS, extras
from rnnlab.runs.export import import_run
from rnnlab.view.data.history import History, Ladder

SUFFIX = ".json.gz"
PLAYING_TIME = 60.0
"""Seconds in which a recorded run plays, however long its training took."""


@dataclass(frozen=True)
class Recording:
    """A complete recorded run."""

    name: str
    based_on: str  # the recipe that it departs from; "" if it follows the recipe of its name
    config: TrainConfig
    date: str
    seconds: float
    vocab_size: int
    ladder: Ladder
    history: History

    @cached_property
    def clock(self) -> tuple[float, ...]:
        """For each epoch, the second at which it finishes when the run plays in `PLAYING_TIME`."""
        seconds = list(accumulate(epoch.seconds for epoch in self.history.epochs))
        return tuple(PLAYING_TIME * second / seconds[-1] for second in seconds)


def read(text: str) -> Recording:
    """Parse a recording from JSON.

    Raises:
        RunError: the text is not an exported run.
    """
    file = import_run(text)
    return Recording(
        name=file.name,
        based_on=file.based_on,
        config=file.config,
        date=file.made.date[:10],
        seconds=file.made.seconds,
        vocab_size=file.corpus.vocab_size,
        ladder=file.corpus.ladder,
        history=History(file.events),
    )


def folder() -> Traversable:
    """Return the folder of the recordings."""
    return resources.files("rnnlab.recordings")


@cache
def _files() -> frozenset[str]:
    return frozenset(entry.name.removesuffix(SUFFIX) for entry in folder().iterdir() if entry.name.endswith(SUFFIX))


@cache
def names() -> tuple[str, ...]:
    """Return the ids of the recorded recipes, in the book's order."""
    return tuple(name for name in RECIPES if name in _files())


@cache
def _extras() -> dict[str, TrainConfig]:
    """Return the settings of the runs that are recorded beside the recipes."""
    return {name: extra.config for name, extra in extras().items() if name in _files()}


def exists(name: str) -> bool:
    """Return whether there is a recording of this name: of a recipe, or beside the recipes."""
    return name in names() or name in _extras()


def like(config: TrainConfig) -> str | None:
    """Return the name of the recording with exactly these settings, or None."""
    known = {**{name: RECIPES[name].config for name in names()}, **_extras()}
    # the settings of a recipe may have changed since it was recorded
    return next((name for name, other in known.items() if other == config and label(name).config == config), None)


@cache
def answers() -> dict[str, Any]:
    """Return the recorded answers, see `rnnlab.recordings.extras`; empty if there are none."""
    file = folder().joinpath(ANSWERS)
    if not file.is_file():
        return {}
    content: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return content


@lru_cache(maxsize=12)  # each takes half a megabyte of memory
def recording(name: str) -> Recording:
    """Return the recording `name`, of which `exists` is true."""
    return read(gzip.decompress(folder().joinpath(f"{name}{SUFFIX}").read_bytes()).decode("utf-8"))


def forget() -> None:
    """Forget what was read of the recordings, after their folder has changed."""
    for remembered in (_files, names, _extras, answers, recording, label):
        remembered.cache_clear()


@dataclass(frozen=True)
class Label:
    """The facts by which a recording is chosen; small, so that those of all recordings can be kept in memory."""

    config: TrainConfig
    num_epochs: int
    probed: bool  # whether it has diagnoses


@cache
def label(name: str) -> Label:
    """Return the label of the recording `name`, of which `exists` is true."""
    chosen = recording(name)
    return Label(chosen.config, len(chosen.history.epochs), bool(chosen.history.probes))


def choose(preferred: Iterable[str]) -> Recording | None:
    """Return the first recording of `preferred` that exists, otherwise any recording, or None if there are none."""
    have = names()
    chosen = next((name for name in preferred if name in have), have[0] if have else None)
    return recording(chosen) if chosen else None


def choose_exactly(name: str) -> Recording | None:
    """Return the recording of the recipe `name`, or None."""
    return recording(name) if name in names() else None


def ask(name: str) -> Recording:
    """Return the recording of the recipe in a link, in upper or lower case.

    Raises:
        RecipeError: the recipe has not been recorded; the message lists the recorded ones.
    """
    exact = next((recorded for recorded in names() if recorded.lower() == name.strip().lower()), None)
    if exact is None:
        allowed = ", ".join(names())
        raise RecipeError(
            "recording_unknown",
            f"There is no recorded run of {name!r}; there are: {allowed}.",
            recipe=name,
            allowed=allowed,
        )
    return recording(exact)


def ask_epoch(recorded_run: Recording, text: str) -> int:
    """Return the epoch of a recorded run in a link; 0 for the untrained network.

    Raises:
        RecipeError: the run has no such epoch; the message gives the range.
    """
    last = recorded_run.history.epoch
    if not text.strip().isdecimal() or int(text) > last:
        raise RecipeError(
            "recording_epoch",
            f"The recorded run has no epoch {text!r}; it has 0 to {last}.",
            epoch=text,
            last=last,
        )
    return int(text)
