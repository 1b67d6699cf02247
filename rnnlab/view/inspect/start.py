"""Starting a run that learns fast with one click, if there is no network to inspect, and following it."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.inspect.chooser import with_weights
from rnnlab.view.inspect.subject import PROBLEM, renew
from rnnlab.view.language.i18n import duration, t
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import address, session
from rnnlab.view.watch import follow

STARTERS = ("A3", "B1")
"""Recipes that learn fast, one for each language."""


def invite() -> None:
    """Draw the buttons that train a network; with an explanation if there is none to inspect."""
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
            try:
                seconds = session.client().seconds_per_epoch(recipe.config)
            except RNNLabError:
                seconds = None
            if seconds is not None:
                takes = duration(seconds * recipe.config.num_epochs, lang)
                st.caption(t("inspect.start.takes", lang, duration=takes), width="content")


def _start(name: str) -> None:
    try:
        run_id = session.start_run(RECIPES[name].config, name=name)
    except RNNLabError as error:
        st.session_state[PROBLEM] = error
        return
    address.parameters(run=run_id, epoch=None, text=None, at=None, layer=None, unit=None)
    renew()


def watch() -> None:
    """Rerun the page when the run in the URL has a new checkpoint or stops training."""
    run_id = st.query_params.get("run")
    record = _record(run_id)
    if record is None or not record.live:
        return
    newest = _newest(record.id)

    def check() -> None:
        current = _record(run_id)
        if current is None or not current.live or _newest(current.id) != newest:
            st.rerun()

    st.fragment(run_every=follow.TICK)(check)()


def _record(run_id: str | None) -> RunRecord | None:
    try:
        return session.store().run(run_id) if run_id else None
    except RunError:
        return None


def _newest(run_id: str) -> tuple[int, int] | None:
    rows = session.store().checkpoints(run_id)
    return rows[-1][:2] if rows else None
