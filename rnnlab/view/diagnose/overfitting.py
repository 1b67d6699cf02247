"""Overfitting: the perplexity on held-out text, and the share of the generated text that is copied."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose import charts, sentences, starting
from rnnlab.view.diagnose import tables as diagnose_tables
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import phrase
from rnnlab.view.page import asking, chart, estimate, session
from rnnlab.view.page.style import ceiling
from rnnlab.view.watch.tables import best_held_out

_WANTED = "diagnose.every_checkpoint"


def cures(config: TrainConfig) -> dict[str, float]:
    """Return settings that work against learning the text by heart, with their values (measured: docs/cures.md).

    The weights shrink by the product of learning rate and weight decay, so that this product is the same for all runs.
    """
    return {
        "dropout": 0.5,
        "weight_decay": float(f"{0.001 / config.learning_rate:.3g}"),
        "early_stopping": 3,
    }


def draw(examined: ExaminedRun) -> None:
    """Draw the topic."""
    lang = examined.scene.lang
    st.header(t("over.title", lang), anchor=False)
    if examined.config.bidirectional:
        key = "over.cloze" if examined.config.objective == "cloze" else "over.both_ways"
        st.info(t(key, lang), icon=":material/info:")
    diagnoses = _measured(examined)
    _curve(examined, diagnoses)
    if diagnoses:
        newest = diagnoses[max(diagnoses)]
        text = examined.scene.text
        st.markdown(sentences.unknown(newest, len(text.held_out) if text is not None else None, lang))
        if newest.held_out_unknown:
            st.caption(t("over.unknown.why", lang))
    _cures(examined)
    _copies(examined)


def _measured(examined: ExaminedRun) -> dict[int, Diagnosis]:
    """Return the available diagnoses by epoch; the newest is computed at once, the others on request."""
    lang, history = examined.scene.lang, examined.scene.history
    diagnoses = dict(history.probes)
    if not examined.epochs:
        starting.nothing_to_ask(examined)
        return diagnoses
    requested: set[Identity] = st.session_state.setdefault(_WANTED, set())
    missing = [epoch for epoch in examined.epochs if epoch not in diagnoses]
    epochs = missing if examined.identity in requested else [examined.epoch] if examined.epoch in missing else []
    waiting = []
    for epoch in epochs:
        answer = examined.diagnose(epoch)
        if answer is None:
            continue
        if answer.value is not None:
            diagnoses[epoch] = answer.value
        elif answer.error is not None:
            asking.explain(answer, examined.question(epoch))
        else:
            waiting.append(epoch)
    if waiting:
        done = len(epochs) - len(waiting)
        st.progress(done / len(epochs), text=t("over.measuring", lang, done=done, total=len(epochs)))
    elif examined.identity not in requested and len(missing) > 1 and examined.record is not None:
        st.button(
            t("over.all", lang, count=len(missing)),
            icon=":material/analytics:",
            key="over.all",
            on_click=requested.add,
            args=(examined.identity,),
            help=t("over.all.help", lang),
        )
    return diagnoses


def _curve(examined: ExaminedRun, diagnoses: dict[int, Diagnosis]) -> None:
    scene, lang = examined.scene, examined.scene.lang
    unigram = examined.unigram()
    # the training perplexity is also that of the diagnosis, computed with the same weights
    points = {epoch: (each.perplexity, each.held_out_perplexity) for epoch, each in diagnoses.items()}
    sentence = sentences.overfitting(points, lang)
    live = {row.epoch: row.held_out_perplexity for row in scene.history.epochs if row.held_out_perplexity is not None}
    left, right = st.columns([3, 2], gap="large")
    with left:
        label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
        tables = diagnose_tables.line_tables(
            [
                diagnose_tables.perplexities(t("over.train", lang), scene.history, ceiling(scene.vocab_size), lang),
                diagnose_tables.held_out_series(
                    {epoch: held for epoch, (_, held) in points.items()}, t("over.held_out", lang)
                ),
                *([diagnose_tables.held_out_series(live, t("over.sample", lang))] if len(live) > 1 else []),
            ],
            [(unigram, label)],
        )
        chart.show(charts.lines("perplexity", lang, scene.theme, 320), tables, key="diagnose.over", alt=sentence)
    with right:
        st.markdown(sentence)
        newest = max(diagnoses, default=0)
        fixed = sentences.fixed_weights(scene.history, newest, diagnoses[newest], lang) if diagnoses else ""
        sample = sentences.sample(best_held_out(scene.history), lang)
        for note in filter(None, (sample, fixed, sentences.unigrams(unigram, scene.ladder.get(1), lang))):
            st.caption(note)
        if not examined.config.bidirectional:  # such a network also reads the following characters
            st.latex(r"\exp\Big(-\frac1n\sum_{t=1}^{n}\ln p(x_t\mid x_1,\dots,x_{t-1})\Big)")
            st.caption(t("over.why", lang))


def _cures(examined: ExaminedRun) -> None:
    """Offer the same run with each setting that works against learning the text by heart."""
    lang, config = examined.scene.lang, examined.config
    if config.sees_the_answer:
        return
    offered = {
        name: config.change(**{name: value, "held_out_period": config.held_out_period or 10})
        for name, value in cures(config).items()
        if not getattr(config, name)
    }
    if not offered or session.embedded():
        return
    st.header(t("over.cures", lang), anchor=False)
    st.markdown(t("over.cures.measured", lang))
    base = starting.base_recipe(examined)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, cured in offered.items():
            label = t("over.cures.start", lang, setting=phrase(name, cured, lang))
            starting.start_button(label, {base: cured}, f"over.cure.{name}", topic="overfitting")
        estimate.note(config, width="content")


def _copies(examined: ExaminedRun) -> None:
    scene, lang = examined.scene, examined.scene.lang
    st.header(t("over.copies", lang), anchor=False)
    coverage, lengths = {}, {}
    for epoch in scene.history.written():
        readings = [scene.read(epoch, prefix) for prefix in scene.history.texts[epoch]]
        known = [reading for reading in readings if reading is not None and reading.length]
        if known and epoch:
            coverage[epoch] = sum(reading.coverage for reading in known) / len(known)
            lengths[epoch] = max(reading.longest for reading in known)
    sentence = together(lang, sentences.copying(coverage, lang), sentences.longest(lengths, lang))
    left, right = st.columns([3, 2], gap="large")
    with left:
        if coverage:
            tables = diagnose_tables.line_tables([diagnose_tables.coverage_series(coverage, t("over.copied", lang))])
            chart.show(charts.lines("coverage", lang, scene.theme, 200), tables, key="diagnose.copies", alt=sentence)
    with right:
        st.markdown(sentence)
        length = scene.text.quote_length if scene.text is not None else 5
        st.caption(t("over.copies.why", lang, length=length))
