"""The lesson on decoding: temperature, top-k, greedy search and beam search on the same distribution."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rnnlab.view.data.highlight import literal
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import signed
from rnnlab.view.lessons import charts, sentences, tables, texts
from rnnlab.view.lessons.compute import decoding, markov
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, sliders
from rnnlab.view.page import chart, session

_SIZES = {"lyrics-zh": 1, "verse-en": 3}  # characters that the table of each text looks back
_LENGTH = 12
_MOST = 20
_SEED = "lesson.decoding.seed"


def draw(lesson: Lesson) -> None:
    """Draw the distribution of the next character at a temperature, cut off at k, and a beam search."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns(2, gap="medium")
    with left:
        corpus = texts.choose("decoding")
    train, size = texts.facts(corpus).train, _SIZES[corpus]
    source = decoding.model(train, size)
    with right:
        prefix = st.segmented_control(
            t("lesson.decoding.prefix", lang),
            contexts := markov.frequent_contexts(train, size),
            default=contexts[0],
            key=f"lesson.decoding.prefix.{corpus}",
            format_func=literal,
            required=True,
        )
    prefix = str(prefix)
    following = source.following(prefix)
    before = np.exp(list(following.values()))
    grid = sliders(2)
    temperature = grid.slider(
        t("lesson.decoding.temperature", lang), 0.1, 2.0, 0.7, 0.1, key="lesson.decoding.temperature"
    )
    most = min(_MOST, len(before))
    top_k = grid.slider(t("lesson.decoding.top_k", lang), 1, most, min(5, most), key=f"lesson.decoding.top_k.{most}")
    after = decoding.reshape(before, temperature, top_k)
    sentence = sentences.reshaped(prefix, list(following), before, after, temperature, top_k, lang)
    chart.show(
        charts.reshaped(lang, theme),
        tables.reshaped(list(following), before, after),
        key="lesson.decoding.bars",
        alt=sentence,
    )
    conclude(sentence)
    _search(source, prefix, temperature, top_k)


def _search(source: decoding.Model, prefix: str, temperature: float, top_k: int) -> None:
    lang, theme = session.language(), session.theme()
    st.markdown(t("lesson.decoding.search", lang, length=_LENGTH, prefix=literal(prefix)))
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    size = left.slider(t("lesson.decoding.size", lang), 1, 6, 3, key="lesson.decoding.size")
    right.button(t("lesson.decoding.again", lang), icon=":material/casino:", type="tertiary", on_click=_again)
    greedy = decoding.beam(source, prefix, _LENGTH, 1)[-1][0]
    kept = decoding.beam(source, prefix, _LENGTH, size)
    most_probable = decoding.best(source, prefix, _LENGTH)
    sentence = sentences.beam(size, kept[-1][0], greedy, most_probable, lang)
    chart.show(charts.beam(lang, theme), tables.beam(kept), key="lesson.decoding.beam", alt=sentence)
    st.caption(t("lesson.decoding.legend", lang))
    drawn = decoding.draw(source, prefix, _LENGTH, temperature, top_k, int(st.session_state.get(_SEED, 1)))
    ways = {
        t("lesson.decoding.way.drawn", lang, temperature=f"{temperature:g}", k=top_k): drawn,
        t("lesson.decoding.way.greedy", lang): greedy.written,
        t("lesson.decoding.way.beam", lang, size=size): kept[-1][0].written,
        t("lesson.decoding.way.best", lang): most_probable.written,
    }
    scores = [source.log_probability(prefix, written) for written in ways.values()]
    st.table(
        {
            t("lesson.decoding.way", lang): list(ways),
            t("lesson.decoding.text", lang): [f"**{literal(prefix)}**{literal(text)}" for text in ways.values()],
            t("lesson.decoding.log", lang): [signed(score) for score in scores],
        },
        border="horizontal",
    )
    conclude(sentence)


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
