"""The stage of a run: figures, curve and texts together, live or recorded."""

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
    """Show figures, curve and texts of a run.

    The curve lies at one place of the page, whether the run is live, recorded or not begun: so the chart that stands
    there takes in the first points of a run, where another place would have the browser build it anew.

    Args:
        scene: the run.
        slider: draws what moves a recorded run.
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
    # one slider moves a recording, curve and texts together
    history = scene.history.copy()
    history.texts = {epoch: history.texts[epoch] for epoch in history.written()[-1:]}
    return replace(scene, history=history)


def announce(recording: Recording) -> DeltaGenerator:
    """Say that what is shown below is a recorded run; return the row, where the controls of the player follow."""
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
        row: where `announce` said so.
        gradients: whether to show the charts of its gradients too.
    """

    def draw_all(scene: Scene, slider: Callable[[], None]) -> None:
        draw(scene, slider)
        if gradients:
            st.subheader(t("train.gradients", scene.lang), anchor=False)
            curve.gradients(scene)

    player.show(recording, draw_all, row)


def preview(scene: Scene) -> None:
    """Show where a run will be drawn: the reference lines of its text, and the published points."""
    refresh.moving(partial(draw, scene))
