"""The lesson on tokens: the characters of a text by rank, and how much of it the most frequent ones cover."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.data.highlight import highlighted
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables, texts
from rnnlab.view.lessons.compute import tokens
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import beside, conclude
from rnnlab.view.page import chart, session

_SHOWN = 60
_INDICES = 12


def draw(lesson: Lesson) -> None:
    """Draw the choice of a text and of a vocabulary size, the text in this vocabulary, and the counts by rank."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns(2, gap="medium")
    with left:
        corpus = texts.choose("tokens")
    train = texts.facts(corpus).train
    by_length = {length: tokens.frequencies(train, length) for length in tokens.LENGTHS}
    sizes = tokens.sizes(by_length[1].distinct)
    with right:
        k = st.select_slider(t("lesson.tokens.k", lang), sizes, sizes[4], key=f"lesson.tokens.k.{corpus}")
    sentence = sentences.tokens(by_length, k, lang)
    excerpt = train[:_SHOWN]
    st.markdown(t("lesson.tokens.excerpt", lang))
    st.html(highlighted(tokens.readable(excerpt, train, k), "", lang=lang))
    indices = [str(k if index is None else index) for index in tokens.encode(excerpt, train, k)[:_INDICES]]
    st.caption(t("lesson.tokens.indices", lang, count=_INDICES, indices=" ".join(indices), unknown=k))
    pair = beside()
    with pair.container():
        st.markdown(t("lesson.tokens.ranks", lang))
        chart.show(
            charts.zipf(lang, theme),
            tables.zipf(by_length, k, lang),
            key="lesson.tokens.zipf",
            alt=sentence,
        )
    with pair.container():
        st.markdown(t("lesson.tokens.covered", lang))
        chart.show(
            charts.coverage(lang, theme),
            tables.coverage(by_length[1], k),
            key="lesson.tokens.coverage",
            alt=sentence,
        )
    conclude(sentence)
