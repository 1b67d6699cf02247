"""A passage of the training text as prefix: chosen by its place, or at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import streamlit as st

from rnnlab.config import MAX_PREFIX, TrainConfig
from rnnlab.errors import CorpusError
from rnnlab.text import prefixes
from rnnlab.view.data.highlight import highlighted
from rnnlab.view.language.i18n import t
from rnnlab.view.page import folded, session
from rnnlab.view.page.forms import Edition

_LENGTH = 100
"""The number of characters at first."""


def choose(config: TrainConfig, where: str, use: Callable[[str], None]) -> None:
    """Draw a button that opens the choice of a passage.

    Args:
        config: the settings that determine the training text.
        where: distinguishes several choices on a page.
        use: called with the passage, as a callback.
    """
    folded.popover(
        "passage.title",
        partial(_draw, config, where, use),
        key=f"passage.{where}",
        icon=":material/menu_book:",
        help=t("passage.help", session.language()),
    )


def _draw(config: TrainConfig, where: str, use: Callable[[str], None]) -> None:
    lang, form = session.language(), Edition(f"passage.{where}")
    try:
        train = session.facts_of(config).train
    except CorpusError:
        train = ""
    if not train:
        st.caption(t("passage.no_text", lang))
        return
    held = f"passage.{where}.start"
    # with a text of another length it is another widget, whose value is in the range
    start = st.number_input(
        t("passage.start", lang),
        1,
        len(train),
        min(st.session_state.get(held, 1), len(train)),
        key=form.key(f"start.{len(train)}"),
        help=t("passage.start.help", lang, length=len(train)),
    )
    length = st.number_input(
        t("passage.length", lang),
        1,
        MAX_PREFIX,
        _LENGTH,
        step=10,
        key=f"passage.{where}.length",
        help=t("passage.length.help", lang, longest=MAX_PREFIX),
    )
    passage = prefixes.passage(train, int(start) - 1, int(length))
    with st.container(height=160):
        st.html(highlighted(passage, "", lang=lang))
    with st.container(horizontal=True, gap="small"):
        st.button(
            t("passage.use", lang),
            key=f"passage.{where}.use",
            type="primary",
            disabled=not passage,
            on_click=use,
            args=(passage,),
        )
        st.button(
            t("passage.random", lang),
            key=f"passage.{where}.random",
            icon=":material/casino:",
            on_click=_at_random,
            args=(form, held, len(train) - int(length) + 1),
        )


def _at_random(form: Edition, held: str, places: int) -> None:
    st.session_state[held] = random.randint(1, max(1, places))
    form.renew()
