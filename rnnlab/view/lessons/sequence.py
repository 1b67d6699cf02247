"""The lesson on sequence models: the continuations of n characters, and a text drawn from the table of them."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.data.highlight import in_code, literal, visible
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables, texts
from rnnlab.view.lessons.compute import markov
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import beside, conclude
from rnnlab.view.page import chart, session

_DRAWN = 80
_SEED = "lesson.sequence.seed"


def draw(lesson: Lesson) -> None:
    """Draw the choice of a context length, the continuations, the n-gram ladder and a generated text."""
    lang, theme = session.language(), session.theme()
    left, right = st.columns([1, 1], gap="medium")
    with left:
        corpus = texts.choose("sequence")
        size = st.slider(t("lesson.sequence.slider", lang), 0, markov.MAX_CONTEXT, 2, key="lesson.sequence.size")
    facts = texts.facts(corpus)
    suggested = markov.frequent_contexts(facts.train, size) if size else []
    with right:
        typed = st.text_input(
            t("lesson.sequence.context", lang, size=size),
            suggested[0] if suggested else "",
            max_chars=40,
            key=f"lesson.sequence.context.{corpus}.{size}",
            disabled=not size,
            placeholder="",
        )
        if suggested:
            examples = "  ".join(in_code(context) for context in suggested)
            st.caption(t("lesson.sequence.suggested", lang, examples=examples))
    context = typed[-size:] if size else ""
    if len(context) < size:
        st.warning(t("lesson.sequence.short", lang, size=size), icon=":material/keyboard:")
        return

    counts, rows = markov.continuations(facts.train, context), markov.table(facts.train, size)
    pair = beside()
    if counts:
        with pair.container():
            st.markdown(t("lesson.sequence.follows", lang, context=literal(context) or "—"))
            best = t("list.join", lang).join(visible(character) for character, _ in counts[:3])
            chart.show(
                charts.continuations(lang, theme),
                tables.continuations(counts),
                key="lesson.sequence.bars",
                alt=t("lesson.sequence.follows_alt", lang, count=len(counts), best=best),
            )
    held_out = markov.held_out(facts.train, facts.held_out)
    learned = sentences.held_out(held_out, facts.ladder[size + 1], size, lang)
    with pair.container():
        st.markdown(t("lesson.sequence.ladder", lang))
        chart.show(
            charts.ladder(lang, theme),
            tables.ladder(facts.ladder, held_out, size, lang),
            key="lesson.sequence.ladder",
            alt=learned,
        )
    conclude(learned)
    st.caption(t("lesson.sequence.smoothed", lang))
    seed = int(st.session_state.get(_SEED, 1))
    written = markov.draw(facts.train, size, _DRAWN, seed)
    reading = facts.read(written, "", lang)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(t("lesson.sequence.writes", lang))
        st.button(t("lesson.sequence.again", lang), icon=":material/casino:", type="tertiary", on_click=_again)
    st.html(reading.html)
    conclude(sentences.sequence(context, counts, rows, reading.coverage, lang))


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
