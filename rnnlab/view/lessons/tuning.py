"""Exercise X1: the choice of a hyperparameter, and a table with the results of its values."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.lessons.address import ADDRESS
from rnnlab.view.lessons.compute import tuning
from rnnlab.view.lessons.compute.tuning import SHORT, Row, Tuned
from rnnlab.view.lessons.sentences import tuned_value
from rnnlab.view.page import session
from rnnlab.view.watch.scenes import Scene


def choose() -> str:
    """Draw the choice of a hyperparameter with a hint, and return it; the URL has it unless it is the first."""
    lang = session.language()
    setting = ADDRESS.get("tune")
    key = session.key("lesson.tune")
    st.session_state[key] = setting
    st.segmented_control(
        t("lesson.X1.choose", lang),
        list(tuning.GRID),
        key=key,
        format_func=lambda name: t(f"field.{name}", lang),
        required=True,
        on_change=_chosen,
        args=(key,),
    )
    st.caption(t(f"lesson.X1.hint.{setting}", lang))
    return setting


def _chosen(key: str) -> None:
    ADDRESS.write(tune=st.session_state[key], run=None)


def table(result: Tuned, scenes: list[Scene]) -> None:
    """Draw the table of results: updates, time, perplexity and copied share for each value."""
    lang = session.language()
    by_value = {float(getattr(scene.config, result.setting)): scene for scene in scenes}
    measures = ["updates", "seconds", *(["short"] if result.epoch > SHORT else []), "last", "quoted"]
    epochs = {"short": SHORT, "last": result.epoch}
    cells = {
        t("lesson.X1.table", lang): [
            t(f"lesson.X1.table.{'at' if name in epochs else name}", lang, epoch=epochs.get(name, 0))
            for name in measures
        ]
    }
    for row in result.rows:
        column = _column(row, by_value[row.value])
        cells[tuned_value(result.setting, row.value, lang)] = [column[name] for name in measures]
    st.table(cells, border="horizontal")
    st.caption(t("lesson.X1.table.note", lang))


def _column(row: Row, scene: Scene) -> dict[str, str]:
    return {
        "updates": "–" if row.updates is None else str(row.updates),
        "seconds": "–" if row.seconds is None else number(row.seconds, 2),
        "short": number(row.short, 4),
        "last": number(row.last, 4),
        "quoted": _quoted(scene),
    }


def _quoted(scene: Scene) -> str:
    # mean over the prefixes of the newest texts
    written = scene.history.written()
    if not written or scene.text is None:
        return "–"
    readings = [scene.read(written[-1], prefix) for prefix in scene.history.texts[written[-1]]]
    shares = [reading.coverage for reading in readings if reading is not None]
    return f"{sum(shares) / len(shares):.0%}" if shares else "–"
