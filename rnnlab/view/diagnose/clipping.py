"""Clipping that does nothing: a run as published against its twin whose clipping works."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.diagnose import charts, exhausted, sentences, starting, subject
from rnnlab.view.diagnose import tables as diagnose_tables
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import phrase
from rnnlab.view.page import chart, estimate

THETA = 0.01
"""The threshold that the published code names."""


def draw(one: Subject) -> None:
    """Show the whole topic."""
    lang = one.scene.lang
    st.subheader(t("clip.pair", lang), anchor=False)
    pair = _pair(one)
    _curves(one, pair)
    _norms(one, pair)
    _generator(lang)


def _pair(one: Subject) -> list[tuple[str, Subject]]:
    """Say what the clipping changed, or offer to train the twin; return the runs at hand with their names."""
    lang = one.scene.lang
    if one.changed_by_hand:  # perhaps its clipping: no run is the same but for that
        st.info(t("clip.changed", lang), icon=":material/info:")
        return [(one.name, one)]
    twin = _twin(one)
    off, on = (one, twin) if one.config.clip_norm is None else (twin, one)
    if twin is None:
        _offer(one)
    if off is not None and on is not None:
        st.markdown(sentences.switch(off.scene.history, on.scene.history, one.unigram(), lang))
        st.caption(t("clip.seeds", lang))
    return [*_named(off, "clip.off", lang), *_named(on, "clip.on", lang)]


def theta_of(one: Subject) -> float:
    """Return the threshold that the switch is about."""
    return one.config.clip_norm or THETA


def _other(config: TrainConfig) -> TrainConfig:
    return config.change(clip_norm=THETA if config.clip_norm is None else None)


def _twin(one: Subject) -> Subject | None:
    """Return the same run with the clipping the other way, recorded or of this server."""
    other = _other(one.config)
    run = subject.find(other)
    if run is not None:
        return subject.of_run(run)
    for name in recorded.names():
        tape = recorded.recording(name)
        if tape.config == other:
            return subject.of_recording(tape)
    return None


def _offer(one: Subject) -> None:
    lang, other = one.scene.lang, _other(one.config)
    word = phrase("clip_norm", other, lang)
    st.info(t("clip.missing", lang, setting=word), icon=":material/info:")
    base = starting.base_recipe(one)
    repaired = f"{base}-repaired" if other.clip_norm is not None else base.removesuffix("-repaired")
    starting.start_button(
        t("clip.start", lang, setting=word), {repaired if repaired in RECIPES else base: other}, "clip.start"
    )
    estimate.note(other)


def _named(one: Subject | None, key: str, lang: str) -> list[tuple[str, Subject]]:
    return [] if one is None else [(f"{t(key, lang)} ({one.name})", one)]


def _curves(one: Subject, pair: list[tuple[str, Subject]]) -> None:
    scene, lang = one.scene, one.scene.lang
    unigram = one.unigram()
    label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
    said = t("list.join", lang).join(
        f"{name}: {number(member.scene.history.last.perplexity, 5)}"
        for name, member in pair
        if member.scene.history.last
    )
    tables = diagnose_tables.line_tables(
        [diagnose_tables.perplexities(name, member.scene.history, 10.0 * scene.vocab_size) for name, member in pair],
        [(unigram, label)],
    )
    chart.show(charts.lines("perplexity", lang, scene.theme, 300), tables, key="diagnose.clip.curves", alt=said)


def _norms(one: Subject, pair: list[tuple[str, Subject]]) -> None:
    scene, lang, theta = one.scene, one.scene.lang, theta_of(one)
    said = {name: sentences.clipping(member.scene.history, theta, lang) for name, member in pair}
    st.subheader(t("clip.norms", lang), anchor=False)
    st.latex(r"\mathbf g \leftarrow \min\!\left(1,\frac{\theta}{\lVert\mathbf g\rVert}\right)\mathbf g")
    st.caption(t("clip.norms.why", lang))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        tables = diagnose_tables.line_tables(
            [diagnose_tables.grad_norms(name, member.scene.history) for name, member in pair],
            [(theta, f"θ = {number(theta, 3)}")],
        )
        spec = charts.lines("grad_norm", lang, scene.theme)
        chart.show(spec, tables, key="diagnose.clip.norms", alt=" ".join(said.values()))
    with right:
        tables = diagnose_tables.line_tables(
            [diagnose_tables.clipped_shares(name, member.scene.history) for name, member in pair]
        )  # fmt: skip
        spec = charts.lines("clipped", lang, scene.theme)
        chart.show(spec, tables, key="diagnose.clip.share", alt=" ".join(said.values()))
    for name, sentence in said.items():
        st.markdown(f"**{plain(name)}** · {sentence}")


def _generator(lang: str) -> None:
    st.subheader(t("clip.generator", lang), anchor=False)
    left, right = st.columns(2, gap="large")
    passed_on, kept = exhausted.demonstrate()
    with left:
        st.markdown(t("clip.generator.why", lang))
        st.markdown(t("clip.generator.result", lang, generator=_written(passed_on), list=_written(kept)))
        st.caption(t("clip.generator.source", lang))
    with right:
        st.code(exhausted.source(), language="python", wrap_lines=True)


def _written(numbers: list[float]) -> str:
    return ", ".join(f"{one:g}" for one in numbers)
