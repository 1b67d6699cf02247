"""The session of a page: language, theme, time, the connection to the runs, and helpers that use them."""

from __future__ import annotations

import datetime
import time
from typing import Any

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.environment import Environment
from rnnlab.errors import CorpusError, RNNLabError
from rnnlab.runs.client import Client, ClientOf
from rnnlab.runs.store import RunRecord, Store
from rnnlab.text import corpora
from rnnlab.view.data.facts import FactBook, TextFacts
from rnnlab.view.data.once import Once
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.language.i18n import error_text, plain
from rnnlab.view.page import visitor as visitors
from rnnlab.view.page.clicks import Clicks
from rnnlab.view.page.visitor import Visitor

ENTERED = "session.entered"
CLICKS = "session.clicks"
LANGUAGE = "session.language"
LARGE = "session.large"
STAGE = "session.stage"
FRESH = 1.0
"""Seconds for which an answer of the supervisor to `status` serves all viewers."""


def language() -> str:
    """Return the language of this session."""
    return str(st.session_state.get(LANGUAGE, "en"))


def key(name: str) -> str:
    """Return the key of a widget with translated options: one key per language, as the browser sends the texts back."""
    return f"{name}.{language()}"


def theme() -> str:
    """Return ``"light"`` or ``"dark"``."""
    return "dark" if st.context.theme.type == "dark" else "light"


def embedded() -> bool:
    """Return whether the page is embedded in another page (``embed=true`` in the URL) and read-only."""
    return bool(st.context.is_embedded)


def projector() -> bool:
    """Return whether the larger type is on, for a projector."""
    return bool(st.session_state.get(LARGE))


def stage() -> bool:
    """Return whether the stage is on: a run over the whole screen, for a projector."""
    return bool(st.session_state.get(STAGE))


connection = Once(lambda: Client(Environment.from_environ(), resumes=True), close=Client.close)
"""Returns the server's shared connection to the runs; it connects on the first command or after the first page."""


def client() -> Client:
    """Return the connection to the runs through which the visitor of this session asks."""
    return ClientOf(connection(), visitor().asker)


_answered = Shelf(1)


def status() -> dict[str, Any]:
    """Return the state of the supervisor, no older than `FRESH` seconds; all viewers together ask once.

    Raises:
        RunError: the supervisor does not answer.
    """
    asked = connection()
    return _answered.get((asked, int(time.monotonic() / FRESH)), asked.status)


def visitor() -> Visitor:
    """Return the visitor of this session.

    On a page that is embedded in another one a visitor can only watch: a click there may be meant for the other page.
    """
    return Visitor("", "visitor") if embedded() else visitors.current(connection().environment)


def may_steer(record: RunRecord) -> bool:
    """Return whether the visitor may steer, rename and delete a run; everybody may watch it."""
    return visitor().owns(record.owner)


def may_read(corpus: str) -> bool:
    """Return whether the visitor may read a text; texts of other visitors must be shared."""
    who = visitors.current(connection().environment)
    if who.may_all or not corpora.is_uploaded(corpus):
        return True
    readers = store().text_readers(corpus)
    return "" in readers or who.id in readers


def clicks() -> Clicks:
    """Return the record of this session's clicks."""
    recorded: Clicks = st.session_state[CLICKS]
    return recorded


def start_run(config: TrainConfig, *, name: str = "", based_on: str = "", batch: str = "", room: str = "") -> str:
    """Queue a run and return its id; a repeated click starts only one run.

    Args:
        config: the run.
        name: id of the recipe that the run follows.
        based_on: id of the recipe that the run departs from.
        batch: what the runs have in common that are started together.
        room: the code of the room in which it is started, or "".

    Raises:
        RNNLabError: see `Client.create`.
    """
    asked_by, lang = client(), language()
    return clicks().once(
        ("start", config, name, based_on, room),
        lambda: asked_by.create(config, name=name, based_on=based_on, language=lang, batch=batch, room=room),
    )


def store() -> Store:
    """Return the store of the runs, for reading."""
    return connection().store


facts = Once(lambda: FactBook(store().text, connection().environment.corpus_folders))
"""Returns the facts of the training texts, shared by all viewers; `facts_of` says who may see them."""


def facts_of(config: TrainConfig) -> TextFacts:
    """Return the facts of the training text of a run.

    Raises:
        CorpusError: ``text_not_yours``, or the text is not on this machine.
    """
    check_reads(config.corpus)
    return facts().of(config)


def trainable_facts(config: TrainConfig) -> TextFacts:
    """Return the facts of the training text, after a check that a run can train on it.

    Raises:
        CorpusError: as `facts_of`, or the text is too short for these settings.
    """
    text = facts_of(config)
    corpora.check_trainable(text.train, text.held_out, config)
    return text


def check_reads(corpus: str) -> None:
    """Check that the visitor may read a text and the cached answers computed from it.

    Raises:
        CorpusError: ``text_not_yours``.
    """
    if not may_read(corpus):
        raise CorpusError("text_not_yours", "This text was uploaded by another visitor and is not shared.")


def text_title(name: str) -> str | None:
    """Return the title that the owner gave to the uploaded text `name`; None for any other corpus."""
    return store().text_title(name) if name.startswith("text-") else None


def local_time(seconds: float | None = None) -> datetime.datetime:
    """Return a Unix time, by default the present, in the time zone of the visitor."""
    zone = st.context.timezone
    try:
        from zoneinfo import ZoneInfo

        place: datetime.tzinfo | None = ZoneInfo(zone) if zone else datetime.UTC
    except (KeyError, ValueError, OSError):
        place = datetime.UTC
    return datetime.datetime.fromtimestamp(time.time() if seconds is None else seconds, place)


def show_error(error: RNNLabError, about: str = "") -> None:
    """Show an error in the session's language.

    Args:
        error: the error.
        about: what the error is about, such as the name of a file; "" if that is clear.
    """
    message = error_text(error, language())
    st.error(f"**{plain(about)}**: {message}" if about else message, icon=":material/error:")


SHOWN = "train.shown"
"""Session key of the id of the run shown last."""
