"""Estimates of how long runs take on this machine."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Literal

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.runs import admission
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import duration
from rnnlab.view.page import session


def seconds(*configs: TrainConfig) -> float | None:
    """Return the estimated seconds of runs in sequence; None if unknown, or if there is nothing to train."""
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
    # the page has prepared the text already, or is about to
    return session.client().seconds_per_epoch(config, lambda: session.facts_of(config).vocab_size)


def takes(*configs: TrainConfig, key: str = "setup.takes", **params: Any) -> str:
    """Return the sentence on how long runs take in sequence; "" if unknown.

    Args:
        configs: the runs.
        key: key of the sentence, which has the parameter ``duration``.
        params: its other parameters.
    """
    known, lang = seconds(*configs), session.language()
    return "" if known is None else t(key, lang, duration=duration(known, lang), **params)


def note(*configs: TrainConfig, key: str = "setup.takes", width: Literal["stretch", "content"] = "stretch") -> None:
    """Draw the sentence of `takes`, if there is any; not on an embedded page, where nothing can be started."""
    sentence = "" if session.embedded() else takes(*configs, key=key)
    if sentence:
        st.caption(sentence, width=width)


def wait(run_id: str) -> float | None:
    """Return the expected seconds until a waiting run starts.

    None if a run ahead of it has never been measured, or if nothing can train now, as in a cluster without machines.
    """
    store, connection, slots = session.store(), session.connection(), _status().get("slots")
    queue = store.queue()
    if run_id not in queue or not slots:
        return None

    def left(record: RunRecord) -> float:
        per_epoch = connection.seconds_per_epoch(record.config)
        return math.inf if per_epoch is None else max(0, record.num_epochs - record.epoch) * per_epoch

    running = [left(record) for record in store.runs(limit=100, states={"running"})]
    ahead = [left(store.run(other)) for other in queue[: queue.index(run_id)]]
    seconds = admission.expected_wait(running, ahead, int(slots))
    return seconds if math.isfinite(seconds) else None


def waits_for_own(run_id: str) -> bool:
    """Return whether a waiting run cannot start because another run of its owner is running."""
    most, store = int(_status().get("limits", {}).get("visitor_running", 0)), session.store()
    owner = store.run(run_id).owner
    if not most or not owner:
        return False
    running = [(record.id, record.owner) for record in store.runs(limit=100, states={"running"})]
    return not admission.within_turns([run_id], {run_id: owner}, running, store.groups(), most)


def lacking() -> Literal["", "scheduler", "machine"]:
    """Return what a cluster lacks to train anything now; "" if it lacks nothing, and without a cluster."""
    status = _status()
    if status.get("cluster") is None or status["slots"]:
        return ""
    return "machine" if status["cluster"] else "scheduler"


def _status() -> dict[str, Any]:
    """Return the state of the supervisor, or {} if it does not answer."""
    try:
        return session.status()
    except RNNLabError:
        return {}
