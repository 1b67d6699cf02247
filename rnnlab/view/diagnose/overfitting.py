"""Overfitting: the perplexity on text that was never trained on, and how much of what is written is copied."""

from __future__ import annotations

import streamlit as st

from rnnlab.events import Diagnosis
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose import charts, sentences, starting
from rnnlab.view.diagnose import tables as diagnose_tables
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.page import asking, chart

_WANTED = "diagnose.every_checkpoint"


def draw(one: Subject) -> None:
    """Show the whole topic."""
    lang = one.scene.lang
    st.subheader(t("over.title", lang), anchor=False)
    if one.config.bidirectional:
        key = "over.cloze" if one.config.objective == "cloze" else "over.both_ways"
        st.info(t(key, lang), icon=":material/info:")
    found = _measured(one)
    _curve(one, found)
    if found:
        newest = found[max(found)]
        st.markdown(sentences.unknown(newest, lang))
        if newest.held_out_unknown:
            st.caption(t("over.unknown.why", lang))
    _copies(one)


def _measured(one: Subject) -> dict[int, Diagnosis]:
    """Return the diagnoses at hand by epoch; the newest is asked for at once, the others when they are wanted."""
    lang, history = one.scene.lang, one.scene.history
    found = dict(history.probes)
    if not one.epochs:
        starting.nothing_to_ask(one)
        return found
    wanted: set[Identity] = st.session_state.setdefault(_WANTED, set())
    missing = [epoch for epoch in one.epochs if epoch not in found]
    asked = missing if one.identity in wanted else [one.epoch] if one.epoch in missing else []
    waiting = []
    for epoch in asked:
        answer = one.diagnose(epoch)
        if answer is None:
            continue
        if answer.value is not None:
            found[epoch] = answer.value
        elif answer.error is not None:
            asking.explain(answer, one.question(epoch))
        else:
            waiting.append(epoch)
    if waiting:
        done = len(asked) - len(waiting)
        st.progress(done / len(asked), text=t("over.measuring", lang, done=done, total=len(asked)))
    elif one.identity not in wanted and len(missing) > 1 and one.record is not None:
        st.button(
            t("over.all", lang, count=len(missing)),
            icon=":material/analytics:",
            key="over.all",
            on_click=wanted.add,
            args=(one.identity,),
            help=t("over.all.help", lang),
        )
    return found


def _curve(one: Subject, found: dict[int, Diagnosis]) -> None:
    scene, lang = one.scene, one.scene.lang
    unigram = one.unigram()
    # the training perplexity is the diagnosis's too: of the same weights
    points = {epoch: (each.perplexity, each.held_out_perplexity) for epoch, each in found.items()}
    said = sentences.overfitting(points, lang)
    left, right = st.columns([3, 2], gap="large")
    with left:
        label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
        tables = diagnose_tables.line_tables(
            [
                diagnose_tables.perplexities(t("over.train", lang), scene.history, 10.0 * scene.vocab_size),
                diagnose_tables.held_out_series(
                    {epoch: held for epoch, (_, held) in points.items()}, t("over.held_out", lang)
                ),
            ],
            [(unigram, label)],
        )
        chart.show(charts.lines("perplexity", lang, scene.theme, 320), tables, key="diagnose.over", alt=said)
    with right:
        st.markdown(said)
        if not one.config.bidirectional:  # which reads on
            st.latex(r"\exp\Big(-\frac1n\sum_{t=1}^{n}\ln p(x_t\mid x_1,\dots,x_{t-1})\Big)")
            st.caption(t("over.why", lang))


def _copies(one: Subject) -> None:
    scene, lang = one.scene, one.scene.lang
    st.subheader(t("over.copies", lang), anchor=False)
    coverage, lengths = {}, {}
    for epoch in scene.history.written():
        readings = [scene.read(epoch, prefix) for prefix in scene.history.texts[epoch]]
        known = [reading for reading in readings if reading is not None and reading.length]
        if known and epoch:
            coverage[epoch] = sum(reading.coverage for reading in known) / len(known)
            lengths[epoch] = max(reading.longest for reading in known)
    said = f"{sentences.copying(coverage, lang)} {sentences.longest(lengths, lang)}".rstrip()
    left, right = st.columns([3, 2], gap="large")
    with left:
        if coverage:
            tables = diagnose_tables.line_tables([diagnose_tables.coverage_series(coverage, t("over.copied", lang))])
            chart.show(charts.lines("coverage", lang, scene.theme, 200), tables, key="diagnose.copies", alt=said)
    with right:
        st.markdown(said)
        length = scene.text.quote_length if scene.text is not None else 5
        st.caption(t("over.copies.why", lang, length=length))
