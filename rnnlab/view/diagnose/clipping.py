"""Clipping without effect: a run as published, against its counterpart with working clipping."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.diagnose import charts, exhausted, sentences, starting, subject
from rnnlab.view.diagnose import tables as diagnose_tables
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import phrase
from rnnlab.view.page import chart, estimate
from rnnlab.view.page.style import ceiling

THETA = 0.01
"""The threshold in the published code."""


def draw(examined: ExaminedRun) -> None:
    """Draw the topic."""
    lang = examined.scene.lang
    st.header(t("clip.pair", lang), anchor=False)
    off, on = _pair(examined)
    pair = [*_named(off, "clip.off", lang), *_named(on, "clip.on", lang)] or [(examined.name, examined)]
    _curves(examined, pair)
    if off is not None and on is not None:
        st.markdown(sentences.switch(off.scene.history, on.scene.history, examined.unigram(), lang))
        st.caption(t("clip.seeds", lang))
    _norms(examined, pair)
    _generator(lang)


def _pair(examined: ExaminedRun) -> tuple[ExaminedRun | None, ExaminedRun | None]:
    """Return the run without clipping and the run with clipping; None for each that does not exist.

    If one does not exist, a button that trains it is drawn.
    """
    lang = examined.scene.lang
    if examined.changed_by_hand:  # perhaps clipping was changed, so that no counterpart differs only in it
        st.info(t("clip.changed", lang), icon=":material/info:")
        return None, None
    counterpart = _counterpart(examined)
    off, on = (examined, counterpart) if examined.config.clip_norm is None else (counterpart, examined)
    if counterpart is None:
        _offer(examined)
    return off, on


def theta_of(examined: ExaminedRun) -> float:
    """Return the threshold that the topic is about."""
    return examined.config.clip_norm or THETA


def _other(config: TrainConfig) -> TrainConfig:
    return config.change(clip_norm=THETA if config.clip_norm is None else None)


def _counterpart(examined: ExaminedRun) -> ExaminedRun | None:
    """Return the run that differs only in clipping, a recording or a run of this server, or None."""
    other = _other(examined.config)
    run = subject.find(other)
    if run is not None:
        return subject.of_run(run)
    for name in recorded.names():
        tape = recorded.recording(name)
        if tape.config == other:
            return subject.of_recording(tape)
    return None


def _offer(examined: ExaminedRun) -> None:
    lang, other = examined.scene.lang, _other(examined.config)
    word = phrase("clip_norm", other, lang)
    st.info(t("clip.missing", lang, setting=word), icon=":material/info:")
    base = starting.base_recipe(examined)
    repaired = f"{base}-repaired" if other.clip_norm is not None else base.removesuffix("-repaired")
    starting.start_button(
        t("clip.start", lang, setting=word), {repaired if repaired in RECIPES else base: other}, "clip.start"
    )
    estimate.note(other)


def _named(examined: ExaminedRun | None, key: str, lang: str) -> list[tuple[str, ExaminedRun]]:
    return [] if examined is None else [(f"{t(key, lang)} ({examined.name})", examined)]


def _curves(examined: ExaminedRun, pair: list[tuple[str, ExaminedRun]]) -> None:
    scene, lang = examined.scene, examined.scene.lang
    unigram = examined.unigram()
    label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
    description = t("list.join", lang).join(
        f"{name}: {number(member.scene.history.last.perplexity, 5)}"
        for name, member in pair
        if member.scene.history.last
    )
    tables = diagnose_tables.line_tables(
        [
            diagnose_tables.perplexities(name, member.scene.history, ceiling(scene.vocab_size), lang)
            for name, member in pair
        ],
        [(unigram, label)],
    )
    chart.show(charts.lines("perplexity", lang, scene.theme, 300), tables, key="diagnose.clip.curves", alt=description)


def _norms(examined: ExaminedRun, pair: list[tuple[str, ExaminedRun]]) -> None:
    scene, lang, theta = examined.scene, examined.scene.lang, theta_of(examined)
    findings = {}
    for number_of, (name, member) in enumerate(pair, 1):
        # the sentence about Adam is the same for both runs, so only the last run gets it
        optimizer = member.config.optimizer if number_of == len(pair) else ""
        findings[name] = sentences.clipping(member.scene.history, theta, optimizer, lang)
    st.header(t("clip.norms", lang), anchor=False)
    st.latex(r"\mathbf g \leftarrow \min\!\left(1,\frac{\theta}{\lVert\mathbf g\rVert}\right)\mathbf g")
    st.caption(t("clip.norms.why", lang))
    # without clipping there are no shares to draw; the sentences below say so
    clips = any(member.scene.clips for _, member in pair)
    left, right = st.columns([3, 2], gap="medium") if clips else (st.container(), None)
    with left:
        tables = diagnose_tables.line_tables(
            [diagnose_tables.grad_norms(name, member.scene.history) for name, member in pair],
            [(theta, f"θ = {number(theta, 3)}")],
        )
        spec = charts.lines("grad_norm", lang, scene.theme)
        chart.show(spec, tables, key="diagnose.clip.norms", alt=together(lang, *findings.values()))
    if right is not None:
        with right:
            tables = diagnose_tables.line_tables(
                [diagnose_tables.clipped_shares(name, member.scene.history) for name, member in pair]
            )
            spec = charts.lines("clipped", lang, scene.theme)
            chart.show(spec, tables, key="diagnose.clip.share", alt=together(lang, *findings.values()))
    for name, sentence in findings.items():
        st.markdown(f"**{plain(name)}** · {sentence}")


def _generator(lang: str) -> None:
    st.header(t("clip.generator", lang), anchor=False)
    left, right = st.columns(2, gap="large")
    passed_on, kept = exhausted.demonstrate()
    with left:
        st.markdown(t("clip.generator.why", lang))
        st.markdown(t("clip.generator.result", lang, generator=_written(passed_on), list=_written(kept)))
        st.caption(t("clip.generator.source", lang))
    with right:
        st.code(exhausted.source(), language="python", wrap_lines=True)


def _written(numbers: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in numbers)
