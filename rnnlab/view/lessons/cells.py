"""The lessons on the RNN, the GRU and the LSTM: one time step with numbers, equation by equation."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import cells
from rnnlab.view.lessons.compute.cells import Array
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import chart, session
from rnnlab.view.page.forms import Edition

STEPS = 10
"""Number of time steps without input, after which the rest of the state is measured."""
_LIMIT = 3.0


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
    steps = cells.walk(cell, x, state, w, activation)
    after, values = cells.take(cell, x, state, w, activation)
    with st.container(horizontal=True):
        st.button(
            t("lesson.cell.feed", lang),
            key=_name(cell, "feed"),
            icon=":material/redo:",
            on_click=_feed,
            args=(cell, after),
            help=t("lesson.cell.feed.help", lang),
        )
        st.button(
            t("lesson.cell.shuffle", lang),
            key=_name(cell, "new"),
            icon=":material/casino:",
            on_click=_again,
            args=(cell,),
        )

    for first in range(0, len(steps), 2):
        for step, column in zip(steps[first : first + 2], st.columns(2, gap="medium"), strict=False):
            with column:
                st.latex(rf"\small {step.equation}")
                st.latex(r"\scriptsize\begin{aligned}" + r"\\".join(step.lines) + r"\end{aligned}")

    states = cells.path(cell, x, state, w, STEPS, activation)
    gate_value = next((values[gate.name] for gate in description.gates if gate.letter == description.keeping), None)
    kept = len(state) - 1
    nothing = tuple(np.zeros(2) for _ in state)
    left = cells.memory_left(states, cells.path(cell, np.zeros(2), nothing, w, STEPS, activation), kept)
    sentence = sentences.cell(cell, gate_value, state[kept], after[kept], left, STEPS, lang)
    st.markdown(t("lesson.cell.path", lang, steps=STEPS))
    chart.show(charts.path(lang, theme), tables.path(states, lang), key=_name(cell, "path"), alt=sentence)
    conclude(sentence)


def _numbers(cell: str) -> tuple[Array, tuple[Array, ...]]:
    lang = session.language()
    numbers = {"H": (0.3, -0.2), "C": (0.5, -0.4)}
    kinds = {"X": (1.0, -0.5), **{letter: numbers[letter] for letter in CELLS[cell].states}}
    begun: dict[str, tuple[float, float]] = st.session_state.get(_name(cell, "begin"), {})
    values: dict[str, Array] = {}
    for kind, column in zip(kinds, st.columns(len(kinds), gap="medium"), strict=True):
        with column:
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


def _feed(cell: str, state: tuple[Array, ...]) -> None:
    x = tuple(st.session_state[_form(cell).key(f"X.{unit}")] for unit in range(2))
    kept = {
        name: tuple(float(np.clip(np.round(value, 2), -_LIMIT, _LIMIT)) for value in part)
        for name, part in zip(("H", "C"), state, strict=False)
    }
    st.session_state[_name(cell, "begin")] = {"X": x, **kept}
    _form(cell).renew()


def _again(cell: str) -> None:
    st.session_state[_name(cell, "seed")] = int(st.session_state.get(_name(cell, "seed"), 0)) + 1
