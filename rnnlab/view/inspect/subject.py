"""What is under the microscope, and the answers of its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.measures import Successors
from rnnlab.view.language.i18n import t
from rnnlab.view.page import session
from rnnlab.view.page.forms import Edition, Problems

FORM = Edition("inspect")
"""The widgets whose values stand in the URL: they begin anew with the page, and when a button sets run or text."""
PROBLEMS = Problems("inspect")
"""What a button was refused, for the page to say."""


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
    asked = ADDRESS.get(name)
    chosen = str(
        st.segmented_control(
            label,
            options,
            default=asked if asked in options else options[0],
            key=session.key(FORM.key(f"{name}.{variant}")),
            required=True,
            format_func=lambda one: words[one],
        )
    )
    ADDRESS.write(**{name: chosen if chosen != options[0] else None})
    return chosen


def layer(subject: Subject) -> int:
    """Let the reader choose a layer, where there is more than one."""
    lang = session.language()
    count = subject.record.config.num_layers
    if count == 1:
        return 1
    words = {str(number): str(number) for number in range(1, count + 1)}
    return int(choice("layer", list(words), t("inspect.layer", lang), words, variant=str(count)))


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
