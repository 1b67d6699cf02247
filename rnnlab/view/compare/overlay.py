"""Runs laid over each other: the curves, the sentence about two of them, what differs, and what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from rnnlab.view.compare import charts, state, watch
from rnnlab.view.compare.measures import AXES, Outcome, Pinned, differences, outcome
from rnnlab.view.compare.sentences import columns, labels, verdict
from rnnlab.view.compare.tables import overlay_tables
from rnnlab.view.compare.watch import Look
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.language.settings import value_text
from rnnlab.view.page import chart, session


def names_of(pins: Sequence[Identity]) -> Mapping[Identity, str]:
    """Return the label of each pin."""
    now = watch.look(pins)
    return dict(zip([run.identity for run in now.runs], labels(now.runs, session.language()), strict=True))


def axis() -> tuple[str, bool]:
    """Draw the choice of the axis and of smoothing; return both."""
    lang = session.language()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        by = state.choice("by", AXES, lambda one: t(f"compare.by.{one}", lang))
        smooth = state.switch("smooth", t("compare.smooth", lang), t("compare.smooth.help", lang))
    return by, smooth


def draw(pins: Sequence[Identity]) -> None:
    """Show everything that can be said of these runs beside each other, growing while one of them is live."""
    by, smooth = axis()

    def beside_each_other(now: Look) -> None:
        names = labels(now.runs, session.language())
        curves(now, names, by, smooth)
        sentence(now.runs, names)
        settings(now.runs, names)
        outcomes(now.runs, names)

    watch.follow(pins, beside_each_other)


def curves(now: Look, names: Sequence[str], by: str, smooth: bool, key: str = "compare.overlay") -> None:
    """Draw the curves over each other."""
    lang, theme = session.language(), session.theme()
    tables = watch.shelf().get(
        ("overlay", now.version, by, smooth, lang), lambda: overlay_tables(now.runs, names, by, smooth, lang)
    )
    room = charts.room(max((columns(name) for name in names), default=0))
    chart.show(charts.overlay(lang, theme, by, room), tables, key=f"{key}.{by}", alt=_alt(now, names))
    st.caption(" ".join(_legend(now.runs, by, smooth, lang)))


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
    return [*notes, t("chart.zoom", lang)]


def _alt(now: Look, names: Sequence[str]) -> str:
    """Say what the curves show; while one is watched growing no more, as another text would draw the chart anew."""
    lang = session.language()
    watched = f"compare.watched.{'.'.join(run.identity.pin for run in now.runs)}"
    if not now.ended:
        st.session_state[watched] = True
    said = t("compare.alt", lang, names=t("list.join", lang).join(names))
    if watched in st.session_state:
        return said
    ends = [
        t("compare.alt.end", lang, name=name, epoch=run.history.epoch, perplexity=perplexity_text(run.perplexity))
        for name, run in zip(names, now.runs, strict=True)
        if run.history.epochs
    ]
    return " ".join([said, *ends])


def sentence(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Say what came out of two runs, where there are two."""
    if len(runs) == 2:
        st.info(plain(verdict(runs[0], runs[1], names, session.language())), icon=":material/balance:")


def settings(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Show the settings in which the runs differ, and only those."""
    lang = session.language()
    st.subheader(t("compare.settings", lang), anchor=False)
    found = differences([run.config for run in runs])
    if not found:
        st.caption(t("compare.settings.one" if len(runs) < 2 else "compare.settings.none", lang))
        return
    cells: dict[str, list[str]] = {t("compare.setting", lang): [t(f"field.{name}", lang) for name in found]}
    for i, name in enumerate(names):
        cells[plain(name)] = [_value(field, values[i], lang) for field, values in found.items()]
    st.table(cells, border="horizontal")


def _value(field: str, value: object, lang: str) -> str:
    own = session.text_title(str(value)) if field == "corpus" else None
    return plain(own or value_text(field, value, lang))


def outcomes(runs: Sequence[Pinned], names: Sequence[str]) -> None:
    """Show what came out of each run, or has so far."""
    lang = session.language()
    st.subheader(t("compare.outcomes", lang), anchor=False)
    found = [outcome(run) for run in runs]
    rows = ("perplexity", "best", "epochs", "seconds", "speed", "params", "quoted", "longest", "loop", "blanks")
    cells: dict[str, list[str]] = {t("compare.outcome", lang): [t(f"compare.outcome.{row}", lang) for row in rows]}
    for name, one in zip(names, found, strict=True):
        cells[plain(name)] = _column(one, lang)
    st.table(cells, border="horizontal")
    st.caption(t("compare.outcomes.note", lang))


def _column(one: Outcome, lang: str) -> list[str]:
    best = "–"
    if one.best is not None and one.best_epoch is not None:
        best = t("compare.outcome.best_at", lang, value=perplexity_text(one.best), epoch=one.best_epoch)
        if math.isinf(one.best):
            best = perplexity_text(one.best)
    loops = sorted({period for period in one.loops if period})
    return [
        perplexity_text(one.perplexity),
        best,
        str(one.epochs),
        "–" if one.seconds_per_epoch is None else number(one.seconds_per_epoch, 2),
        "–" if one.characters_per_second is None else f"{one.characters_per_second:,.0f}",
        "–" if one.num_params is None else f"{one.num_params:,}",
        "–" if one.quoted is None else f"{one.quoted:.0%}",
        str(one.longest or "–"),
        t("list.join", lang).join(str(period) for period in loops) or "–",
        "–" if one.blanks is None else f"{one.blanks:.0%}",
    ]
