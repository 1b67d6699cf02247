"""The choice of a network, a checkpoint and a text, which the URL keeps; and what the network is."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.events import perplexity_of
from rnnlab.recipes import RECIPES
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import networks, recorded
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.history import History
from rnnlab.view.data.identity import Identity
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.measures import passage
from rnnlab.view.inspect.subject import FORM, PROBLEMS, Checkpoint, InspectedText
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.language.settings import recipe_label, summary, value_text
from rnnlab.view.page import address, names, session
from rnnlab.view.watch import scenes

_RUNS = 100


@dataclass(frozen=True)
class _Chosen:
    """A run of this server or a network that ships with the app.

    Attributes:
        identity: the run, or the recording whose network ships with the app.
        config: its configuration.
        record: the run; None for a network that ships with the app.
    """

    identity: Identity
    config: TrainConfig
    record: RunRecord | None

    def stamps(self) -> dict[int | None, tuple[int, int]]:
        """Return the epoch and minibatch of each checkpoint by its epoch, None for one within an epoch, newest last."""
        if self.record is None:
            return {epoch: (epoch, 0) for epoch in networks.epochs(self.identity.name)}
        rows = session.store().checkpoints(self.record.id)
        stamps: dict[int | None, tuple[int, int]] = {
            epoch: (epoch, 0) for epoch, minibatch, _ in rows if minibatch == 0
        }
        if rows[-1][1]:
            stamps[None] = rows[-1][:2]
        return stamps

    def best(self) -> int | None:
        """Return the epoch of the best checkpoint, which early stopping keeps; None if there is none."""
        return None if self.record is None else session.store().best_epoch(self.record.id)

    def history(self) -> History:
        """Return its history, with the texts that it wrote."""
        if self.record is None:
            return recorded.recording(self.identity.name).history
        return scenes.feed(self.record.id).scene(self.record, session.language(), session.theme()).history

    def facts(self) -> TextFacts | None:
        """Return its training text; None if it was trained elsewhere, or the text was removed."""
        try:
            return session.facts_of(self.config)
        except CorpusError:
            return None


def begin() -> None:
    """Reset the widgets when a visit begins, and show what could not be done."""
    address.once("inspect", FORM.renew)
    PROBLEMS.show()


def choose() -> InspectedText | None:
    """Draw the choice of network, checkpoint and text; return None if there is nothing to inspect."""
    lang = session.language()
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _network()
    if chosen is None:
        return None
    with right:
        checkpoint = _checkpoint(chosen)
    record, facts = chosen.record, chosen.facts()
    if record is not None and record.live:
        st.caption(t("inspect.live", lang, epoch=record.epoch, total=record.num_epochs))
    text = _text(chosen, checkpoint, facts)
    return InspectedText(chosen.identity, chosen.config, checkpoint, text, facts) if text else None


def explain(inspected: InspectedText) -> None:
    """Draw the setup of the network; of one that ships with the app, also its epoch, perplexity and training text."""
    lang = session.language()
    st.caption(plain(summary(inspected.config, lang)))
    if not inspected.identity.recorded:
        return
    name, epoch = inspected.identity.name, inspected.checkpoint.stamp[0]
    label = networks.label(name, epoch)
    st.caption(
        t(
            "inspect.network.note",
            lang,
            id=name,
            epoch=epoch,
            perplexity=perplexity_text(perplexity_of(label.loss)),
            corpus=value_text("corpus", label.config.corpus, lang),
        )
    )


# the network


def _network() -> _Chosen | None:
    lang = session.language()
    records = [record for record in session.store().runs(limit=500) if record.continuable][:_RUNS]
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
    by_pin = {
        chosen.identity.pin: chosen
        for chosen in (
            *(_Chosen(Identity.of_run(record.id), record.config, record) for record in records),
            *(_Chosen(Identity.of_recording(name), RECIPES[name].config, None) for name in networks.names()),
        )
    }
    if not by_pin:
        return None
    default = _default(records)
    recording = ADDRESS.get("recording")
    wanted = asked or (Identity.of_recording(recording).pin if recording else default)
    labels = {pin: _option(chosen, lang) for pin, chosen in by_pin.items()}
    key = session.key(FORM.key("run"))
    pin = st.selectbox(
        t("inspect.run", lang),
        list(by_pin),
        list(by_pin).index(wanted if wanted in by_pin else default),
        key=key,
        format_func=lambda pin: labels.get(pin, pin),
        on_change=_network_chosen,
        args=(key, by_pin),
    )
    chosen = by_pin.get(str(pin)) or by_pin[default]
    _write(chosen.identity)
    return chosen


def _default(records: list[RunRecord]) -> str:
    """Return the pin of the newest run with weights; without one, that of a network in the reader's language."""
    if records:
        return records[0].id
    preferred = networks.BY_LANGUAGE[session.language()]
    return Identity.of_recording(preferred if preferred in networks.names() else networks.names()[0]).pin


def _write(identity: Identity, **others: None) -> None:
    name = identity.name
    ADDRESS.write(run=None if identity.recorded else name, recording=name if identity.recorded else None, **others)


def _option(chosen: _Chosen, lang: str) -> str:
    record = chosen.record
    if record is None:
        return t("inspect.network.option", lang, title=recipe_label(RECIPES[chosen.identity.name], lang))
    return t(
        "inspect.run.option",
        lang,
        title=names.title(record),
        epoch=record.epoch,
        perplexity=number(record.perplexity) if record.epoch else "–",
        id=record.id,
    )


def _network_chosen(key: str, by_pin: dict[str, _Chosen]) -> None:
    chosen = by_pin[st.session_state[key]]
    facts = chosen.facts()
    _write(chosen.identity, epoch=None, at=None, layer=None, unit=None)
    if facts is not None and not set(ADDRESS.get("text")) <= set(facts.train):
        ADDRESS.write(text=None)  # written for a network with another alphabet


# the checkpoint


def _checkpoint(chosen: _Chosen) -> Checkpoint:
    lang = session.language()
    stamps = chosen.stamps()
    options = list(stamps)
    newest, best = options[-1], chosen.best()
    live = chosen.record is not None and chosen.record.live
    default = best if best in options and not live else newest
    asked = ADDRESS.get("epoch")
    epoch = next((option for option in options if _word(option) == asked), default)
    if asked and _word(epoch) != asked:
        allowed = t("list.join", lang).join(str(option) for option in options if option is not None)
        st.info(t("inspect.epoch.missing", lang, epoch=plain(asked[:20]), allowed=allowed, shown=stamps[epoch][0]))
        ADDRESS.write(epoch=None)
    if len(options) == 1:
        st.caption(t("inspect.epoch.only", lang, epoch=stamps[newest][0]))
        return Checkpoint(newest, stamps[newest])
    # a new checkpoint gets a new slider, because moving the old one during a refresh is not safe
    key = FORM.key(f"epoch.{chosen.identity.pin}.{stamps[newest]}")
    places = list(range(len(options)))
    place = st.select_slider(
        t("inspect.epoch", lang),
        places,
        options.index(epoch),
        key=key,
        format_func=lambda place: _epoch_label(options[place], best, lang),
        on_change=_epoch_chosen,
        args=(key, options, options.index(default)),
        help=t("inspect.epoch.help" if chosen.record else "inspect.epoch.help.shipped", lang),
    )
    return Checkpoint(options[place], stamps[options[place]])


def _word(epoch: int | None) -> str:
    """Return a checkpoint in the address; that within an epoch is always the newest."""
    return "newest" if epoch is None else str(epoch)


def _epoch_label(epoch: int | None, best: int | None, lang: str) -> str:
    if epoch is None:
        return t("inspect.newest", lang)
    return t("inspect.best", lang, epoch=epoch) if epoch == best else str(epoch)


def _epoch_chosen(key: str, options: list[int | None], default: int) -> None:
    place = int(st.session_state[key])
    ADDRESS.write(epoch=None if place == default else _word(options[place]))


# the text


def _text(chosen: _Chosen, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    lang = session.language()
    is_asked, asked = ADDRESS.given("text"), ADDRESS.get("text")
    if len(asked) > MAX_TEXT:
        st.info(t("inspect.text.cut", lang, length=len(asked), allowed=MAX_TEXT))
    text = asked[:MAX_TEXT] if is_asked else _filling("train", chosen, checkpoint, facts)
    with st.container(key="inspect.text.row", horizontal=True, vertical_alignment="bottom", gap="small"):
        key = FORM.key("text" if is_asked else f"text.{chosen.identity.pin}")
        entered = st.text_input(
            t("inspect.text", lang),
            text,
            max_chars=MAX_TEXT,
            key=key,
            placeholder=t("inspect.text.placeholder", lang),
            on_change=_text_entered,
            args=(key,),
        )
        with st.container(key="inspect.text.fill", horizontal=True, gap="small", width="content"):
            for name, icon in (("train", "menu_book"), ("written", "edit_note"), ("held_out", "visibility_off")):
                if (facts is None and name != "written") or (name == "held_out" and facts and not facts.held_out):
                    continue
                st.button(
                    t(f"inspect.fill.{name}", lang),
                    key=f"inspect.fill.{name}",
                    icon=f":material/{icon}:",
                    help=t(f"inspect.fill.{name}.help", lang),
                    on_click=PROBLEMS.guard,
                    args=(_fill, name, chosen, checkpoint, facts),
                )
    if not entered:
        st.info(t("inspect.text.empty", lang), icon=":material/keyboard:")
    return entered


def _text_entered(key: str) -> None:
    ADDRESS.write(text=st.session_state[key], at=None)


def _fill(name: str, chosen: _Chosen, checkpoint: Checkpoint, facts: TextFacts | None) -> None:
    text = _filling(name, chosen, checkpoint, facts)
    if not text:
        raise RunError("inspect_nothing_written", "This run has not written anything yet.")
    ADDRESS.write(text=text, at=None)
    FORM.renew()


def _filling(name: str, chosen: _Chosen, checkpoint: Checkpoint, facts: TextFacts | None) -> str:
    if name == "held_out" and facts is not None:
        return passage(facts.held_out, frozenset(facts.train))
    if name == "train" and facts is not None:
        return passage(facts.train)
    history = chosen.history()
    written = [epoch for epoch in history.written() if epoch <= checkpoint.stamp[0]]
    if not written:
        return "" if name == "written" else chosen.config.prefixes[0]
    return next(iter(history.texts[written[-1]].values()))[:MAX_TEXT]
