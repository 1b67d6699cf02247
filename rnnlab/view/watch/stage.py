"""The figures, curve and texts of a run, live or recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.view.data.recorded import Recording
from rnnlab.view.language.i18n import t
from rnnlab.view.page import names, refresh, session
from rnnlab.view.watch import curve, player, progress, texts
from rnnlab.view.watch.scenes import Scene


def draw(scene: Scene, slider: Callable[[], None] | None = None) -> None:
    """Draw figures, curve and texts of a run.

    The curve has the same position on the page for a live run, a recording and a preview, so that Streamlit keeps the
    chart, and the first points of a run appear in it instead of in a chart that the browser has to build.

    Args:
        scene: the run.
        slider: draws the slider of a recorded run.
    """
    with st.container():
        if slider is not None:
            slider()
        if scene.state != "preview":
            progress.draw(scene)
    left, right = st.columns([7, 5], gap="medium")
    if scene.state == "recorded":
        scene = _newest_texts(scene)
    epoch = texts.chosen_epoch(scene)
    with left, st.container(key="stage.curve"):
        curve.draw(scene, epoch)
    with right, st.container(key="stage.texts"):
        texts.draw(scene)


def _newest_texts(scene: Scene) -> Scene:
    # a recording has one slider, which moves curve and texts together
    history = scene.history.copy()
    history.texts = {epoch: history.texts[epoch] for epoch in history.written()[-1:]}
    return replace(scene, history=history)


def announce(recording: Recording) -> DeltaGenerator:
    """Draw the note that the run below is a recording; return the row, to which the player adds its controls."""
    lang = session.language()
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        st.badge(names.recording(recording.name), icon=":material/movie:", color="violet")
        st.caption(t("recorded.note", lang, date=recording.date), width="content", help=t("recorded.note.help", lang))
    return row


def play(recording: Recording, row: DeltaGenerator, gradients: bool = False) -> None:
    """Play a recorded run.

    Args:
        recording: the run.
        row: the row returned by `announce`.
        gradients: whether to draw the charts of the gradients too.
    """

    def draw_all(scene: Scene, slider: Callable[[], None]) -> None:
        draw(scene, slider)
        if gradients:
            st.subheader(t("train.gradients", scene.lang), anchor=False)
            curve.gradients(scene)

    player.show(recording, draw_all, row)


def preview(scene: Scene) -> None:
    """Draw a run that has not started: the reference lines of its text, and the published points."""
    refresh.moving(partial(draw, scene))
