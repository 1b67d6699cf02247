"""The stage of a run: figures, curve and texts together, live or recorded."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view import live, shell
from rnnlab.view.i18n import t
from rnnlab.view.live import Scene
from rnnlab.view.panels import curve, lyrics, progress
from rnnlab.view.recorded import Recording
from rnnlab.view.wording import recipe_label


def draw(scene: Scene) -> None:
    """Show figures, curve and texts of a run."""
    progress.draw(scene)
    left, right = st.columns([7, 5], gap="medium")
    epoch = lyrics.chosen_epoch(scene)
    with left:
        curve.draw(scene, epoch)
    with right:
        lyrics.draw(scene)


def play(recording: Recording, gradients: bool = False) -> None:
    """Play a recorded run, and say that it is one."""

    def draw_all(scene: Scene) -> None:
        draw(scene)
        if gradients:
            st.subheader(t("train.gradients", lang), anchor=False)
            curve.gradients(scene)

    lang = shell.language()
    with st.container(horizontal=True, vertical_alignment="center"):
        title = recipe_label(RECIPES[recording.name], lang)
        st.badge(t("recorded.badge", lang, title=title), icon=":material/movie:", color="violet")
        st.caption(t("recorded.note", lang, date=recording.date), width="content")
        if st.button(t("recorded.replay", lang), icon=":material/replay:", type="tertiary"):
            live.replay(recording)
    live.play(recording, draw_all)


def preview(scene: Scene) -> None:
    """Show where a run would be drawn: the reference lines of its text, and the published points."""
    curve.draw(scene, None)
