"""The lesson on sampling: the positions of the text in each row of each minibatch."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import sampling
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, sliders
from rnnlab.view.page import chart, session

_SEED = "lesson.sampling.seed"


def draw(lesson: Lesson) -> None:
    """Draw the minibatches of a short text for both kinds of sampling."""
    lang, theme = session.language(), session.theme()
    grid = sliders(4)
    length = grid.slider(t("lesson.sampling.length", lang), 30, 100, 48, 2, key="lesson.sampling.length")
    batch_size = grid.slider(t("field.batch_size", lang), 1, 4, 2, key="lesson.sampling.batch")
    num_steps = grid.slider(t("field.num_steps", lang), 2, 7, 5, key="lesson.sampling.steps")
    seed = int(st.session_state.get(_SEED, 1))
    by_sampling = {
        "consecutive": sampling.consecutive_positions(length, batch_size, num_steps),
        "random": sampling.random_positions(length, batch_size, num_steps, sampling.shuffled(length, num_steps, seed)),
    }
    count = min(len(positions) for positions in by_sampling.values())
    minibatch = 1
    if count > 1:
        minibatch = grid.slider(
            t("lesson.sampling.minibatch", lang).capitalize(),
            1,
            count,
            min(2, count),
            key=f"lesson.sampling.minibatch.{count}",
        )
    for name, positions in by_sampling.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{t(f'lesson.sampling.{name}', lang)}**")
            if name == "random":
                st.button(t("lesson.sampling.again", lang), icon=":material/casino:", type="tertiary", on_click=_again)
        windows = [f"{row[0]}–{row[-1]}" for row in positions[minibatch - 1]]
        rows = t("list.join", lang).join(windows)
        chart.show(
            charts.positions(lang, theme),
            tables.positions(positions, minibatch - 1, length),
            key=f"lesson.sampling.{name}",
            alt=t("lesson.sampling.alt", lang, number=minibatch, rows=rows),
        )
        left = sampling.left_out(positions, length)
        st.caption(t("lesson.sampling.rows", lang, number=minibatch, rows=rows, left=left))
    st.caption(t("lesson.sampling.legend", lang))
    continuing = {
        name: sampling.rows_that_continue(positions, minibatch - 1) for name, positions in by_sampling.items()
    }
    conclude(sentences.sampling(continuing, batch_size, minibatch, lang))


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
