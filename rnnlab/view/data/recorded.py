"""Recorded runs: what the gallery plays with no training, read from the files in ``rnnlab/recordings``."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import accumulate

from rnnlab.config import TrainConfig
from rnnlab.errors import RecipeError
from rnnlab.recipes import RECIPES
from rnnlab.runs.export import import_run
from rnnlab.view.data.history import History, Ladder

SUFFIX = ".json.gz"
PLAYING_TIME = 60.0
"""Seconds in which a recorded run plays, whatever machine it was trained on and what else that had to do."""


@dataclass(frozen=True)
class Recording:
    """A run that was recorded, whole."""

    name: str
    config: TrainConfig
    date: str
    seconds: float
    vocab_size: int
    ladder: Ladder
    history: History

    @cached_property
    def clock(self) -> tuple[float, ...]:
        """For each epoch, the second at which it is finished when the run plays in `PLAYING_TIME`."""
        seconds = list(accumulate(one.seconds for one in self.history.epochs))
        return tuple(PLAYING_TIME * second / seconds[-1] for second in seconds)


def read(text: str) -> Recording:
    """Read a recording from its JSON.

    Raises:
        RunError: not an exported run.
    """
    file = import_run(text)
    return Recording(
        name=file.name,
        config=file.config,
        date=file.made.date[:10],
        seconds=file.made.seconds,
        vocab_size=file.corpus.vocab_size,
        ladder=file.corpus.ladder,
        history=History(file.events),
    )


def folder() -> Traversable:
    """Return where the recordings lie."""
    return resources.files("rnnlab.recordings")


@cache
def names() -> tuple[str, ...]:
    """Return the ids of the recipes that have been recorded, in the book's order."""
    found = {entry.name.removesuffix(SUFFIX) for entry in folder().iterdir() if entry.name.endswith(SUFFIX)}
    return tuple(name for name in RECIPES if name in found)


@lru_cache(maxsize=12)  # each takes half a megabyte
def recording(name: str) -> Recording:
    """Return the recording of the recipe `name`, one of `names`."""
    return read(gzip.decompress(folder().joinpath(f"{name}{SUFFIX}").read_bytes()).decode("utf-8"))


@dataclass(frozen=True)
class Label:
    """What tells one recording from another; unlike the recordings themselves, all of them can be kept."""

    config: TrainConfig
    num_epochs: int
    probed: bool  # holds diagnoses


@cache
def label(name: str) -> Label:
    """Return the label of the recording of the recipe `name`, one of `names`."""
    one = recording(name)
    return Label(one.config, len(one.history.epochs), bool(one.history.probes))


def choose(preferred: Iterable[str]) -> Recording | None:
    """Return the first recording among `preferred` that exists, else any, else None."""
    have = names()
    chosen = next((name for name in preferred if name in have), have[0] if have else None)
    return recording(chosen) if chosen else None


def choose_exactly(name: str) -> Recording | None:
    """Return the recording of the recipe `name`, or None."""
    return recording(name) if name in names() else None


def ask(name: str) -> Recording:
    """Return the recording of the recipe that a link names; upper and lower case do not matter.

    Raises:
        RecipeError: it has not been recorded; the message lists those that have.
    """
    found = next((one for one in names() if one.lower() == name.strip().lower()), None)
    if found is None:
        allowed = ", ".join(names())
        raise RecipeError(
            "recording_unknown",
            f"There is no recorded run of {name!r}; there are: {allowed}.",
            recipe=name,
            allowed=allowed,
        )
    return recording(found)


def ask_epoch(one: Recording, text: str) -> int:
    """Return the epoch of a recorded run that a link names.

    Raises:
        RecipeError: it has no such epoch; the message says which it has.
    """
    last = one.history.epoch
    if not text.strip().isdecimal() or not min(1, last) <= int(text) <= last:
        raise RecipeError(
            "recording_epoch",
            f"The recorded run has no epoch {text!r}; it has {min(1, last)} to {last}.",
            epoch=text,
            first=min(1, last),
            last=last,
        )
    return int(text)
