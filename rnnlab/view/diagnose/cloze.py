"""What both directions are for: filling a gap, measured and played against a network that reads one way."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.highlight import literal
from rnnlab.view.diagnose import charts, gap, sentences, starting, subject, tables
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import percent
from rnnlab.view.page import asking, chart, estimate, names, session
from rnnlab.view.page.forms import Edition

GAPS = 400
"""Gaps on which two networks are measured."""
NETWORKS = ("A10-cloze", "A10-one-way")
_FORM = Edition("cloze")
_SENTENCE = "cloze.sentence"  # what the text field began with, and the right answer where it is known


def draw(one: Subject) -> None:
    """Show the two networks, how often each fills a gap, and let the reader try one."""
    lang = one.scene.lang
    st.subheader(t("cloze.title", lang), anchor=False)
    left, right = st.columns([3, 2], gap="large")
    left.markdown(t("cloze.lead", lang))
    right.latex(r"p(x_t\mid \overrightarrow{H}_{t-1},\,\overleftarrow{H}_{t+1})")
    # on the text of the run above, so that all of them are asked about the same
    configs = {name: _config(name, one.config) for name in NETWORKS if name in RECIPES}
    runs = {name: _run(config) for name, config in configs.items()}
    missing = {name: configs[name] for name, run in runs.items() if run is None}
    if missing:
        _offer(missing, lang)
    here = {name: run for name, run in runs.items() if run is not None}
    for run in here.values():
        asking.follow(run)
        if run.live:
            text = t("cloze.training", lang, name=plain(names.label(run)), epoch=run.epoch, total=run.num_epochs)
            st.progress(run.epoch / max(run.num_epochs, 1), text=text)
    able = {name: run for name, run in here.items() if _epoch(run) is not None}
    if not able:
        return
    _accuracy(able, lang)
    _play(able, one, lang)


def _config(name: str, like: TrainConfig) -> TrainConfig:
    recipe = RECIPES[name]
    text = ("corpus", "preprocessing", "num_chars", "prefixes")
    same = {field: getattr(like, field) for field in text}
    # a small network beside a small one
    small = {"num_hiddens", "num_steps", "batch_size", "num_epochs", "pred_period", "num_preds"}
    if like != RECIPES["A10"].config.change(**same) and like.num_hiddens < recipe.config.num_hiddens:
        same |= {field: getattr(like, field) for field in small}
    return recipe.config.change(**same)


def _run(config: TrainConfig) -> RunRecord | None:
    return subject.find(config)


def _epoch(run: RunRecord) -> int | None:
    kept = [epoch for epoch, minibatch, _ in session.store().checkpoints(run.id) if minibatch == 0 and epoch]
    return kept[-1] if kept else None


def _offer(missing: dict[str, TrainConfig], lang: str) -> None:
    st.info(t("cloze.missing", lang, names=t("list.join", lang).join(missing)), icon=":material/info:")
    starting.start_button(t("cloze.start", lang), missing, "cloze.start", primary=True)
    estimate.note(*missing.values())


def _accuracy(able: dict[str, RunRecord], lang: str) -> None:
    client = session.client()
    answers = {}
    for name, run in able.items():
        epoch = _epoch(run)
        assert epoch is not None
        key = ("gaps", run.id, epoch, subject.stamp(run.id, epoch), GAPS)
        answers[name] = asking.ask(key, lambda run=run, epoch=epoch: client.gaps(run.id, GAPS, epoch))  # type: ignore[misc]
    rows = []
    for name, answer in answers.items():
        if answer.value is None:
            asking.explain(answer, f"gaps.{able[name].id}", 80)
            continue
        train, held = answer.value["train"], answer.value["held_out"]
        rows.append(
            {
                t("cloze.network", lang): t(f"cloze.{name}", lang),
                t("cloze.train", lang): _share(train),
                t("cloze.held_out", lang): _share(held),
                t("cloze.held_out5", lang): percent(held["top5"]) if held else "–",
                t("chart.epoch", lang): str(_epoch(able[name])),
            }
        )
    if not rows:
        return
    alt = "; ".join(", ".join(f"{name}: {value}" for name, value in row.items()) for row in rows)
    st.table(rows, border="horizontal", hide_index=True, alt=alt)
    both, alone = (answers[name].value if name in answers else None for name in ("A10-cloze", "A10-one-way"))
    if both and alone:
        for part, held_out in (("train", False), ("held_out", True)):
            if both[part] and alone[part]:
                st.markdown(sentences.gaps(both[part], alone[part], held_out, lang))
    st.caption(t("cloze.accuracy.note", lang, count=GAPS))


def _share(part: dict[str, Any] | None) -> str:
    return percent(part["accuracy"]) if part else "–"


# one's own sentence


def _play(able: dict[str, RunRecord], one: Subject, lang: str) -> None:
    st.markdown(f"**{t('cloze.play', lang)}**")
    sentence, answer = st.session_state.get(_SENTENCE) or (_example(one), "")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = st.text_input(
            t("cloze.sentence", lang),
            sentence,
            key=session.key(_FORM.key("typed")),
            max_chars=MAX_TEXT,
            placeholder=t("cloze.placeholder", lang),
            width=460,
        )
        st.button(
            t("cloze.pick", lang),
            icon=":material/casino:",
            key="cloze.pick",
            on_click=_pick,
            args=(one,),
            help=t("cloze.pick.help", lang),
            disabled=one.scene.text is None,
        )
    if not typed:
        st.caption(t("cloze.how", lang))
        return
    try:
        before, after = gap.split(typed)
    except RNNLabError as error:
        session.show_error(error)
        return
    answer = answer if typed == sentence else ""
    client = session.client()
    for column, (name, run) in zip(st.columns(2, gap="large"), able.items(), strict=False):
        with column:
            st.markdown(f"**{t(f'cloze.{name}', lang)}**")
            epoch = _epoch(run)
            assert epoch is not None
            key = ("fill_gap", run.id, epoch, subject.stamp(run.id, epoch), before, after)
            found = asking.ask(
                key, lambda run=run, epoch=epoch: client.fill_gap(run.id, before, after, epoch)  # type: ignore[misc]
            )  # fmt: skip
            if found.value is None:
                asking.explain(found, f"fill.{run.id}.{_FORM.number}", 150)
                continue
            top = found.value["top"]
            best, probability = top[0]
            said = t(
                "cloze.says", lang, character=literal(str(best)), share=percent(float(probability))
            )  # fmt: skip
            chart.show(
                charts.choices(lang, one.scene.theme),
                tables.choice_table(top, answer),
                key=f"cloze.choices.{name}",
                alt=said,
            )
            st.caption(t("cloze.sees_both" if found.value["sees_after"] else "cloze.sees_before", lang))
    if answer:
        st.caption(t("cloze.answer", lang, character=literal(answer)))


def _example(one: Subject) -> str:
    text = one.scene.text
    if text is None:
        return ""
    source = _source(text)
    found = one.scene.shelf.get(
        "cloze.example", lambda: gap.find(source, set(text.train), range(2 * gap.REACH, len(source)))
    )
    return found[0] if found else ""


def _source(text: TextFacts) -> str:
    """Return the held-out text, or where there is little of it the training text."""
    return text.held_out if len(text.held_out) > 200 else text.train


def _pick(one: Subject) -> None:
    text = one.scene.text
    if text is None:
        return
    source = _source(text)
    places = (random.randrange(gap.REACH, len(source) - gap.REACH) for _ in range(2000))
    found = gap.find(source, set(text.train), places)
    if found is not None:
        st.session_state[_SENTENCE] = found
        _FORM.renew()
