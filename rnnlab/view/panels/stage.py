"""The stage of a run: figures, curve and texts together, live or recorded."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.live import Scene
from rnnlab.view.panels import curve, lyrics, player, progress
from rnnlab.view.recorded import Recording
from rnnlab.view.wording import recipe_label


def draw(scene: Scene) -> None:
    """Show figures, curve and texts of a run."""
    progress.draw(scene)
    left, right = st.columns([7, 5], gap="medium")
    if scene.state == "recorded":
        scene = _newest_texts(scene)
    epoch = lyrics.chosen_epoch(scene)
    with left, st.container(key="stage.curve"):
        curve.draw(scene, epoch)
    with right, st.container(key="stage.texts"):
        lyrics.draw(scene)


def _newest_texts(scene: Scene) -> Scene:
    # one slider moves a recording, curve and texts together
    history = scene.history.copy()
    history.texts = {epoch: history.texts[epoch] for epoch in history.written()[-1:]}
    return replace(scene, history=history)


def play(recording: Recording, gradients: bool = False) -> None:
    """Play a recorded run, and say that it is one."""

    def draw_all(scene: Scene) -> None:
        draw(scene)
        if gradients:
            st.subheader(t("train.gradients", lang), anchor=False)
            curve.gradients(scene)

    lang = shell.language()
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        title = recipe_label(RECIPES[recording.name], lang)
        st.badge(t("recorded.badge", lang, title=title), icon=":material/movie:", color="violet")
        st.caption(t("recorded.note", lang, date=recording.date), width="content", help=t("recorded.note.help", lang))
    player.show(recording, draw_all, row)


def preview(scene: Scene) -> None:
    """Show where a run would be drawn: the reference lines of its text, and the published points."""
    curve.draw(scene, None)
