"""Both directions: the reported perplexity against an honest one, where in the window the answer shows, the loops."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis
from rnnlab.view.data.highlight import highlighted, literal
from rnnlab.view.diagnose import charts, cloze, sentences, starting, tables
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.page import asking, chart


def draw(one: Subject) -> None:
    """Show the whole topic."""
    scene, lang = one.scene, one.scene.lang
    answer = one.diagnose()
    st.subheader(t("leak.perplexity", lang), anchor=False)
    if one.config.objective == "cloze":
        st.info(t("leak.cloze", lang), icon=":material/info:")
    if answer is None:
        starting.nothing_to_ask(one)
    elif answer.value is None:
        asking.explain(answer, f"leak.{one.identity}.{one.epoch}", 240)
    else:
        _perplexities(answer.value, one.config, lang)
        _positions(answer.value, one.config, lang, scene.theme)
    _loops(one, answer.value if answer else None)
    st.divider()
    cloze.draw(one)


def _perplexities(found: Diagnosis, config: TrainConfig, lang: str) -> None:
    said = sentences.leak(found, config, lang)
    reads = sentences.reads_the_answer(found, config)
    badge = f":red-badge[:material/visibility: {t('leak.badge', lang)}] " if reads else ""
    st.markdown(f"{badge}{said}")
    ahead = sentences.sees_ahead(config)
    with st.grid(3, min_column_width=150, gap="small"):
        ratio = found.leak_ratio
        st.metric(t("leak.reported", lang), number(found.perplexity, 5), help=t("leak.reported.help", lang))
        st.metric(t("leak.honest", lang), number(found.honest_perplexity, 5), help=t("leak.honest.help", lang))
        st.metric(t("leak.ratio", lang), number(ratio, 3), help=t("leak.ratio.help", lang) if ahead else None)
    if ahead:
        st.latex(r"p(x_{t+1}\mid x_1,\dots,x_t,\;\underbrace{x_{t+1},\dots,x_T}_{\overleftarrow{H}_t})")
        st.caption(t("leak.why", lang))


def _positions(found: Diagnosis, config: TrainConfig, lang: str, theme: str) -> None:
    st.subheader(t("leak.positions", lang), anchor=False)
    said = sentences.position(found, config, lang)
    left, right = st.columns([3, 2], gap="large")
    with left:
        chart.show(charts.positions(lang, theme), tables.position_table(found), key="diagnose.positions", alt=said)
    with right:
        st.markdown(said)
        st.caption(t("leak.positions.why" if sentences.sees_ahead(config) else "leak.positions.orange", lang))


def _loops(one: Subject, found: Diagnosis | None) -> None:
    lang = one.scene.lang
    st.subheader(t("leak.loops", lang), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        texts = one.texts
        for prefix, text in texts.items():
            with st.container(border=True):
                st.html(highlighted(text, prefix, lang=lang))
        st.markdown(sentences.loops(texts, lang))
        why = sentences.why_loops(found, one.config, texts, lang)
        if why:
            st.caption(why)
    with right:
        st.markdown(f"**{t('leak.end', lang)}**")
        st.markdown(sentences.wrong_end(one.config, lang))
        if sentences.carries_to_the_wrong_end(one.config):
            _windows(one)


def _windows(one: Subject) -> None:
    """Show on two windows of the training text whose state the backward half begins the second one with."""
    scene, lang, steps = one.scene, one.scene.lang, one.config.num_steps
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
    """Return a window, its middle left out where it is long."""
    return text if len(text) <= 24 else f"{text[:10]} … {text[-10:]}"
