"""The purpose of both directions: filling a gap, compared with a network that reads one direction."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.recordings.extras import GAPS, NUM_GAPS
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.highlight import literal, visible
from rnnlab.view.diagnose import charts, gap, sentences, starting, subject, tables
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import percent
from rnnlab.view.page import asking, chart, estimate, names, session
from rnnlab.view.page.forms import Edition

_FORM = Edition("cloze")
_SENTENCE = "cloze.sentence"  # the initial text of the field, and the right answer if known


def draw(examined: ExaminedRun) -> None:
    """Draw the two networks, the shares of gaps they fill, and a field to try a sentence."""
    lang = examined.scene.lang
    st.header(t("cloze.title", lang), anchor=False)
    left, right = st.columns([3, 2], gap="large")
    left.markdown(t("cloze.lead", lang))
    right.latex(r"p(x_t\mid \overrightarrow{H}_{t-1},\,\overleftarrow{H}_{t+1})")
    # on the text of the examined run, so that all networks have the same task
    configs = {name: _config(name, examined.config) for name in GAPS if name in RECIPES}
    runs = {name: _run(config) for name, config in configs.items()}
    missing = {name: configs[name] for name, run in runs.items() if run is None}
    taped = _taped(missing)
    if missing:
        _offer(missing, set(taped) == set(missing), lang)
    here = {name: run for name, run in runs.items() if run is not None}
    for run in here.values():
        asking.follow(run)
        if run.live:
            text = t("cloze.training", lang, name=plain(names.label(run)), epoch=run.epoch, total=run.num_epochs)
            st.progress(run.epoch / max(run.num_epochs, 1), text=text)
    able = {name: run for name, run in here.items() if _epoch(run) is not None}
    _accuracy(able, taped, lang)
    if able:
        _play(able, examined, lang)
    elif taped:
        _recorded_play(taped, examined, lang)


def _config(name: str, like: TrainConfig) -> TrainConfig:
    recipe = RECIPES[name]
    text = ("corpus", "preprocessing", "num_chars", "prefixes")
    same = {field: getattr(like, field) for field in text}
    # the networks have the size of the examined run
    small = {"num_hiddens", "num_steps", "batch_size", "num_epochs", "pred_period", "num_preds"}
    if like != RECIPES["A10"].config.change(**same) and like.num_hiddens < recipe.config.num_hiddens:
        same |= {field: getattr(like, field) for field in small}
    return recipe.config.change(**same)


def _run(config: TrainConfig) -> RunRecord | None:
    return subject.find(config)


def _epoch(run: RunRecord) -> int | None:
    kept = [epoch for epoch, minibatch, _ in session.store().checkpoints(run.id) if minibatch == 0 and epoch]
    return kept[-1] if kept else None


def _taped(missing: Mapping[str, TrainConfig]) -> dict[str, dict[str, Any]]:
    """Return the recorded answers of the networks that are missing, if they were given on the same text."""
    answers = recorded.answers().get("gaps", {})
    return {
        name: answers[name]
        for name, config in missing.items()
        if name in answers and TrainConfig().change(**answers[name]["config"]) == config
    }


def _offer(missing: dict[str, TrainConfig], is_recorded: bool, lang: str) -> None:
    if is_recorded:
        st.caption(f":violet-badge[:material/movie: {t('state.recorded', lang)}] {t('cloze.recorded', lang)}")
    else:
        st.info(t("cloze.missing", lang, names=t("list.join", lang).join(missing)), icon=":material/info:")
    with starting.row():
        starting.start_button(t("cloze.start", lang), missing, "cloze.start", primary=not is_recorded)
        estimate.note(*missing.values(), width="content")


def _accuracy(able: dict[str, RunRecord], taped: Mapping[str, dict[str, Any]], lang: str) -> None:
    client = session.client()
    answers = {name: asking.Answer(value=tape["gaps"]) for name, tape in taped.items()}
    for name, run in able.items():
        epoch = _epoch(run)
        assert epoch is not None
        key = ("gaps", run.id, epoch, subject.stamp(run.id, epoch), NUM_GAPS)
        answers[name] = asking.ask(
            key,
            lambda run=run, epoch=epoch: client.gaps(run.id, NUM_GAPS, epoch),  # type: ignore[misc]
            run.config.corpus,
        )
    rows = []
    for name in (name for name in GAPS if name in answers):
        answer = answers[name]
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
                t("chart.epoch", lang): str(taped[name]["epoch"] if name in taped else _epoch(able[name])),
            }
        )
    if not rows:
        return
    alt = "; ".join(", ".join(f"{name}: {value}" for name, value in row.items()) for row in rows)
    st.table(rows, border="horizontal", hide_index=True, alt=alt)
    both, alone = (answers[name].value if name in answers else None for name in GAPS)
    if both and alone:
        for part, held_out in (("train", False), ("held_out", True)):
            if both[part] and alone[part]:
                st.markdown(sentences.gaps(both[part], alone[part], held_out, lang))
    st.caption(t("cloze.accuracy.note", lang, count=NUM_GAPS))


def _share(part: dict[str, Any] | None) -> str:
    return percent(part["accuracy"]) if part else "–"


# the reader's sentence


def _play(able: dict[str, RunRecord], examined: ExaminedRun, lang: str) -> None:
    st.markdown(f"**{t('cloze.play', lang)}**")
    sentence, answer = st.session_state.get(_SENTENCE) or (_example(examined), "")
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
            args=(examined,),
            help=t("cloze.pick.help", lang),
            disabled=examined.scene.text is None,
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
    proposed = set()
    for column, (name, run) in zip(st.columns(2, gap="large"), able.items(), strict=False):
        with column:
            st.markdown(f"**{t(f'cloze.{name}', lang)}**")
            epoch = _epoch(run)
            assert epoch is not None
            key = ("fill_gap", run.id, epoch, subject.stamp(run.id, epoch), before, after)
            filled = asking.ask(
                key,
                lambda run=run, epoch=epoch: client.fill_gap(run.id, before, after, epoch),  # type: ignore[misc]
                run.config.corpus,
            )
            if filled.value is None:
                asking.explain(filled, f"fill.{run.id}.{_FORM.number}", 150)
                continue
            _choices(name, filled.value, answer, examined, lang)
            proposed |= {character for character, _ in filled.value["top"]}
    if answer:
        _say_answer(answer, proposed, lang)


def _choices(name: str, filled: Mapping[str, Any], answer: str, examined: ExaminedRun, lang: str) -> None:
    """Draw the most probable characters of a network in a gap; `answer` is ticked."""
    top = filled["top"]
    best, probability = top[0]
    chart.show(
        charts.choices(lang, examined.scene.theme),
        tables.choice_table(top, answer),
        key=f"cloze.choices.{name}",
        alt=t("cloze.says", lang, character=visible(str(best)), share=percent(float(probability))),
    )
    st.caption(t("cloze.sees_both" if filled["sees_after"] else "cloze.sees_before", lang))


def _recorded_play(taped: Mapping[str, dict[str, Any]], examined: ExaminedRun, lang: str) -> None:
    """Draw the choice of a sentence that was recorded, and what the networks filled in."""
    st.markdown(f"**{t('cloze.play', lang)}**")
    written = [f"{entry['before']}{gap.MARKS[0]}{entry['after']}" for entry in next(iter(taped.values()))["sentences"]]
    number = st.selectbox(
        t("cloze.recorded.sentence", lang),
        range(len(written)),
        telling([taped[name]["sentences"] for name in GAPS if name in taped]),
        key=session.key(_FORM.key("recorded")),
        format_func=lambda number: written[number],
        width=460,
    )
    answer, proposed = "", set()
    for column, name in zip(st.columns(2, gap="large"), (name for name in GAPS if name in taped), strict=False):
        entry = taped[name]["sentences"][number]
        answer = entry["answer"]
        with column:
            st.markdown(f"**{t(f'cloze.{name}', lang)}**")
            _choices(name, entry, answer, examined, lang)
            proposed |= {character for character, _ in entry["top"]}
    _say_answer(answer, proposed, lang)


def telling(answers: Sequence[Sequence[Mapping[str, Any]]]) -> int:
    """Return the number of the first sentence that shows what both directions are good for.

    That is one whose gap the first network fills and the others do not; if there is none, the first sentence.

    Args:
        answers: for each network, in the order of `GAPS`, what it filled into each sentence.
    """
    for number, entries in enumerate(zip(*answers, strict=False)):
        right = [entry["top"][0][0] == entry["answer"] for entry in entries]
        if right[0] and not any(right[1:]):
            return number
    return 0


def _say_answer(answer: str, proposed: Collection[str], lang: str) -> None:
    key = "cloze.answer" if answer in proposed else "cloze.answer.missed"
    st.caption(t(key, lang, character=literal(answer)))


def _example(examined: ExaminedRun) -> str:
    text = examined.scene.text
    if text is None:
        return ""
    source = _source(text)
    piece = examined.scene.shelf.get(
        "cloze.example", lambda: gap.find(source, set(text.train), range(2 * gap.REACH, len(source)))
    )
    return piece[0] if piece else ""


def _source(text: TextFacts) -> str:
    """Return the held-out text, or the training text if the held-out text is short."""
    return text.held_out if len(text.held_out) > 200 else text.train


def _pick(examined: ExaminedRun) -> None:
    text = examined.scene.text
    if text is None:
        return
    source = _source(text)
    places = (random.randrange(gap.REACH, len(source) - gap.REACH) for _ in range(2000))
    piece = gap.find(source, set(text.train), places)
    if piece is not None:
        st.session_state[_SENTENCE] = piece
        _FORM.renew()
