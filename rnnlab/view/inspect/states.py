"""Hidden state and gates along a text: all units in bins, the most active units, or a single unit."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import streamlit as st

from rnnlab.view.data.highlight import visible
from rnnlab.view.inspect import charts
from rnnlab.view.inspect import measures as scope
from rnnlab.view.inspect import subject as inspect_subject
from rnnlab.view.inspect.address import ADDRESS, ROWS
from rnnlab.view.inspect.measures import Rows, Unrolled
from rnnlab.view.inspect.sentences import saturation_sentence, state_reading
from rnnlab.view.inspect.subject import InspectedText
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import signed
from rnnlab.view.page import chart, session
from rnnlab.view.page.arrow import ipc

_F, _S = pa.float64(), pa.string()
CELLS = {"place": _S, "row": _S, "value": pa.float32(), "character": _S, "units": _S}
LINES = {"place": _S, "value": _F, "series": _S, "character": _S}
NOW = {"place": _S}
Key = tuple[str, tuple[int, int], str, int, str, str]
"""Run or recording, checkpoint, text, layer, state and direction."""


def draw(inspected: InspectedText, answer: dict[str, Any], at: int) -> None:
    """Draw the choice of a state or gate, a direction and units, and the charts of them."""
    lang = session.language()
    text = answer["text"]
    states = scope.unrolled(answer)
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    with choices:
        state = _chosen(states, lang)
    size = state.values.shape[1]
    key = (str(inspected.identity), inspected.checkpoint.stamp, text, answer["layer"], state.name, state.direction)
    detector = _detector(key, state)
    default = (
        detector.unit if detector and detector.stands_out and detector.clear else scope.most_changing(state.values)
    )

    with choices:
        rows = _rows_choice(size, lang)
    if rows != "unit":
        _heatmap(key, state, at, rows, lang)
    st.markdown(state_reading(state, detector, lang))
    drawn = [other for other in states if other.direction == state.direction] if rows == "unit" else [state]
    _unit_along(drawn, state, text, at, _unit(size, default, lang), lang)


def _chosen(states: list[Unrolled], lang: str) -> Unrolled:
    names = [name for name in charts.STATES if any(state.name == name for state in states)]
    directions = list(dict.fromkeys(state.direction for state in states))
    name = inspect_subject.choice(
        "gate",
        names,
        t("inspect.gate", lang),
        {name: t(f"inspect.state.{name}", lang) for name in names},
        variant="-".join(names),
    )
    direction = directions[0]
    if len(directions) > 1:
        words = {name: t(f"inspect.direction.{name}", lang) for name in directions}
        direction = inspect_subject.choice("direction", directions, t("inspect.direction", lang), words)
    return next(state for state in states if state.name == name and state.direction == direction)


def _rows_choice(size: int, lang: str) -> str:
    every = "inspect.rows.all" if size > scope.MAX_ROWS else "inspect.rows.every"
    words = {
        "all": t(every, lang, rows=min(size, scope.MAX_ROWS)),
        "active": t("inspect.rows.active", lang, rows=min(size, scope.NUM_PICKED)),
        "unit": t("inspect.rows.unit", lang),
    }
    return inspect_subject.choice("rows", ROWS, t("inspect.rows", lang), words, variant=str(size))


def _unit(size: int, default: int, lang: str) -> int:
    # unless the user has chosen a unit, it depends on the state
    unit = ADDRESS.number("unit", 1, size, default)
    key = inspect_subject.FORM.key(f"unit.{size}" if ADDRESS.given("unit") else f"unit.{size}.{default}")
    return int(
        st.number_input(
            t("inspect.unit", lang, count=size),
            1,
            size,
            unit,
            key=key,
            on_change=_unit_entered,
            args=(key,),
            width=220,
        )
    )


def _unit_entered(key: str) -> None:
    ADDRESS.write(unit=str(st.session_state[key]))


# results that do not depend on the chosen position are cached for all viewers


@st.cache_data(max_entries=60, show_spinner=False)
def _detector(key: Key, _state: Unrolled) -> scope.Detector | None:
    return scope.blank_detector(_state.values, key[2])


@st.cache_data(max_entries=16, show_spinner=False)
def _cells(key: Key, kind: str, _state: Unrolled) -> tuple[bytes, list[int]]:
    rows = scope.all_units(_state.values) if kind == "all" else scope.most_active(_state.values)
    return ipc(cells(rows, key[2]), CELLS), [len(units) for units in rows.units]


def _heatmap(key: Key, state: Unrolled, at: int, kind: str, lang: str) -> None:
    table, sizes = _cells(key, kind, state)
    each = max(sizes) == 1
    labelled = each and len(sizes) <= scope.NUM_PICKED
    spec = charts.heatmap(lang, session.theme(), 0.0 if state.is_gate else state.limit, labelled)
    name = t(f"inspect.state.{state.name}", lang)
    reading = saturation_sentence(state, lang)
    chart.show(
        spec,
        {"cells": table, "now": now(key[2], at)},
        # a different scale needs a new chart; otherwise only the values change
        key=f"inspect.heatmap.{state.is_gate}.{state.limit}.{labelled}",
        alt=t("inspect.chart.alt", lang, state=name, reading=reading),
    )
    if each:
        st.caption(t("inspect.order.each", lang))
    else:
        st.caption(t("inspect.order", lang, size="–".join(str(size) for size in sorted(set(sizes)))))


def cells(rows: Rows, text: str) -> dict[str, list[Any]]:
    """Return the columns of a heat map, with an entry for each row and character."""
    places, characters = _places(text), [visible(character) for character in text]
    labels = [f"{number:03d}{units[0] if len(units) == 1 else ''}" for number, units in enumerate(rows.units)]
    names = [" ".join(str(unit) for unit in units) for units in rows.units]
    count = len(text)
    return {
        "place": places * len(labels),
        "row": [label for label in labels for _ in range(count)],
        "value": rows.values.ravel().tolist(),
        "character": characters * len(labels),
        "units": [name for name in names for _ in range(count)],
    }


def now(text: str, at: int) -> bytes:
    """Return the table of the framed column."""
    return ipc({"place": [_places(text)[at]]}, NOW)


def _places(text: str) -> list[str]:
    # the number keeps the order; the axis shows only the character after it
    return [f"{place:03d}{visible(character)}" for place, character in enumerate(text)]


def _unit_along(drawn: list[Unrolled], state: Unrolled, text: str, at: int, unit: int, lang: str) -> None:
    places, characters = _places(text), [visible(character) for character in text]
    columns: dict[str, list[Any]] = {name: [] for name in LINES}
    for line in drawn:
        columns["place"] += places
        columns["value"] += [float(value) for value in line.values[:, unit - 1]]
        columns["series"] += [t(f"inspect.state.{line.name}", lang)] * len(places)
        columns["character"] += characters
    values = state.values[:, unit - 1]
    low, high = int(values.argmin()), int(values.argmax())
    sentence = t(
        "inspect.chart.unit_alt",
        lang,
        state=t(f"inspect.state.{state.name}", lang),
        unit=unit,
        low_character=visible(text[low]),
        low=signed(float(values[low])),
        high_character=visible(text[high]),
        high=signed(float(values[high])),
    )
    st.markdown(f"**{t('inspect.unit.title', lang, unit=unit)}**")
    chart.show(
        charts.unit_lines(lang, session.theme()),
        {"lines": ipc(columns, LINES), "now": now(text, at)},
        key="inspect.unit_lines",
        alt=sentence,
    )
    st.caption(plain(sentence))
