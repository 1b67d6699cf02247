"""What is under the microscope, and the answers of its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.inspect.measures import Successors
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session

VIEWS = ("next", "dependence", "states")
EDITION = "inspect.edition"
"""Where the session counts how often run or text were set by a button: then their widgets begin anew."""
PROBLEM = "inspect.problem"
"""Where a button leaves what went wrong, for the page to say."""


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


def choice(name: str, options: Sequence[str], label: str, words: Mapping[str, str], variant: str = "") -> str:
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
            key=session.key(f"inspect.{name}.{variant}"),
            required=True,
            format_func=lambda one: words[one],
        )
    )
    address.parameters(**{name: chosen if chosen != options[0] else None})
    return chosen


def layer(subject: Subject) -> int:
    """Let the reader choose a layer, where there is more than one."""
    lang = session.language()
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
        with st.spinner(t("inspect.asking", session.language()), show_time=False):
            return _inspected(
                subject.record.id, subject.checkpoint.stamp, subject.text, layer, subject.checkpoint.epoch
            )
    except RNNLabError as error:
        session.complain(error)
        return None


def dependence(subject: Subject, position: int) -> dict[str, Any] | None:
    """Return the answer of `Client.dependence`; what is wrong is said, and None returned."""
    try:
        return _depended(subject.record.id, subject.checkpoint.stamp, subject.text, position, subject.checkpoint.epoch)
    except RNNLabError as error:
        session.complain(error)
        return None


# the stamp is part of the key: the newest checkpoint is another one later
@st.cache_data(max_entries=24, show_spinner=False)
def _inspected(run_id: str, stamp: tuple[int, int], text: str, layer: int, epoch: int | None) -> dict[str, Any]:
    return session.client().inspect(run_id, text, layer, epoch)


@st.cache_data(max_entries=500, show_spinner=False)
def _depended(run_id: str, stamp: tuple[int, int], text: str, position: int, epoch: int | None) -> dict[str, Any]:
    return session.client().dependence(run_id, text, position, epoch)


def successors(subject: Subject) -> Successors | None:
    """Return what followed what in the training text, counted once for all viewers; None where it is not at hand."""
    config, facts = subject.record.config, subject.facts
    return None if facts is None else _counted((config.corpus, config.preprocessing, config.num_chars), facts)


@st.cache_resource(max_entries=8, show_spinner=False)
def _counted(key: tuple[str, str, int], _facts: TextFacts) -> Successors:
    return Successors(_facts.train)


def renew() -> None:
    """Let the widgets of run and text begin anew, with what the URL says."""
    st.session_state[EDITION] = st.session_state.get(EDITION, 0) + 1
