"""How long runs take on this machine."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import duration
from rnnlab.view.page import session


def seconds(*configs: TrainConfig) -> float | None:
    """Return how many seconds runs take here, one after the other; None where that is not known, or nothing trains."""
    total = 0.0
    for config, count in Counter(configs).items():
        try:
            per_epoch = _per_epoch(config)
        except RNNLabError:
            return None
        if per_epoch is None:
            return None
        total += count * config.num_epochs * per_epoch
    return total or None


def _per_epoch(config: TrainConfig) -> float | None:
    # pages have prepared the text already, or are about to
    return session.client().seconds_per_epoch(config, lambda: session.facts().of(config).vocab_size)


def takes(*configs: TrainConfig, key: str = "setup.takes", **params: Any) -> str:
    """Say how long runs take here, one after the other; "" where that is not known.

    Args:
        configs: the runs.
        key: of the sentence, which has a ``{duration}``.
        params: what else it names.
    """
    known, lang = seconds(*configs), session.language()
    return "" if known is None else t(key, lang, duration=duration(known, lang), **params)


def note(*configs: TrainConfig, key: str = "setup.takes", width: Literal["stretch", "content"] = "stretch") -> None:
    """Draw what `takes` says, where it says anything."""
    said = takes(*configs, key=key)
    if said:
        st.caption(said, width=width)
