"""The lesson on the powers of W_hh: how long a gradient is after many steps back through time."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import powers
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import beside, conclude
from rnnlab.view.page import chart, session

_SEED = "lesson.powers.seed"


def draw(lesson: Lesson) -> None:
    """Draw the choice of the spectral radius, the eigenvalues, and the norms of the products."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    rho = left.slider(t("lesson.powers.radius", lang), 0.1, 3.0, 1.2, 0.1, key="lesson.powers.radius")
    right.button(t("lesson.powers.again", lang), icon=":material/casino:", type="tertiary", on_click=_again)
    walk = powers.walk(round(rho, 1), int(st.session_state.get(_SEED, 1)))
    sentence = sentences.powers(walk, lang)
    pair = beside()
    with pair.container():
        st.markdown(t("lesson.powers.norms", lang))
        chart.show(charts.powers(lang, theme), tables.powers(walk, lang), key="lesson.powers.norms", alt=sentence)
    with pair.container():
        st.markdown(t("lesson.powers.eigenvalues", lang))
        chart.show(
            charts.eigenvalues(lang, theme),
            tables.eigenvalues(walk),
            key="lesson.powers.eigenvalues",
            alt=sentence,
        )
    conclude(sentence)
    config = RECIPES["A2"].config
    st.caption(
        t(
            "lesson.powers.book",
            lang,
            units=powers.NUM_HIDDENS,
            hiddens=config.num_hiddens,
            deviation=powers.BOOK_DEVIATION,
            radius=number(powers.first_radius(config.num_hiddens), 2),
        )
    )


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
