"""The current state of several runs, live and recorded, drawn together by one fragment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.compare.measures import CUT_SHORT, Pinned, stored
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.page import names, plot, refresh, session
from rnnlab.view.watch import follow as watch_follow
from rnnlab.view.watch import scenes
from rnnlab.view.watch.scenes import Scene


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Return the cache of the tables of several runs, shared by all viewers."""
    return Shelf(64)


@dataclass(frozen=True)
class Snapshot:
    """The state of several runs at one moment, with a version that changes with it."""

    runs: tuple[Pinned, ...]
    version: tuple[object, ...]

    @property
    def ended(self) -> bool:
        """Whether all runs have ended."""
        return all(run.ended for run in self.runs)


def snapshot(pins: Sequence[Identity]) -> Snapshot:
    """Return the current state of the runs in the visitor's language, without those that have been deleted."""
    return look(pins, session.language(), session.theme())


def look(pins: Sequence[Identity], lang: str, theme: str, read: bool = True) -> Snapshot:
    """Return the current state of the runs, without those that have been deleted.

    Args:
        pins: the runs.
        lang: language of the texts.
        theme: "light" or "dark".
        read: whether to look for quotes in the texts that the runs have generated.
    """
    runs, versions = [], []
    for pin in pins:
        record = None
        if pin.recorded:
            recording = recorded.recording(pin.name)
            scene = scenes.recorded_scene(recording, recording.history.epoch, lang, theme)
        else:
            try:
                record = session.store().run(pin.name)
            except RunError:
                continue
            scene = scenes.feed(pin.name).scene(record, lang, theme)
        runs.append(_pinned(pin, scene, record, read))
        versions.append((pin, scene.state, scene.version, record.title if record else ""))
    return Snapshot(tuple(runs), tuple(versions))


def _pinned(pin: Identity, scene: Scene, record: RunRecord | None, read: bool) -> Pinned:
    written = scene.history.written()
    epoch = written[-1] if written and read else None
    readings = [] if epoch is None else [scene.read(epoch, prefix) for prefix in scene.history.texts[epoch]]
    return Pinned(
        identity=pin,
        recipe=names.recipe_id(record) if record else recorded.recording(pin.name).based_on or pin.name,
        exact=record.name in RECIPES if record else pin.name in RECIPES,
        title=record.title if record else "",
        state=scene.state,
        config=scene.config,
        history=scene.history,
        ladder=scene.ladder,
        readings=tuple(reading for reading in readings if reading is not None),
        published=scene.published,
        same_corpus=scene.same_corpus,
    )


def find(config: TrainConfig, records: Sequence[RunRecord] | None = None) -> Identity | None:
    """Return a run with exactly these settings: one of this server, a recording, or one that was cut short.

    A run whose settings were changed by hand is no longer the same experiment, and is left out.

    Args:
        config: the settings.
        records: the runs of this server to search, if the caller has them already.
    """
    short = None
    for record in stored(session.store().runs(limit=500) if records is None else records, config):
        if not scenes.changed_by_hand(record):
            if record.state not in CUT_SHORT:
                return Identity.of_run(record.id)
            short = short or Identity.of_run(record.id)
    name = recorded.like(config)
    return Identity.of_recording(name) if name else short


def follow(pins: Sequence[Identity], draw: Callable[[Snapshot], None]) -> None:
    """Draw runs together on a chart with events, and draw again while any is live; when one ends, the page is rerun."""

    def rest(current: Snapshot) -> tuple[object, ...]:
        return (*(run.ended for run in current.runs), plot.pushes())

    def update() -> tuple[object, ...]:
        current = snapshot(pins)
        draw(current)
        return rest(current)

    first = snapshot(pins)
    pace = None if first.ended or plot.pushes() else watch_follow.TICK
    refresh.moving(update, pace, rest(first))
