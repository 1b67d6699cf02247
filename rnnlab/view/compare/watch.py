"""Several runs as they stand, live and recorded, looked at together by one fragment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.compare.measures import Pinned
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.page import names, refresh, session
from rnnlab.view.watch import follow as watch_follow
from rnnlab.view.watch import scenes
from rnnlab.view.watch.scenes import Scene


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Return what was drawn of several runs together, shared by all viewers."""
    return Shelf(64)


@dataclass(frozen=True)
class Look:
    """Several runs at one moment, and what tells this moment from the next."""

    runs: tuple[Pinned, ...]
    version: tuple[object, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more comes from any of them."""
        return all(run.ended for run in self.runs)


def look(pins: Sequence[Identity]) -> Look:
    """Return the runs as they stand; one that was deleted meanwhile is left out."""
    lang, theme = session.language(), session.theme()
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
        runs.append(_pinned(pin, scene, record))
        versions.append((pin, scene.state, scene.version, record.title if record else ""))
    return Look(tuple(runs), tuple(versions))


def _pinned(pin: Identity, scene: Scene, record: RunRecord | None) -> Pinned:
    written = scene.history.written()
    epoch = written[-1] if written else None
    readings = [] if epoch is None else [scene.read(epoch, prefix) for prefix in scene.history.texts[epoch]]
    return Pinned(
        identity=pin,
        recipe=names.recipe_id(record) if record else pin.name,
        exact=record is None or record.name in RECIPES,
        title=record.title if record else "",
        state=scene.state,
        config=scene.config,
        history=scene.history,
        ladder=scene.ladder,
        readings=tuple(one for one in readings if one is not None),
        published=scene.published,
        same_corpus=scene.same_corpus,
    )


def follow(pins: Sequence[Identity], draw: Callable[[Look], None]) -> None:
    """Draw runs together, again and again while one is live; when one ends the whole page runs once more."""
    first = look(pins)

    def again() -> list[bool]:
        now = look(pins)
        draw(now)
        return [run.ended for run in now.runs]

    refresh.moving(again, None if first.ended else watch_follow.TICK, [run.ended for run in first.runs])
