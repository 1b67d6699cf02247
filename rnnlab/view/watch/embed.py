"""The page for a slide or another website: a run, live or recorded, without navigation."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import summary
from rnnlab.view.page import session
from rnnlab.view.watch import follow, stage, texts
from rnnlab.view.watch.address import ADDRESS


def draw() -> None:
    """Draw the run (``run=``) or the recorded run (``recording=`` or ``recipe=``) in the URL, without any controls.

    With ``epoch=`` it shows the texts after that epoch.
    """
    texts.arrive()
    name = ADDRESS.get("recording") or ADDRESS.get("recipe")
    try:
        if run_id := ADDRESS.get("run"):
            record = session.store().run(run_id)
            with _row():
                _head(record.config, run=record.id)
            follow.follow(record, stage.draw)
            return
        recording = recorded.ask(name) if name else recorded.choose(("A6",))
    except RNNLabError as error:
        session.show_error(error)
        return
    if recording is not None:
        row = _row()
        with row:
            _head(recording.config, recipe=recording.name)
        stage.play(recording, row)


def _row() -> DeltaGenerator:
    """Return the row above the curve: the settings, the link to the app, and the controls of a player."""
    return st.container(key="embed.bar", horizontal=True, vertical_alignment="center", gap="small")


def _head(config: TrainConfig, **names: str) -> None:
    st.markdown(f"**{plain(summary(config, session.language()))}**", width="content")
    link("train", names)


def link(page: str, parameters: Mapping[str, str]) -> None:
    """Draw the link from an embedded page to a page of the app."""
    lang = session.language()
    address = (st.context.url or "").split("?")[0].rstrip("/").removesuffix(f"/{page}")
    st.link_button(
        t("embed.open_lab", lang),
        f"{address}/{page}?{urlencode({**parameters, 'lang': lang})}",
        icon=":material/open_in_new:",
        type="tertiary",
    )
