"""Both directions: the reported against an honest perplexity, the positions that see the answer, and the loops."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis
from rnnlab.view.data.highlight import highlighted, literal
from rnnlab.view.diagnose import charts, cloze, sentences, starting, tables
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.page import asking, chart


def draw(examined: ExaminedRun) -> None:
    """Draw the topic."""
    scene, lang = examined.scene, examined.scene.lang
    answer = examined.diagnose()
    st.header(t("leak.perplexity", lang), anchor=False)
    if examined.config.objective == "cloze":
        st.info(t("leak.cloze", lang), icon=":material/info:")
    if answer is None:
        starting.nothing_to_ask(examined)
    elif answer.value is None:
        asking.explain(answer, f"leak.{examined.identity}.{examined.epoch}", 240)
    else:
        _perplexities(answer.value, examined.config, lang)
        if note := sentences.fixed_weights(scene.history, examined.epoch, answer.value, lang):
            st.caption(note)
        _positions(answer.value, examined.config, lang, scene.theme)
    _loops(examined, answer.value if answer else None)
    st.divider()
    cloze.draw(examined)


def _perplexities(diagnosis: Diagnosis, config: TrainConfig, lang: str) -> None:
    sentence = sentences.leak(diagnosis, config, lang)
    reads = sentences.reads_the_answer(diagnosis, config)
    badge = f":red-badge[:material/visibility: {t('leak.badge', lang)}] " if reads else ""
    st.markdown(f"{badge}{sentence}")
    ahead = config.sees_the_answer
    with st.grid(3, min_column_width=150, gap="small"):
        ratio = diagnosis.leak_ratio
        st.metric(t("leak.reported", lang), number(diagnosis.perplexity, 5), help=t("leak.reported.help", lang))
        st.metric(t("leak.honest", lang), number(diagnosis.honest_perplexity, 5), help=t("leak.honest.help", lang))
        st.metric(t("leak.ratio", lang), number(ratio, 3), help=t("leak.ratio.help", lang) if ahead else None)
    if ahead:
        st.latex(r"p(x_{t+1}\mid x_1,\dots,x_t,\;\underbrace{x_{t+1},\dots,x_T}_{\overleftarrow{H}_t})")
        st.caption(t("leak.why", lang))


def _positions(diagnosis: Diagnosis, config: TrainConfig, lang: str, theme: str) -> None:
    st.header(t("leak.positions", lang), anchor=False)
    sentence = sentences.position(diagnosis, config, lang)
    left, right = st.columns([3, 2], gap="large")
    with left:
        chart.show(
            charts.positions(lang, theme), tables.position_table(diagnosis), key="diagnose.positions", alt=sentence
        )
    with right:
        st.markdown(sentence)
        st.caption(t("leak.positions.why" if config.sees_the_answer else "leak.positions.orange", lang))


def _loops(examined: ExaminedRun, diagnosis: Diagnosis | None) -> None:
    lang = examined.scene.lang
    st.header(t("leak.loops", lang), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        texts = examined.texts
        for prefix, text in texts.items():
            with st.container(border=True):
                st.html(highlighted(text, prefix, lang=lang))
        st.markdown(sentences.loops(texts, lang))
        why = sentences.why_loops(diagnosis, examined.config, texts, lang)
        if why:
            st.caption(why)
    with right:
        st.markdown(f"**{t('leak.end', lang)}**")
        st.markdown(sentences.wrong_end(examined.config, lang))
        if sentences.carries_to_the_wrong_end(examined.config):
            _windows(examined)


def _windows(examined: ExaminedRun) -> None:
    """Draw two windows of the training text, to show from which state the backward direction begins the second."""
    scene, lang, steps = examined.scene, examined.scene.lang, examined.config.num_steps
    if scene.text is None or len(scene.text.train) < 2 * steps + 1:
        return
    first, second = scene.text.train[:steps], scene.text.train[steps : 2 * steps]
    after = scene.text.train[2 * steps]
    st.html(
        f'<p style="margin:0;font-size:.85rem;opacity:.75">{t("leak.window", lang, number=1)}</p>'
        f"{highlighted(_ends(first), '', lang=lang)}"
        f'<p style="margin:0;font-size:.85rem;opacity:.75">{t("leak.window", lang, number=2)}</p>'
        f"{highlighted(_ends(second), '', lang=lang)}"
    )
    st.caption(
        t(
            "leak.window.note",
            lang,
            read=literal(first[0]),
            needed=literal(after),
            last=literal(second[-1]),
        )
    )


def _ends(text: str) -> str:
    """Return a window, without its middle if it is long."""
    return text if len(text) <= 24 else f"{text[:10]} … {text[-10:]}"
