"""Where there is nothing to look at yet: a run that learns fast, begun with one click and followed."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.inspect.chooser import with_weights
from rnnlab.view.inspect.subject import PROBLEM, renew
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import address, estimate, session
from rnnlab.view.watch import follow

STARTERS = ("A3", "B1")
"""Recipes that learn fast, one for each language."""


def invite() -> None:
    """Offer to train a network, where none was trained yet with an explanation."""
    lang = session.language()
    if not with_weights():
        st.subheader(t("inspect.invite.title", lang), anchor=False)
        st.markdown(t("inspect.invite", lang))
        _starters()
        return
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
                on_click=_start,
                args=(name,),
            )
            estimate.note(recipe.config, key="inspect.start.takes", width="content")


def _start(name: str) -> None:
    try:
        run_id = session.start_run(RECIPES[name].config, name=name)
    except RNNLabError as error:
        st.session_state[PROBLEM] = error
        return
    address.parameters(run=run_id, epoch=None, text=None, at=None, layer=None, unit=None)
    renew()


def watch() -> None:
    """While the run that the URL names trains, look for a new checkpoint, and run the page again when it is there."""
    run_id = st.query_params.get("run")
    record = _found(run_id)
    if record is None or not record.live:
        return
    before = _newest(record.id)

    def look() -> None:
        now = _found(run_id)
        if now is None or not now.live or _newest(now.id) != before:
            st.rerun()

    st.fragment(run_every=follow.TICK)(look)()


def _found(run_id: str | None) -> RunRecord | None:
    try:
        return session.store().run(run_id) if run_id else None
    except RunError:
        return None


def _newest(run_id: str) -> tuple[int, int] | None:
    rows = session.store().checkpoints(run_id)
    return rows[-1][:2] if rows else None
