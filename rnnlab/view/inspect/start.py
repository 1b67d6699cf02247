"""Starting a run that learns fast with one click, and following it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.subject import FORM, PROBLEMS
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import estimate, refresh, session
from rnnlab.view.watch import follow

STARTERS = ("A3", "B1")
"""Recipes that learn fast, one for each language."""


def invite() -> None:
    """Draw the buttons that train a network."""
    lang = session.language()
    with st.expander(t("inspect.invite.more", lang), icon=":material/add:"):
        _starters()


def _starters() -> None:
    lang = session.language()
    for name in STARTERS:
        recipe = RECIPES[name]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                t("inspect.start", lang, title=recipe_label(recipe, lang)),
                key=f"inspect.start.{name}",
                icon=":material/play_arrow:",
                type="primary" if name == STARTERS[0] else "secondary",
                on_click=PROBLEMS.guard,
                args=(_start, name),
            )
            estimate.note(recipe.config, key="inspect.start.takes", width="content")


def _start(name: str) -> None:
    run_id = session.start_run(RECIPES[name].config, name=name)
    ADDRESS.write(run=run_id, recording=None, epoch=None, text=None, at=None, layer=None, unit=None)
    FORM.renew()


def watch() -> None:
    """While the run that the URL names trains, look for a new checkpoint, and run the page again when it is there."""
    run_id = ADDRESS.get("run")
    before = _standing(run_id)
    if before.live:
        refresh.moving(lambda: _standing(run_id), follow.TICK, before)


class _Standing(NamedTuple):
    """What the page depends on while a run trains."""

    live: bool
    newest: tuple[int, int] | None = None  # epoch and minibatch of the newest checkpoint


def _standing(run_id: str) -> _Standing:
    try:
        live = bool(run_id) and session.store().run(run_id).live
    except RunError:  # there is none, or it was deleted meanwhile
        live = False
    rows = session.store().checkpoints(run_id) if live else []
    return _Standing(live, rows[-1][:2] if rows else None)
