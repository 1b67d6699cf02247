"""The lesson on perplexity: three cases to guess, and the perplexity of the user's own probabilities."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view.language.i18n import t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import perplexity
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, sliders
from rnnlab.view.page import chart, session


def draw(lesson: Lesson) -> None:
    """Draw the three cases, then the sliders for the probabilities and their perplexity."""
    lang, theme = session.language(), session.theme()
    vocab_size = session.facts().of(RECIPES["A2"].config).vocab_size
    for case, column in zip(perplexity.CASES, st.columns(3, gap="medium"), strict=True):
        with column.container(border=True, height="stretch"):
            _case(case, vocab_size)
    st.markdown(t("lesson.perplexity.own", lang))
    grid = sliders(3)
    probabilities = [
        grid.slider(
            t("lesson.perplexity.character", lang, number=i + 1), 0.0, 1.0, value, 0.01, key=f"lesson.perplexity.p{i}"
        )
        for i, value in enumerate((0.9, 0.5, 0.2))
    ]
    value = perplexity.perplexity(probabilities)
    sentence = sentences.perplexity_of(probabilities, vocab_size, lang)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with left:
        chart.show(
            charts.loss_curve(lang, theme),
            tables.losses(probabilities),
            key="lesson.perplexity.curve",
            alt=sentence,
        )
    with right:
        losses = " + ".join(r"\infty" if loss is None else f"{loss:.2f}" for loss in perplexity.losses(probabilities))
        result = r"= \infty" if value is None else rf"\approx {number(value, 4)}"  # the losses are rounded
        st.latex(rf"\exp\!\left(\tfrac{{1}}{{3}}\,({losses})\right) {result}")
    conclude(sentence)


def _case(case: str, vocab_size: int) -> None:
    lang = session.language()
    st.markdown(t(f"lesson.perplexity.{case}", lang, vocab=vocab_size))
    guess = st.segmented_control(
        t("lesson.guess", lang),
        perplexity.ANSWERS,
        key=session.key(f"lesson.perplexity.case.{case}"),
        format_func=lambda answer: {"one": "1", "vocabulary": str(vocab_size), "infinite": "∞"}[answer],
        label_visibility="collapsed",
    )
    if guess:
        answer, value = perplexity.answer(case, vocab_size)
        verdict = "as_guessed" if answer == guess else "otherwise"
        st.markdown(
            together(
                lang,
                t(f"lesson.perplexity.{verdict}", lang, perplexity=number(value, 4)),
                t(f"lesson.perplexity.{case}.why", lang, vocab=vocab_size),
            )
        )
