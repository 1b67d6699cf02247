"""The lessons on the RNN, the GRU and the LSTM: one time step with numbers, equation by equation."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import cells
from rnnlab.view.lessons.compute.cells import Array, Step
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import chart, session
from rnnlab.view.page.forms import Edition

STEPS = 10
"""Number of time steps without input, after which the rest of the state is measured."""
_LIMIT = 3.0
_READABLE = 330  # pixels that the numbers of an equation take


def draw(lesson: Lesson) -> None:
    """Draw the sliders for input and state, and the equations with their numbers."""
    lang, theme, cell = session.language(), session.theme(), lesson.name
    description = CELLS[cell]
    x, state = _numbers(cell)
    activation, bias = _character(cell)
    w = cells.weights(cell, seed=int(st.session_state.get(_name(cell, "seed"), 0)))
    if description.keeping:
        gate = f"b_{description.keeping}"
        w[gate] = w[gate] + bias
    after, values = cells.take(cell, x, state, w, activation)
    states = cells.path(cell, x, state, w, STEPS, activation)
    gate_value = next((values[gate.name] for gate in description.gates if gate.letter == description.keeping), None)
    kept = len(state) - 1
    nothing = tuple(np.zeros(2) for _ in state)
    blank = cells.path(cell, np.zeros(2), nothing, w, STEPS, activation)
    left = cells.memory_left(states, blank, kept)
    sentence = sentences.cell(cell, gate_value, state[kept], after[kept], left, STEPS, lang)
    st.markdown(t("lesson.cell.path", lang, steps=STEPS))
    chart.show(charts.path(lang, theme), tables.path(states, blank, kept, lang), key=_name(cell, "path"), alt=sentence)
    conclude(sentence)
    _equations(cell, cells.walk(cell, x, state, w, activation), x, after)


def _equations(cell: str, steps: list[Step], x: Array, after: tuple[Array, ...]) -> None:
    """Draw the equations with their numbers, as many beside each other as can be read."""
    lang = session.language()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(t("lesson.cell.numbers", lang))
        st.button(
            t("lesson.cell.feed", lang),
            key=_name(cell, "feed"),
            icon=":material/redo:",
            on_click=_feed,
            args=(cell, x, after),
            help=t("lesson.cell.feed.help", lang),
        )
        st.button(
            t("lesson.cell.shuffle", lang),
            key=_name(cell, "new"),
            icon=":material/casino:",
            on_click=_again,
            args=(cell,),
        )
    with st.grid(2, min_column_width=_READABLE, gap="small"):
        for step in steps:
            with st.container(gap="xsmall"):
                st.latex(rf"\small {step.equation}")
                st.latex(r"\footnotesize\begin{aligned}" + r"\\".join(step.lines) + r"\end{aligned}")


def _numbers(cell: str) -> tuple[Array, tuple[Array, ...]]:
    lang = session.language()
    numbers = {"H": (0.3, -0.2), "C": (0.5, -0.4)}
    kinds = {"X": (1.0, -0.5), **{letter: numbers[letter] for letter in CELLS[cell].states}}
    begun: dict[str, tuple[float, float]] = st.session_state.get(_name(cell, "begin"), {})
    values: dict[str, Array] = {}
    for kind, column in zip(kinds, st.columns(len(kinds), gap="medium"), strict=True):
        # on a phone, where the columns are stacked, both units are side by side, so that the chart stays near
        with column.container(horizontal=True, gap="small"):
            defaults = begun.get(kind, kinds[kind])
            values[kind] = np.array(
                [
                    st.slider(
                        t(f"lesson.cell.{kind}", lang, unit=unit + 1),
                        -_LIMIT,
                        _LIMIT,
                        defaults[unit],
                        0.01,
                        key=_form(cell).key(f"{kind}.{unit}"),
                    )
                    for unit in range(2)
                ]
            )
    x = values.pop("X")
    return x, tuple(values.values())


def _character(cell: str) -> tuple[str, float]:
    """Draw the choice of the activation, or of a bias for the gate that keeps the state."""
    lang = session.language()
    if CELLS[cell].chooses_activation:
        chosen = st.segmented_control(
            t("field.activation", lang),
            ["tanh", "relu"],
            default="tanh",
            key=session.key(_name(cell, "activation")),
            format_func=lambda name: t(f"value.activation.{name}", lang),
            required=True,
        )
        return str(chosen), 0.0
    return "tanh", st.slider(t(f"lesson.{cell}.bias", lang), -6.0, 6.0, 0.0, 0.5, key=_name(cell, "bias"))


def _form(cell: str) -> Edition:
    return Edition(f"lesson.{cell}.widget")


def _name(cell: str, part: str) -> str:
    return f"lesson.{cell}.widget.{part}"


def _feed(cell: str, x: Array, state: tuple[Array, ...]) -> None:
    kept = {
        name: tuple(float(np.clip(np.round(value, 2), -_LIMIT, _LIMIT)) for value in part)
        for name, part in zip(("H", "C"), state, strict=False)
    }
    st.session_state[_name(cell, "begin")] = {"X": tuple(map(float, x)), **kept}
    _form(cell).renew()


def _again(cell: str) -> None:
    st.session_state[_name(cell, "seed")] = int(st.session_state.get(_name(cell, "seed"), 0)) + 1
