"""Starting from trained weights: which networks can be trained further, and what a setup takes over from one."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import networks
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.page import session
from rnnlab.view.train import setup


def of_run(record: RunRecord) -> str:
    """Return the `start_from` with the best weights of a run, or else its last ones after an epoch; "" if none."""
    store = session.store()
    epochs = [epoch for epoch, minibatch, _ in store.checkpoints(record.id) if minibatch == 0 and epoch > 0]
    best = store.best_epoch(record.id)
    return f"{record.id}@{best or epochs[-1]}" if epochs else ""


def of_recording(name: str) -> str:
    """Return the `start_from` with the last weights of a recorded recipe that ship with the app; "" if none do."""
    epochs = networks.epochs(name)
    return f"{name}@{epochs[-1]}" if epochs else ""


def use(recipe: str, config: TrainConfig, start_from: str) -> None:
    """Set the sidebar to a setup that starts from trained weights."""
    setup.load(recipe, config.change(start_from=start_from))


def known(config: TrainConfig) -> str:
    """Return the sentence on the characters that the network already knows; "" if a text is not on this machine."""
    holder = config.start_from.partition("@")[0]
    try:
        trained = RECIPES[holder].config if holder in RECIPES else session.store().run(holder).config
        mine, theirs = (session.facts_of(each).characters for each in (config, trained))
    except RNNLabError:
        return ""
    return t("setup.origin.known", session.language(), known=len(mine & theirs), vocab=len(mine))


def chip(config: TrainConfig) -> None:
    """Draw the button that names the trained weights and goes back to random ones."""
    lang = session.language()
    st.button(
        t("setup.origin.chip", lang, name=plain(config.start_from)),
        key="setup.origin",
        icon=":material/close:",
        help=t("setup.origin.help", lang),
        on_click=_remove,
    )


def _remove() -> None:
    chosen = setup.chosen()
    if chosen.config is not None:
        setup.load(chosen.recipe.id, chosen.config.change(start_from=""))
