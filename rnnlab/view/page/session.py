"""What every page stands in: language, navigation, the frame, and the one connection to the runs."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.runs.client import Client
from rnnlab.runs.store import Store
from rnnlab.view.data.facts import FactBook
from rnnlab.view.language.i18n import error_text, plain
from rnnlab.view.page.clicks import Clicks

ENTERED = "shell.entered"
CLICKS = "shell.clicks"
LANGUAGE = "shell.language"
LARGE = "shell.large"


def language() -> str:
    """Return the language of this session."""
    return str(st.session_state.get(LANGUAGE, "en"))


def key(name: str) -> str:
    """Return the key of a widget whose choices are words: one per language, as the browser sends the words back."""
    return f"{name}.{language()}"


def theme() -> str:
    """Return ``"light"`` or ``"dark"``."""
    return "dark" if st.context.theme.type == "dark" else "light"


def embedded() -> bool:
    """Say whether the page stands in another one (``embed=true`` in the URL): it shows, and nothing can be changed."""
    return bool(st.context.is_embedded)


def projector() -> bool:
    """Say whether the type is larger, for a room."""
    return bool(st.session_state.get(LARGE))


@st.cache_resource(show_spinner=False, on_release=Client.close)
def client() -> Client:
    """Return this server's one connection to the runs; it connects when the first page stands, or is asked to act."""
    return Client(Environment.from_environ())


def clicks() -> Clicks:
    """Return what this session's clicks have set going."""
    found: Clicks = st.session_state[CLICKS]
    return found


def start_run(config: TrainConfig, *, name: str = "", based_on: str = "") -> str:
    """Put a run into the queue and return its id; a click that comes twice starts one.

    Args:
        config: the run.
        name: of the recipe it is.
        based_on: of the recipe it departs from.

    Raises:
        RNNLabError: as `Client.create` says.
    """
    one, lang = client(), language()
    return clicks().once(
        ("start", config, name, based_on),
        lambda: one.create(config, name=name, based_on=based_on, language=lang),
    )


def store() -> Store:
    """Return the runs, to read."""
    return client().store


@st.cache_resource(show_spinner=False)
def facts() -> FactBook:
    """Return the facts of the training texts, shared by all viewers."""
    return FactBook(store().text, client().environment.corpus_folders)


def text_title(name: str) -> str | None:
    """Return what its owner called the uploaded text `name`; None for any other corpus."""
    return store().text_title(name) if name.startswith("text-") else None


def complain(error: RNNLabError, about: str = "") -> None:
    """Say what is wrong, in the reader's language, and what it is `about` where there are several things."""
    said = error_text(error, language())
    st.error(f"**{plain(about)}**: {said}" if about else said, icon=":material/error:")


SHOWN = "train.shown"
"""Where the session keeps the id of the run that it looked at last."""
