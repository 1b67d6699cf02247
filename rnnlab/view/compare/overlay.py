"""Several runs on one chart: their curves, the sentence about two of them, their differences and results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from rnnlab.view.compare import charts, state, watch
from rnnlab.view.compare.measures import AXES, Outcome, Pinned, differences, outcome
from rnnlab.view.compare.pushed import Comparison
from rnnlab.view.compare.sentences import board, labels, verdict, why
from rnnlab.view.compare.tables import overlay_tables
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.language.settings import value_text
from rnnlab.view.page import address, chart, session
from rnnlab.view.page.charts import columns
from rnnlab.view.watch import embed
from rnnlab.view.watch import texts as watch_texts

MAX_STRIPS = 3
"""Maximum number of runs whose texts are shown beside each other."""


def names_of(pins: Sequence[Identity]) -> Mapping[Identity, str]:
    """Return the label of each pin."""
    current = watch.snapshot(pins)
    return dict(zip([run.identity for run in current.runs], labels(current.runs, session.language()), strict=True))


def axis() -> tuple[str, bool]:
    """Draw the choices of the axis and of smoothing, and return both; an embedded page also links to the app."""
    lang = session.language()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        by = state.choice("by", AXES, lambda name: t(f"compare.by.{name}", lang))
        smooth = state.switch("smooth", t("compare.smooth", lang), t("compare.smooth.help", lang))
        if session.embedded():
            embed.link("compare", address.everything())
    return by, smooth


def draw(pins: Sequence[Identity]) -> None:
    """Draw the comparison of the pinned runs, updated while any of them is live."""
    by, smooth = axis()

    def comparison(current: Snapshot) -> None:
        names = labels(current.runs, session.language())
        curves(current, names, by, smooth)
        sentence(current.runs, names)
        texts(current.runs, names)
        settings(current.runs, names)
        outcomes(current.runs, names)

    watch.follow(pins, comparison)


def curves(
    current: Snapshot, names: Sequence[str], by: str, smooth: bool, key: str = "compare.overlay", finish: str = ""
) -> None:
    """Draw the curves on one chart, in a race with the line `finish` below the table of their places."""
    lang, theme = session.language(), session.theme()
    slots = state.slots(key, [run.identity for run in current.runs])
    tables = watch.shelf().get(
        ("overlay", current.version, tuple(names), tuple(slots), by, smooth, lang),
        lambda: overlay_tables(current.runs, names, slots, by, smooth, lang),
    )
    room = charts.room(max((columns(name) for name in names), default=0))
    pins = tuple(run.identity for run in current.runs)
    shown = Comparison("overlay", pins, tuple(names), tuple(slots), lang, by, smooth, finish)
    chart.show(
        charts.overlay(lang, theme, by, room),
        tables,
        key=f"{key}.{by}",
        alt=_alt(current, names),
        board=board(current.runs, names, finish, by, lang) if finish else None,
        events=shown.events(current),
        tall=True,
    )
    chart.notes(_legend(current.runs, by, smooth, lang), "compare")


def _legend(runs: Sequence[Pinned], by: str, smooth: bool, lang: str) -> list[str]:
    notes = []
    if any(run.published for run in runs):
        if by == "seconds":
            notes.append(t("compare.legend.no_points", lang))
        else:
            same = all(run.same_corpus for run in runs if run.published)
            notes.append(t("compare.legend.same" if same else "compare.legend.other", lang))
    if smooth:
        notes.append(t("compare.legend.smooth", lang))
    if by == "seconds" and any(run.recorded for run in runs):
        notes.append(t("compare.legend.machine", lang))
    if any(run.ladder != runs[0].ladder for run in runs):
        notes.append(t("compare.legend.texts", lang))
    return notes


def _alt(current: Snapshot, names: Sequence[str]) -> str:
    """Return the description of the curves, with the results unless the chart was watched while it grew.

    A changed text would make the browser rebuild the chart.
    """
    lang = session.language()
    watched = f"compare.watched.{'.'.join(run.identity.pin for run in current.runs)}"
    if not current.ended:
        st.session_state[watched] = True
    description = t("compare.alt", lang, names=t("list.join", lang).join(names))
    if watched in st.session_state:
        return description
    ends = [
        t("compare.alt.end", lang, name=name, epoch=run.history.epoch, perplexity=perplexity_text(run.perplexity))
        for name, run in zip(names, current.runs, strict=True)
        if run.history.epochs
    ]
    return together(lang, description, *ends)


def sentence(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Draw the sentence that compares two runs, if there are exactly two."""
    if len(runs) == 2:
        lang = session.language()
        said = together(lang, verdict(runs[0], runs[1], names, lang), why(runs[0], runs[1], lang))
        st.info(plain(said), icon=":material/balance:")


def texts(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Draw what each run wrote in the course of its training, beside each other."""
    lang = session.language()
    written = [(run, name) for run, name in zip(runs, names, strict=True) if run.history.written()][:MAX_STRIPS]
    if not written:
        return
    st.header(t("compare.texts", lang), anchor=False)
    for (run, name), column in zip(written, st.columns(len(written), gap="medium"), strict=True):
        with column:
            st.caption(plain(name))
            watch_texts.strip(run.history, lang, run.identity.pin)


def settings(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Draw the table of the settings that differ between the runs."""
    lang = session.language()
    st.header(t("compare.settings", lang), anchor=False)
    different = differences([run.config for run in runs])
    if not different:
        st.caption(t("compare.settings.one" if len(runs) < 2 else "compare.settings.none", lang))
        return
    cells: dict[str, list[str]] = {t("compare.setting", lang): [t(f"field.{name}", lang) for name in different]}
    for i, name in enumerate(names):
        cells[plain(name)] = [_value(field, values[i], lang) for field, values in different.items()]
    st.table(cells, border="horizontal")


def _value(field: str, value: object, lang: str) -> str:
    own = session.text_title(str(value)) if field == "corpus" else None
    return plain(own or value_text(field, value, lang))


def outcomes(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Draw the table of the current results of the runs."""
    lang = session.language()
    st.header(t("compare.outcomes", lang), anchor=False)
    results = [outcome(run) for run in runs]
    rows = ("perplexity", "best", "epochs", "seconds", "speed", "params", "quoted", "longest", "loop", "blanks")
    cells: dict[str, list[str]] = {t("compare.outcome", lang): [t(f"compare.outcome.{row}", lang) for row in rows]}
    for name, result in zip(names, results, strict=True):
        cells[plain(name)] = _column(result, lang)
    st.table(cells, border="horizontal")
    st.caption(t("compare.outcomes.note", lang))


def _column(result: Outcome, lang: str) -> list[str]:
    best = "–"
    if result.best is not None and result.best_epoch is not None:
        best = t("compare.outcome.best_at", lang, value=perplexity_text(result.best), epoch=result.best_epoch)
        if math.isinf(result.best):
            best = perplexity_text(result.best)
    loops = sorted({period for period in result.loops if period})
    return [
        perplexity_text(result.perplexity),
        best,
        str(result.epochs),
        "–" if result.seconds_per_epoch is None else number(result.seconds_per_epoch, 2),
        "–" if result.characters_per_second is None else f"{result.characters_per_second:,.0f}",
        "–" if result.num_params is None else f"{result.num_params:,}",
        "–" if result.quoted is None else f"{result.quoted:.0%}",
        str(result.longest or "–"),
        t("list.join", lang).join(str(period) for period in loops) or "–",
        "–" if result.blanks is None else f"{result.blanks:.0%}",
    ]
