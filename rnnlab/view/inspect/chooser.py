"""The choice of a run, a checkpoint and a text; the URL keeps all three."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import CorpusError, RunError
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.measures import passage
from rnnlab.view.inspect.subject import FORM, PROBLEMS, Checkpoint, InspectedText
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import summary
from rnnlab.view.page import address, names, session
from rnnlab.view.watch import scenes

_RUNS = 100


def choose() -> InspectedText | None:
    """Draw the choice of run, checkpoint and text; return None if there is nothing to inspect."""
    lang = session.language()
    address.once("inspect", FORM.renew)
    PROBLEMS.show()
    left, right = st.columns([3, 2], gap="large")
    with left:
        record = _run()
    if record is None:
        return None
    facts = _facts(record)
    with right:
        checkpoint = _checkpoint(record)
    if record.live:
        st.caption(t("inspect.live", lang, epoch=record.epoch, total=record.num_epochs))
    text = _text(record, checkpoint, facts)
    return InspectedText(record, checkpoint, text, facts) if text else None


# the run


def _run() -> RunRecord | None:
    lang = session.language()
    records = with_weights()
    asked = ADDRESS.get("run")
    if asked:
        record = session.store().run(asked)
        if record.continuable and record not in records:
            records.insert(0, record)
        elif record.live and not record.continuable:
            st.info(t("inspect.waiting", lang, id=plain(asked)), icon=":material/hourglass_empty:")
            return None
        elif not record.continuable:
            st.warning(t("inspect.no_weights", lang, id=plain(asked)), icon=":material/movie:")
    if not records:
        return None
    by_id = {record.id: record for record in records}
    labels = {record.id: _option(record, lang) for record in records}
    key = session.key(FORM.key("run"))
    chosen = st.selectbox(
        t("inspect.run", lang),
        list(by_id),
        list(by_id).index(asked) if asked in by_id else 0,
        key=key,
        format_func=lambda run_id: labels.get(run_id, run_id),
        on_change=_run_chosen,
        args=(key,),
    )
    record = by_id.get(str(chosen), records[0])
    ADDRESS.write(run=record.id)
    st.caption(summary(record.config, lang))
    return record


def with_weights() -> list[RunRecord]:
    """Return the newest runs that have a checkpoint."""
    return [record for record in session.store().runs(limit=500) if record.continuable][:_RUNS]


def _option(record: RunRecord, lang: str) -> str:
    return t(
        "inspect.run.option",
        lang,
        title=names.title(record),
        epoch=record.epoch,
        perplexity=number(record.perplexity) if record.epoch else "–",
        id=record.id,
    )


def _run_chosen(key: str) -> None:
    ADDRESS.write(run=st.session_state[key], epoch=None, at=None, layer=None, unit=None)


# the checkpoint


def _checkpoint(record: RunRecord) -> Checkpoint:
    lang = session.language()
    rows = session.store().checkpoints(record.id)
    stamps: dict[int | None, tuple[int, int]] = {epoch: (epoch, 0) for epoch, minibatch, _ in rows if minibatch == 0}
    if rows[-1][1]:
        stamps[None] = rows[-1][:2]
    options = list(stamps)
    newest = options[-1]
    asked = ADDRESS.get("epoch")
    epoch = next((option for option in options if option is not None and str(option) == asked), newest)
    if asked and str(epoch) != asked:
        allowed = t("list.join", lang).join(str(option) for option in options if option is not None)
        st.info(t("inspect.epoch.missing", lang, epoch=plain(asked[:20]), allowed=allowed))
        ADDRESS.write(epoch=None)
    if len(options) == 1:
        st.caption(t("inspect.epoch.only", lang, epoch=stamps[newest][0]))
        return Checkpoint(newest, stamps[newest])
    # a new checkpoint gets a new slider, because moving the old one during a refresh is not safe
    key = FORM.key(f"epoch.{record.id}.{stamps[newest]}")
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
    return Checkpoint(chosen, stamps[chosen])


def _epoch_chosen(key: str, options: list[int | None]) -> None:
    place = int(st.session_state[key])
    ADDRESS.write(epoch=None if place == len(options) - 1 else str(options[place]))


# the text


def _facts(record: RunRecord) -> TextFacts | None:
    try:
        return session.facts().of(record.config)
    except CorpusError:
        return None  # trained elsewhere, or the text was removed


def _text(record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    lang = session.language()
    is_asked, asked = ADDRESS.given("text"), ADDRESS.get("text")
    if len(asked) > MAX_TEXT:
        st.info(t("inspect.text.cut", lang, length=len(asked), allowed=MAX_TEXT))
    text = asked[:MAX_TEXT] if is_asked else _filling("train", record, checkpoint, facts)
    with st.container(horizontal=True, gap="small"):
        for name, icon in (("train", "menu_book"), ("written", "edit_note"), ("held_out", "visibility_off")):
            if (facts is None and name != "written") or (name == "held_out" and facts and not facts.held_out):
                continue
            st.button(
                t(f"inspect.fill.{name}", lang),
                key=f"inspect.fill.{name}",
                icon=f":material/{icon}:",
                help=t(f"inspect.fill.{name}.help", lang),
                on_click=PROBLEMS.guard,
                args=(_fill, name, record, checkpoint, facts),
            )
    key = FORM.key("text" if is_asked else f"text.{record.id}")
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
    ADDRESS.write(text=st.session_state[key], at=None)


def _fill(name: str, record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> None:
    text = _filling(name, record, checkpoint, facts)
    if not text:
        raise RunError("inspect_nothing_written", "This run has not written anything yet.")
    ADDRESS.write(text=text, at=None)
    FORM.renew()


def _filling(name: str, record: RunRecord, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    if name == "held_out" and facts is not None:
        return passage(facts.held_out, frozenset(facts.train))
    if name == "train" and facts is not None:
        return passage(facts.train)
    history = scenes.feed(record.id).scene(record, session.language(), session.theme()).history
    written = [epoch for epoch in history.written() if epoch <= checkpoint.stamp[0]]
    if not written:
        return "" if name == "written" else record.config.prefixes[0]
    return next(iter(history.texts[written[-1]].values()))[:MAX_TEXT]
