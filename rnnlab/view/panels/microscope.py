"""What lies under the microscope: a run, one of its checkpoints, a text; and the answers of that checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rnnlab.errors import CorpusError, RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view import live, shell
from rnnlab.view.facts import TextFacts
from rnnlab.view.i18n import duration, number, plain, t
from rnnlab.view.microscope import MAX_TEXT, Successors, passage
from rnnlab.view.panels import run_list
from rnnlab.view.wording import recipe_label, summary

STARTERS = ("A3", "B1")
"""Recipes that learn within seconds, of either language."""
VIEWS = ("next", "dependence", "states")
_EDITION = "inspect.edition"
_PROBLEM = "inspect.problem"
_RUNS = 100


@dataclass(frozen=True)
class Checkpoint:
    """Saved weights; `epoch` is None for the newest, where that lies within an epoch."""

    epoch: int | None
    stamp: tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """What is looked at."""

    record: RunRecord
    checkpoint: Checkpoint
    text: str
    facts: TextFacts | None


def choose() -> Subject | None:
    """Let the reader choose run, checkpoint and text; None where there is nothing to look at."""
    lang = shell.language()
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        shell.complain(problem)
    record = _run()
    if record is None:
        return None
    facts = _facts(record)
    checkpoint = _checkpoint(record)
    if record.live:
        st.caption(t("inspect.live", lang, epoch=record.epoch, total=record.num_epochs))
    text = _text(record, checkpoint, facts)
    return Subject(record, checkpoint, text, facts) if text else None


def choice(name: str, options: Sequence[str], label: str, words: dict[str, str], variant: str = "") -> str:
    """Let the reader choose one of `options`, and keep what was chosen in the URL under `name`.

    Args:
        variant: tells apart sets of options under one name; they are widgets of their own.
    """
    asked = st.query_params.get(name, "")
    chosen = str(
        st.segmented_control(
            label,
            options,
            default=asked if asked in options else options[0],
            key=shell.key(f"inspect.{name}.{variant}"),
            required=True,
            format_func=lambda one: words[one],
        )
    )
    shell.parameters(**{name: chosen if chosen != options[0] else None})
    return chosen


def layer(subject: Subject) -> int:
    """Let the reader choose a layer, where there is more than one."""
    lang = shell.language()
    count = subject.record.config.num_layers
    if count == 1:
        return 1
    words = {str(number): str(number) for number in range(1, count + 1)}
    return int(choice("layer", list(words), t("inspect.layer", lang), words, variant=str(count)))


def whole_number(name: str, low: int, high: int, default: int) -> int:
    """Return a whole number that the URL names, or `default` where it names none that is allowed."""
    asked = st.query_params.get(name, "")
    value = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else default
    return value if low <= value <= high else default


def answer(subject: Subject, layer: int) -> dict[str, Any] | None:
    """Return the answer of `Client.inspect`; what is wrong is said, and None returned."""
    try:
        with st.spinner(t("inspect.asking", shell.language()), show_time=False):
            return _inspected(
                subject.record.id, subject.checkpoint.stamp, subject.text, layer, subject.checkpoint.epoch
            )
    except RNNLabError as error:
        shell.complain(error)
        return None


def dependence(subject: Subject, position: int) -> dict[str, Any] | None:
    """Return the answer of `Client.dependence`; what is wrong is said, and None returned."""
    try:
        return _depended(subject.record.id, subject.checkpoint.stamp, subject.text, position, subject.checkpoint.epoch)
    except RNNLabError as error:
        shell.complain(error)
        return None


# the stamp is part of the key: the newest checkpoint is another one later
@st.cache_data(max_entries=200, show_spinner=False)
def _inspected(run_id: str, stamp: tuple[int, int], text: str, layer: int, epoch: int | None) -> dict[str, Any]:
    return shell.client().inspect(run_id, text, layer, epoch)


@st.cache_data(max_entries=2000, show_spinner=False)
def _depended(run_id: str, stamp: tuple[int, int], text: str, position: int, epoch: int | None) -> dict[str, Any]:
    return shell.client().dependence(run_id, text, position, epoch)


def successors(subject: Subject) -> Successors | None:
    """Return what followed what in the training text, counted once for all viewers; None where it is not at hand."""
    config, facts = subject.record.config, subject.facts
    return None if facts is None else _counted((config.corpus, config.preprocessing, config.num_chars), facts)


@st.cache_resource(max_entries=8, show_spinner=False)
def _counted(key: tuple[str, str, int], _facts: TextFacts) -> Successors:
    return Successors(_facts.train)


# the run


def _run() -> RunRecord | None:
    lang = shell.language()
    records = _with_weights()
    asked = st.query_params.get("run")
    if asked:
        try:
            record = shell.store().run(asked)
        except RunError as error:
            shell.complain(error)
        else:
            if record.continuable and record not in records:
                records.insert(0, record)
            elif record.live and not record.continuable:
                st.info(t("inspect.waiting", lang, id=plain(asked)), icon=":material/hourglass_empty:")
                return None
            elif not record.continuable:
                st.warning(t("inspect.no_weights", lang, id=plain(asked)), icon=":material/movie:")
    if not records:
        return None
    by_id = {one.id: one for one in records}
    key = f"{shell.key('inspect.run')}.{st.session_state.get(_EDITION, 0)}"
    chosen = st.selectbox(
        t("inspect.run", lang),
        list(by_id),
        list(by_id).index(asked) if asked in by_id else 0,
        key=key,
        format_func=lambda one: _run_label(by_id[one], lang) if one in by_id else one,
        on_change=_run_chosen,
        args=(key,),
    )
    record = by_id.get(str(chosen), records[0])
    shell.parameters(run=record.id)
    st.caption(summary(record.config, lang))
    return record


def _with_weights() -> list[RunRecord]:
    return [one for one in shell.store().runs(limit=500) if one.continuable][:_RUNS]


def _run_label(record: RunRecord, lang: str) -> str:
    return t(
        "inspect.run.option",
        lang,
        title=run_list.title(record),
        epoch=record.epoch,
        perplexity=number(record.perplexity) if record.epoch else "–",
        id=record.id,
    )


def _run_chosen(key: str) -> None:
    shell.parameters(run=st.session_state[key], epoch=None, at=None, layer=None, unit=None)


# the checkpoint


def _checkpoint(record: RunRecord) -> Checkpoint:
    lang = shell.language()
    rows = shell.store().checkpoints(record.id)
    kept: dict[int | None, tuple[int, int]] = {epoch: (epoch, 0) for epoch, minibatch, _ in rows if minibatch == 0}
    if rows[-1][1]:
        kept[None] = rows[-1][:2]
    options = list(kept)
    newest = options[-1]
    asked = st.query_params.get("epoch")
    epoch = int(asked) if asked and asked.isascii() and asked.isdigit() and len(asked) < 7 else newest
    if (asked and str(epoch) != asked) or epoch not in kept:
        allowed = t("list.join", lang).join(str(one) for one in options if one is not None)
        st.info(t("inspect.epoch.missing", lang, epoch=plain(str(asked)[:20]), allowed=allowed))
        epoch = newest
        shell.parameters(epoch=None)
    if len(options) == 1:
        st.caption(t("inspect.epoch.only", lang, epoch=kept[newest][0]))
        return Checkpoint(newest, kept[newest])
    # a new checkpoint brings a new slider: to move the old one is not safe while a refresh is on its way
    key = f"inspect.epoch.{record.id}.{kept[newest]}"
    places = list(range(len(options)))
    chosen = options[
        st.select_slider(
            t("inspect.epoch", lang),
            places,
            options.index(epoch),
            key=key,
            format_func=lambda place: t("inspect.newest", lang) if options[place] is None else str(options[place]),
            on_change=_epoch_chosen,
            args=(key, options),
            help=t("inspect.epoch.help", lang),
        )
    ]
    return Checkpoint(chosen, kept[chosen])


def _epoch_chosen(key: str, options: list[int | None]) -> None:
    place = int(st.session_state[key])
    shell.parameters(epoch=None if place == len(options) - 1 else str(options[place]))


# the text


def _facts(record: RunRecord) -> TextFacts | None:
    try:
        return shell.facts().of(record.config)
    except CorpusError:
        return None  # trained elsewhere, or the text has been removed


def _text(record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    lang = shell.language()
    asked = st.query_params.get("text")
    if asked is not None and len(asked) > MAX_TEXT:
        st.info(t("inspect.text.cut", lang, length=len(asked), allowed=MAX_TEXT))
    text = _filling("train", record, checkpoint, facts) if asked is None else asked[:MAX_TEXT]
    with st.container(horizontal=True, gap="small"):
        for name, icon in (("train", "menu_book"), ("written", "edit_note"), ("held_out", "visibility_off")):
            if (facts is None and name != "written") or (name == "held_out" and facts and not facts.held_out):
                continue
            st.button(
                t(f"inspect.fill.{name}", lang),
                key=f"inspect.fill.{name}",
                icon=f":material/{icon}:",
                help=t(f"inspect.fill.{name}.help", lang),
                on_click=_fill,
                args=(name, record, checkpoint, facts),
            )
    edition = st.session_state.get(_EDITION, 0)
    key = f"inspect.text.{record.id}.{edition}" if asked is None else f"inspect.text.{edition}"
    entered = st.text_input(
        t("inspect.text", lang),
        text,
        max_chars=MAX_TEXT,
        key=key,
        placeholder=t("inspect.text.placeholder", lang),
        on_change=_text_entered,
        args=(key,),
    )
    if not entered:
        st.info(t("inspect.text.empty", lang), icon=":material/keyboard:")
    return entered


def _text_entered(key: str) -> None:
    shell.parameters(text=st.session_state[key], at=None)


def _fill(name: str, record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> None:
    text = _filling(name, record, checkpoint, facts)
    if not text:
        st.session_state[_PROBLEM] = RunError("inspect_nothing_written", "This run has not written anything yet.")
        return
    shell.parameters(text=text, at=None)
    st.session_state[_EDITION] = st.session_state.get(_EDITION, 0) + 1


def _filling(name: str, record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    if name == "held_out" and facts is not None:
        return passage(facts.held_out, frozenset(facts.train))
    if name == "train" and facts is not None:
        return passage(facts.train)
    history = live.feed(record.id).scene(record, shell.language(), shell.theme()).history
    written = [epoch for epoch in history.written() if epoch <= checkpoint.stamp[0]]
    if not written:
        return "" if name == "written" else record.config.prefixes[0]
    return next(iter(history.texts[written[-1]].values()))[:MAX_TEXT]


# a run to look at, where there is none


def invite() -> None:
    """Offer to train a network, where none was trained yet with an explanation."""
    lang = shell.language()
    if not _with_weights():
        st.subheader(t("inspect.invite.title", lang), anchor=False)
        st.markdown(t("inspect.invite", lang))
        _starters()
        return
    with st.expander(t("inspect.invite.more", lang), icon=":material/add:"):
        _starters()


def _starters() -> None:
    lang = shell.language()
    for name in STARTERS:
        recipe = RECIPES[name]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                t("inspect.start", lang, title=recipe_label(recipe, lang)),
                key=f"inspect.start.{name}",
                icon=":material/play_arrow:",
                type="primary" if name == STARTERS[0] else "secondary",
                on_click=_start,
                args=(name,),
            )
            try:
                seconds = shell.client().seconds_per_epoch(recipe.config)
            except RNNLabError:
                seconds = None
            if seconds is not None:
                takes = duration(seconds * recipe.config.num_epochs, lang)
                st.caption(t("inspect.start.takes", lang, duration=takes), width="content")


def _start(name: str) -> None:
    try:
        run_id = shell.client().create(RECIPES[name].config, name=name, language=shell.language())
    except RNNLabError as error:
        st.session_state[_PROBLEM] = error
        return
    shell.parameters(run=run_id, epoch=None, text=None, at=None, layer=None, unit=None)
    st.session_state[_EDITION] = st.session_state.get(_EDITION, 0) + 1


def watch() -> None:
    """While the run that the URL names trains, look for a new checkpoint, and run the page again when it is there."""
    run_id = st.query_params.get("run")
    record = _found(run_id)
    if record is None or not record.live:
        return
    before = _newest(record.id)

    def look() -> None:
        now = _found(run_id)
        if now is None or not now.live or _newest(now.id) != before:
            st.rerun()

    st.fragment(run_every=live.TICK)(look)()


def _found(run_id: str | None) -> RunRecord | None:
    try:
        return shell.store().run(run_id) if run_id else None
    except RunError:
        return None


def _newest(run_id: str) -> tuple[int, int] | None:
    rows = shell.store().checkpoints(run_id)
    return rows[-1][:2] if rows else None
