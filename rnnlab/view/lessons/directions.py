"""The lesson on both directions: which part of the network reads the answer before predicting it."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import directions
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import address, chart, session


def draw(lesson: Lesson) -> None:
    """Draw the choice of a position and a way of reading, and whether the answer is read."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="top")
    reading = left.segmented_control(
        t("lesson.directions.reading", lang),
        directions.READINGS,
        default="both",
        key=session.key("lesson.directions.reading"),
        format_func=lambda name: t(f"lesson.directions.reading.{name}", lang),
        required=True,
    )
    text = t("lesson.directions.text", lang)
    target = (
        right.slider(
            t("lesson.directions.target", lang), 2, len(text) - 1, 4, key=session.key("lesson.directions.target")
        )
        - 1
    )
    assert reading is not None
    moved = directions.leak(len(text), target, reading)
    sentence = sentences.directions(text[target], moved, lang)
    chart.show(
        charts.directions(lang, theme),
        tables.directions(text, target, reading, lang),
        key="lesson.directions.window",
        alt=sentence,
    )
    st.caption(t("lesson.directions.legend", lang))
    conclude(sentence)
    _recorded()
    st.page_link(
        address.PAGES["diagnose"][0],
        label=t("lesson.directions.diagnose", lang),
        icon=":material/stethoscope:",
        query_params={"lang": lang},
    )


def _recorded() -> None:
    """Show the perplexity and the text of the book's bidirectional network."""
    lang = session.language()
    recording = recorded.choose_exactly("A10")
    if recording is None or recording.history.last is None or not recording.history.texts:
        return
    history = recording.history
    epoch = history.written()[-1]
    prefix, text = next(iter(history.texts[epoch].items()))
    last = history.last
    assert last is not None
    st.markdown(
        f":violet-badge[:material/movie: {t('lesson.recorded', lang)}] "
        + sentences.written(last.perplexity, epoch, prefix, text, lang)
    )
