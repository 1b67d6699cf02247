"""Exercise X1: which hyperparameter is tuned, and a table of what each of its values came to."""

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
    """Draw the choice of a hyperparameter, with a hint; return it. It stands in the URL, where it is not the first."""
    lang = session.language()
    setting = ADDRESS.get("tune")
    key = session.key("lesson.tune")
    st.session_state[key] = setting
    st.segmented_control(
        t("lesson.X1.choose", lang),
        list(tuning.GRID),
        key=key,
        format_func=lambda one: t(f"field.{one}", lang),
        required=True,
        on_change=_chosen,
        args=(key,),
    )
    st.caption(t(f"lesson.X1.hint.{setting}", lang))
    return setting


def _chosen(key: str) -> None:
    ADDRESS.write(tune=st.session_state[key], run=None)


def table(found: Tuned, scenes: list[Scene]) -> None:
    """Show what each value costs and comes to: updates, time, perplexity, and how much of what it wrote is copied."""
    lang = session.language()
    by_value = {float(getattr(scene.config, found.setting)): scene for scene in scenes}
    measures = ["updates", "seconds", *(["short"] if found.epoch > SHORT else []), "last", "quoted"]
    epochs = {"short": SHORT, "last": found.epoch}
    cells = {
        t("lesson.X1.table", lang): [
            t(f"lesson.X1.table.{'at' if one in epochs else one}", lang, epoch=epochs.get(one, 0)) for one in measures
        ]
    }
    for row in found.rows:
        column = _column(row, by_value[row.value])
        cells[tuned_value(found.setting, row.value, lang)] = [column[one] for one in measures]
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
    # both prefixes together, of the newest texts
    written = scene.history.written()
    if not written or scene.text is None:
        return "–"
    readings = [scene.read(written[-1], prefix) for prefix in scene.history.texts[written[-1]]]
    shares = [one.coverage for one in readings if one is not None]
    return f"{sum(shares) / len(shares):.0%}" if shares else "–"
