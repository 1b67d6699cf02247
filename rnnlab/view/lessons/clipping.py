"""The lesson on clipping: a gradient, the threshold θ, the clipped gradient and the step."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import clipping
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, sliders
from rnnlab.view.page import chart, session

BOOK = (0.01, 100.0)
"""θ and learning rate of the book's networks from scratch."""


def draw(lesson: Lesson) -> None:
    """Draw the sliders for the gradient, θ and the learning rate, and the resulting vectors."""
    lang, theme = session.language(), session.theme()
    numbers = st.segmented_control(
        t("lesson.clipping.numbers", lang),
        ["small", "book"],
        default="small",
        key=session.key("lesson.clipping.numbers"),
        format_func=lambda name: t(f"lesson.clipping.numbers.{name}", lang),
        required=True,
    )
    grid = sliders(2)
    gradient = tuple(
        grid.slider(
            t("lesson.clipping.component", lang, number=i + 1), -5.0, 5.0, default, 0.1, key=f"lesson.clipping.g{i}"
        )
        for i, default in enumerate((3.0, 2.0))
    )
    theta, rate = BOOK
    if numbers == "small":
        theta = grid.slider(t("field.clip_norm", lang), 0.5, 6.0, 2.0, 0.5, key="lesson.clipping.theta")
        rate = grid.slider(t("field.learning_rate", lang), 0.1, 1.0, 0.5, 0.1, key="lesson.clipping.rate")
    clipped = clipping.clip((gradient[0], gradient[1]), theta, rate)
    sentence = sentences.clipping(clipped, lang)
    for column, name, build in zip(
        st.columns(2, gap="medium"), ("before", "after"), (tables.gradient, tables.step), strict=True
    ):
        with column:
            chart.show(
                charts.vectors(f"lesson.clipping.{name}", lang, theme),
                build(clipped, lang),
                key=f"lesson.clipping.{name}",
                alt=sentence,
            )
    conclude(sentence)
    recording = recorded.choose_exactly("A2")
    if recording is not None and recording.history.last is not None:
        first, last = recording.history.epochs[0], recording.history.last
        st.caption(
            t(
                "lesson.clipping.recorded",
                lang,
                first=f"{first.clipped_share:.0%}",
                epoch=last.epoch,
                last=f"{last.clipped_share:.0%}",
            )
        )
