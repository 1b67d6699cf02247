"""The figures, curve and texts of a run, live or recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.view.data.recorded import Recording
from rnnlab.view.language.i18n import t, together
from rnnlab.view.page import names, plot, refresh, session
from rnnlab.view.watch import curve, player, progress, texts
from rnnlab.view.watch.scenes import Scene


def draw(scene: Scene, slider: Callable[[], None] | None = None) -> None:
    """Draw figures and curve of a run, and beside them its texts.

    Everything has its place from the start, so that nothing moves when a run starts, writes its first text, or ends.
    The curve has the same position on the page for a live run, a recording and a preview, so that the browser keeps the
    chart, and the first points of a run appear in it instead of in a chart that has to be built.

    Args:
        scene: the run.
        slider: draws the slider of a recorded run.
    """
    left, right = st.columns([8, 5], gap="medium")
    chosen = _newest_texts(scene) if scene.state == "recorded" else scene
    epoch = texts.chosen_epoch(chosen)
    with left, st.container(key="stage.curve", gap="xxsmall"):
        if not plot.served():
            progress.draw(progress.figures(scene))
        curve.draw(scene, epoch)
    with right, st.container(key="stage.texts", gap="small"):
        if slider is not None:
            slider()
        texts.draw(chosen)
        texts.strip(scene.history, scene.lang, "stage", epoch)


def _newest_texts(scene: Scene) -> Scene:
    # a recording has one slider, which moves curve and texts together
    history = scene.history.copy()
    history.texts = {epoch: history.texts[epoch] for epoch in history.written()[-1:]}
    return replace(scene, history=history)


def announce(recording: Recording) -> None:
    """Draw the note that the run is a recording."""
    lang = session.language()
    st.badge(
        names.recording(recording.name, brief=session.embedded()),
        icon=":material/movie:",
        color="violet",
        help=together(lang, t("recorded.note", lang, date=recording.date), t("recorded.note.help", lang)),
    )


def play(recording: Recording, row: DeltaGenerator) -> None:
    """Play a recorded run.

    Args:
        recording: the run.
        row: the row for the note that it is a recording, and for the player's controls.
    """
    with row:
        announce(recording)
    player.show(recording, draw, row)


def preview(scene: Scene) -> None:
    """Draw a run that has not started: the reference lines of its text, and the published points."""
    refresh.moving(partial(draw, scene))
