"""The inspected network and text, and its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.identity import Identity
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.measures import Successors
from rnnlab.view.language.i18n import t
from rnnlab.view.page import answers, session
from rnnlab.view.page.forms import Edition, Problems

FORM = Edition("inspect")
"""The widgets whose values are in the URL: they begin anew with the page, and when a button sets run or text."""
PROBLEMS = Problems("inspect")
"""The errors in a button's callback, to be shown by the page."""


@dataclass(frozen=True)
class Checkpoint:
    """Saved weights; `epoch` is None for the newest checkpoint if it lies within an epoch."""

    epoch: int | None
    stamp: tuple[int, int]


@dataclass(frozen=True)
class InspectedText:
    """A text to inspect, with the network that reads it.

    Attributes:
        identity: the run, or the recording whose network ships with the app.
        config: its configuration.
        checkpoint: the weights that read the text.
        text: the text, 1 to `MAX_TEXT` characters.
        facts: the training text of the network, or None if it is not on this machine.
    """

    identity: Identity
    config: TrainConfig
    checkpoint: Checkpoint
    text: str
    facts: TextFacts | None


def choice(
    name: str, options: Sequence[str], label: str, words: Mapping[str, str], variant: str = "", labelled: bool = True
) -> str:
    """Draw a choice and return the chosen option; the URL keeps it under `name`.

    Args:
        name: parameter in the URL.
        options: values to choose from; the first is the default.
        label: label of the widget.
        words: text of each option.
        variant: distinguishes sets of options with the same name, which need separate widgets.
        labelled: whether the label can be seen; screen readers get it in any case.
    """
    asked = ADDRESS.get(name)
    chosen = str(
        st.segmented_control(
            label,
            options,
            default=asked if asked in options else options[0],
            key=session.key(FORM.key(f"{name}.{variant}")),
            required=True,
            format_func=lambda option: words[option],
            label_visibility="visible" if labelled else "collapsed",
        )
    )
    ADDRESS.write(**{name: chosen if chosen != options[0] else None})
    return chosen


def layer(inspected: InspectedText) -> int:
    """Draw the choice of a layer, if there are several, and return it."""
    lang = session.language()
    count = inspected.config.num_layers
    if count == 1:
        return 1
    words = {str(number): str(number) for number in range(1, count + 1)}
    return int(choice("layer", list(words), t("inspect.layer", lang), words, variant=str(count)))


def answer(inspected: InspectedText, layer: int) -> dict[str, Any] | None:
    """Return the answer that `Client.inspect` describes, or show the error and return None."""
    checkpoint = inspected.checkpoint
    try:
        session.check_reads(inspected.config.corpus)
        with st.spinner(t("inspect.asking", session.language()), show_time=False):
            return _cached_inspect(str(inspected.identity), checkpoint.stamp, inspected.text, layer, checkpoint.epoch)
    except RNNLabError as error:
        session.show_error(error)
        return None


def dependence(inspected: InspectedText, position: int) -> dict[str, Any] | None:
    """Return the answer that `Client.dependence` describes, or show the error and return None."""
    checkpoint = inspected.checkpoint
    try:
        session.check_reads(inspected.config.corpus)
        return _cached_dependence(str(inspected.identity), checkpoint.stamp, inspected.text, position, checkpoint.epoch)
    except RNNLabError as error:
        session.show_error(error)
        return None


# the stamp is part of the cache key, because the newest checkpoint changes
@st.cache_data(max_entries=24, show_spinner=False)
def _cached_inspect(identity: str, stamp: tuple[int, int], text: str, layer: int, epoch: int | None) -> dict[str, Any]:
    return answers.inspect(Identity.parse(identity), text, layer, epoch)


@st.cache_data(max_entries=500, show_spinner=False)
def _cached_dependence(
    identity: str, stamp: tuple[int, int], text: str, position: int, epoch: int | None
) -> dict[str, Any]:
    return answers.dependence(Identity.parse(identity), text, position, epoch)


def successors(inspected: InspectedText) -> Successors | None:
    """Return the successor counts of the training text, shared by all viewers; None if the text is not here."""
    config, facts = inspected.config, inspected.facts
    return None if facts is None else _cached_successors((config.corpus, config.preprocessing, config.num_chars), facts)


@st.cache_resource(max_entries=8, show_spinner=False)
def _cached_successors(key: tuple[str, str, int], _facts: TextFacts) -> Successors:
    return Successors(_facts.train)
