"""From scratch to the library, one difference at a time: each rung is a run with the same random seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import streamlit as st

from rnnlab.recipes import RECIPES, Rung, rungs
from rnnlab.view.compare import overlay, state, watch
from rnnlab.view.compare import pins as compare_pins
from rnnlab.view.compare.measures import Pinned
from rnnlab.view.compare.sentences import greatest_step, rung_text, short_value
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.page import estimate, session

START, GOAL = "A6", "A7"
EPOCHS = 20
"""Default number of epochs of each rung."""


def draw() -> None:
    """Draw the rungs, the button that trains the missing ones, and their curves."""
    lang = session.language()
    st.header(t("compare.rungs.title", lang, start=START, goal=GOAL), anchor=False)
    st.markdown(t("compare.rungs.lead", lang, start=START, goal=GOAL))
    chain = _chain()
    trained = [watch.find(rung.config) for rung in chain]
    missing = [rung for rung, pin in zip(chain, trained, strict=True) if pin is None]
    if missing:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            compare_pins.start_button("rungs", ":material/stairs:", partial(_start, missing), count=len(missing))
            estimate.note(*(rung.config for rung in missing), key="compare.takes", width="content")
    pins = [pin for pin in trained if pin is not None]

    def together(current: Snapshot) -> None:
        by_pin = {run.identity: run for run in current.runs}
        runs = [by_pin.get(pin) if pin else None for pin in trained]
        if current.runs:
            overlay.curves(current, _names(current.runs, chain, trained), "epoch", False, key="compare.rungs")
        if any(run.recorded for run in current.runs):
            st.caption(
                f":violet-badge[:material/movie: {t('state.recorded', lang)}] {t('compare.rungs.recorded', lang)}"
            )
        sentence = greatest_step(chain, runs, lang)
        if sentence:
            st.info(sentence, icon=":material/stairs:")
        _table(chain, runs)

    watch.follow(pins, together)


def _chain() -> list[Rung]:
    """Return the rungs between the two experiments, with the settings in the URL applied at both ends."""
    with st.container(width=240):  # a number needs no whole row
        start = state.epochs(RECIPES[START].config, START, EPOCHS)
    goal = RECIPES[GOAL].config.change(num_epochs=start.num_epochs)
    switched = ("num_epochs", *goal.changes_from(start))
    return rungs(state.changed(start, switched), state.changed(goal, switched))


def _start(missing: Sequence[Rung]) -> None:
    requests = []
    for rung in missing:
        exact = next((name for name in (START, GOAL) if RECIPES[name].config == rung.config), "")
        requests.append((rung.config, exact, "" if exact else START))
    compare_pins.start_all(requests)


def _names(runs: Sequence[Pinned], chain: Sequence[Rung], trained: Sequence[Identity | None]) -> list[str]:
    rung_of = {pin: position for position, pin in enumerate(trained) if pin}
    return [_label(rung_of[run.identity], chain[rung_of[run.identity]]) for run in runs]


def _label(position: int, rung: Rung) -> str:
    lang = session.language()
    if not rung.changes:
        return f"{position} {START}"
    name = next(iter(rung.changes))
    return f"{position} +{short_value(name, getattr(rung.config, name), lang)}"


def _table(chain: Sequence[Rung], runs: Sequence[Pinned | None]) -> None:
    lang = session.language()
    ends = [None if run is None else run.perplexity for run in runs]
    ratios = []
    for i in range(len(chain)):
        before, here = (ends[i - 1] if i else None), ends[i]
        # during training, two rungs may be at different epochs
        complete = all(run is not None and run.ended for run in runs[max(0, i - 1) : i + 1])
        known = before is not None and here is not None and math.isfinite(before) and math.isfinite(here)
        ratios.append(f"× {number(here / before, 3)}" if before and here and known and complete else "–")
    st.table(
        {
            t("compare.rungs.rung", lang): [str(position) for position in range(len(chain))],
            t("compare.rungs.switched", lang): [
                plain(rung_text(rung, lang)) if rung.changes else t("compare.rungs.as_is", lang, id=START)
                for rung in chain
            ],
            t("field.num_epochs", lang): [str(run.history.epoch) if run else "–" for run in runs],
            t("chart.perplexity", lang): [perplexity_text(perplexity) for perplexity in ends],
            t("compare.rungs.step", lang): ratios,
        },
        border="horizontal",
    )
