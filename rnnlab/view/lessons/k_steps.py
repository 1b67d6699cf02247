"""The lesson on predicting k steps ahead: an autoregressive model that reads its own predictions."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import k_steps
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import chart, session

_SEED = "lesson.k_steps.seed"


def draw(lesson: Lesson) -> None:
    """Draw the choice of k, the predictions beside the series, and the error by k."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    k = left.slider(t("lesson.k-steps.k", lang), 1, k_steps.MOST, 32, key="lesson.k_steps.k")
    right.button(t("lesson.k-steps.again", lang), icon=":material/casino:", type="tertiary", on_click=_again)
    forecast = k_steps.forecast(int(st.session_state.get(_SEED, 1)))
    sentence = sentences.k_steps(forecast, k, lang)
    chart.show(
        charts.forecast(lang, theme),
        tables.forecast(forecast, k, lang),
        key="lesson.k_steps.series",
        alt=sentence,
    )
    conclude(sentence)
    st.markdown(t("lesson.k-steps.errors", lang))
    chart.show(
        charts.errors(lang, theme),
        tables.errors(forecast, k, lang),
        key="lesson.k_steps.errors",
        alt=sentence,
    )
    st.caption(t("lesson.k-steps.legend", lang, noise=k_steps.NOISE, tau=k_steps.TAU, count=k_steps.TRAINED))


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
