"""The sections below the curve, of which one at a time is open: what to look for, gradients, the cell, the text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import networks
from rnnlab.view.data.recorded import Recording
from rnnlab.view.language.i18n import t
from rnnlab.view.page import session
from rnnlab.view.train import corpus, decoding, explain
from rnnlab.view.watch import curve, follow, player

_ICONS = {
    "look": ":material/visibility:",
    "gradients": ":material/monitoring:",
    "cell": ":material/function:",
    "text": ":material/menu_book:",
    "decoding": ":material/edit_note:",
}


def draw(recipe: Recipe, config: TrainConfig | None, record: RunRecord | None, recording: Recording | None) -> None:
    """Draw the row of the sections' names, and the section that is open.

    Args:
        recipe: the experiment that is shown or set up.
        config: the settings of the run, or of the setup; None if they are invalid.
        record: the shown run.
        recording: the shown recording.
    """
    lang = session.language()
    sections: dict[str, Callable[[], object]] = {
        "look": partial(explain.what_to_look_for, recipe, config, record),
    }
    if record is not None:
        sections["gradients"] = partial(follow.follow, record, curve.gradients)
    elif recording is not None:
        sections["gradients"] = partial(player.again, recording, curve.gradients)
    if config is not None:
        sections["cell"] = partial(explain.cell, config)
        sections["text"] = partial(corpus.describe, config)
    if record is not None:
        sections["decoding"] = partial(decoding.draw, record)
    elif recording is not None and recording.name in networks.names():
        sections["decoding"] = partial(decoding.draw_recorded, recording.name)
    with st.container(key="train.sections"):
        name = st.segmented_control(
            t("train.sections", lang),
            list(sections),
            default="look",
            key=session.key("train.section"),
            format_func=lambda name: f"{_ICONS[name]} {t(f'train.section.{name}', lang)}",
            label_visibility="collapsed",
        )
    if name in sections:
        with st.container(key=f"train.section.{name}"):
            sections[name]()
