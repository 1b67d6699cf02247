"""Six layers: why the curve is flat, what the network outputs, where its gradient vanishes, and what rescues it."""

from __future__ import annotations

import math

import streamlit as st

from rnnlab.events import Diagnosis
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose import charts, rescue, sentences, starting, subject
from rnnlab.view.diagnose import tables as diagnose_tables
from rnnlab.view.diagnose.address import ADDRESS
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import number, percent, small
from rnnlab.view.language.settings import phrase
from rnnlab.view.page import address, asking, chart, estimate, names, session
from rnnlab.view.page.style import ceiling

DEMONSTRATION = 24
"""Epochs of the measurement of denormal numbers; the gradients of six layers vanish within ten epochs."""
_BESIDE = "diagnose.beside"
_USUAL = Identity.of_recording("A8")


def draw(examined: ExaminedRun) -> None:
    """Draw the topic."""
    answer = examined.diagnose()
    diagnosis = answer.value if answer else None
    _plateau(examined, answer, diagnosis)
    _gradients(examined)
    _denormals(examined, answer, diagnosis)
    rescue.draw(examined, examined.unigram())


def _plateau(examined: ExaminedRun, answer: asking.Answer[Diagnosis] | None, diagnosis: Diagnosis | None) -> None:
    scene, lang = examined.scene, examined.scene.lang
    unigram = examined.unigram()
    st.header(t("layers.plateau", lang), anchor=False)
    left, right = st.columns([3, 2], gap="large")
    sentence = sentences.plateau(scene.history, unigram, lang)
    with left:
        label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
        tables = scene.shelf.get(
            ("diagnose.plateau", scene.version, unigram, lang),
            lambda: diagnose_tables.line_tables(
                [diagnose_tables.perplexities(examined.name, scene.history, ceiling(scene.vocab_size), lang)],
                [(unigram, label)],
            ),
        )
        spec = charts.lines("perplexity", lang, scene.theme)
        chart.show(spec, tables, key="diagnose.plateau", alt=sentence)
    with right:
        st.markdown(sentence)
        st.latex(r"\textstyle\exp\big(-\sum_c p_c \ln q_c\big)\;\ge\;\exp\big(-\sum_c p_c \ln p_c\big)")
        told = sentences.unigrams(unigram, scene.ladder.get(1), lang)
        st.caption(together(lang, t("layers.plateau.why", lang), told))
    if answer is None:
        starting.nothing_to_ask(examined)
        return
    if diagnosis is None:
        asking.explain(answer, f"layers.{examined.identity}.{examined.epoch}", 240)
        return
    st.header(t("layers.verdict", lang), anchor=False)
    color, icon = ("orange", "block") if diagnosis.stuck else ("green", "check")
    word = t("layers.stuck" if diagnosis.stuck else "layers.free", lang)
    st.markdown(f":{color}-badge[:material/{icon}: {word}] {sentences.verdict(diagnosis, lang)}")
    note = sentences.fixed_weights(scene.history, examined.epoch, diagnosis, lang)
    if note:
        st.caption(note)
    with st.grid(3, min_column_width=170, gap="small"):
        above = sentences.above_unigram(diagnosis)
        against = "∞" if above == math.inf else f"{'+' if above >= 0 else '−'}{percent(above)}"
        st.metric(t("layers.against", lang), against, help=t("layers.against.help", lang))
        st.metric(t("layers.kl", lang), small(diagnosis.kl_to_unigram), help=t("layers.kl.help", lang))
        st.metric(t("layers.moves", lang), small(diagnosis.sensitivity), help=t("layers.moves.help", lang))
    left, right = st.columns([3, 2], gap="large")
    sentence = sentences.outputs(diagnosis, examined.config, examined.texts, lang)
    with left:
        chart.show(
            charts.outputs(lang, scene.theme),
            diagnose_tables.output_table(diagnosis),
            key="diagnose.outputs",
            alt=sentence,
        )
        st.caption(t("layers.outputs.legend", lang))
    with right:
        st.markdown(sentence)
        st.latex(r"\mathrm{KL}(\bar q\,\|\,p)=\sum_c \bar q_c \ln\frac{\bar q_c}{p_c}")
        st.latex(r"\tfrac12\sum_c\lvert q_c(x)-\bar q_c\rvert")
        st.caption(t("layers.outputs.why", lang))


# the gradient by layer


def _gradients(examined: ExaminedRun) -> None:
    lang = examined.scene.lang
    st.header(t("layers.gradients", lang), anchor=False)
    st.caption(t("layers.gradients.why", lang))
    left, right = st.columns(2, gap="medium")
    with left:
        _heat(examined, "diagnose.heat")
    with right:
        other = _beside(examined)
        if other is not None:
            _heat(other, "diagnose.heat.beside")
    st.caption(t("layers.heat.legend", lang))


def _heat(examined: ExaminedRun, key: str) -> None:
    scene, lang = examined.scene, examined.scene.lang
    last = scene.history.last
    st.markdown(f"**{plain(examined.name)}** · {phrase('num_layers', examined.config, lang)}")
    if last is None or not last.grad_norm_by_layer:
        st.caption(t("find.plateau.none", lang))
        return
    sentence = sentences.vanishing(last.grad_norm_by_layer, last.epoch, lang)
    tables = scene.shelf.get(
        ("diagnose.heat", scene.version, lang), lambda: diagnose_tables.heat_table(scene.history, lang)
    )  # fmt: skip
    chart.show(charts.heat(lang, scene.theme), tables, key=key, alt=sentence)
    st.markdown(sentence)


def _beside(examined: ExaminedRun) -> ExaminedRun | None:
    """Draw the choice of a run to compare with, by default one of two layers; return it."""
    lang = examined.scene.lang
    tapes = {name: recorded.label(name) for name in recorded.names()}
    layers = {Identity.of_recording(name): tape.config.num_layers for name, tape in tapes.items() if tape.num_epochs}
    layers |= {Identity.of_run(run.id): run.config.num_layers for run in subject.runs() if run.epoch}
    layers.pop(examined.identity, None)
    if not layers:
        return None
    default = _USUAL if _USUAL in layers else min(layers, key=lambda other: abs(layers[other] - 2))
    address.once("diagnose.beside", _read_url)
    requested = Identity.parse(st.session_state.get(_BESIDE) or "")
    chosen = requested if requested in layers else default
    ADDRESS.write(beside=str(chosen) if chosen != default else None)
    options = [str(other) for other in layers]
    key = session.key(f"diagnose.beside.{chosen}.{examined.identity}")
    st.selectbox(
        t("layers.beside", lang),
        options,
        options.index(str(chosen)),
        key=key,
        format_func=lambda other: names.choice(Identity.parse(other)),
        on_change=_beside_changed,
        args=(key,),
    )
    return subject.of(chosen)


def _read_url() -> None:
    if ADDRESS.given("beside"):
        st.session_state[_BESIDE] = ADDRESS.get("beside")


def _beside_changed(key: str) -> None:
    st.session_state[_BESIDE] = st.session_state.get(key)


# slow epochs


def _denormals(examined: ExaminedRun, answer: asking.Answer[Diagnosis] | None, diagnosis: Diagnosis | None) -> None:
    scene, lang = examined.scene, examined.scene.lang
    st.header(t("layers.denormal", lang), anchor=False)
    st.caption(t("layers.denormal.why", lang))
    left, right = st.columns(2, gap="large")
    with left:
        if diagnosis is not None and diagnosis.denormal_share_by_layer:
            sentence = sentences.denormal(diagnosis, examined.config.flush_denormal, lang)
            spec = charts.denormals(lang, scene.theme)
            chart.show(spec, diagnose_tables.denormal_table(diagnosis, lang), key="diagnose.denormal", alt=sentence)
            st.markdown(sentence)
        elif answer is not None and answer.waiting:
            st.skeleton(height=120)
        else:
            st.caption(t("find.denormal.unknown", lang))
    with right:
        _demonstration(examined)


def _demonstration(examined: ExaminedRun) -> None:
    """Draw the times of the same run with flushing and without, or the button that measures them."""
    scene, lang = examined.scene, examined.scene.lang
    short = examined.config.change(num_epochs=DEMONSTRATION, pred_period=DEMONSTRATION)
    flushed, kept = short.change(flush_denormal=True), short.change(flush_denormal=False)
    runs = [subject.find(config) for config in (flushed, kept)]
    if all(run is not None for run in runs):
        on, off = (subject.of_run(run).scene.history for run in runs if run is not None)
        sentence = sentences.slowdown(on, off, lang)
        series = [
            diagnose_tables.seconds(t("layers.flushed", lang), on),
            diagnose_tables.seconds(t("layers.not_flushed", lang), off),
        ]
        spec = charts.lines("seconds", lang, scene.theme, 180)
        chart.show(spec, diagnose_tables.line_tables(series), key="diagnose.seconds", alt=sentence)
        st.markdown(sentence)
        if any(run is not None and run.live for run in runs):
            st.caption(t("diagnose.training", lang))
        return
    st.markdown(t("layers.demonstration", lang, epochs=DEMONSTRATION))
    base = starting.base_recipe(examined)
    with starting.row():
        starting.start_button(
            t("layers.demonstration.start", lang),
            {f"{base}/on": flushed, f"{base}/off": kept},
            "diagnose.demonstration",
        )
        estimate.note(flushed, kept, width="content")
