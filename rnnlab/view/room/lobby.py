"""The page without a room: the field for a code, and for teachers the form that opens a room."""

from __future__ import annotations

from typing import Any

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.runs.rooms import OPENABLE
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import recipe_label, summary
from rnnlab.view.page import estimate, login, session
from rnnlab.view.room import state

_FIRST_OPENED = ("cell", "learning_rate")
_RECENT = 8


def draw() -> None:
    """Draw the field for a code, and for a teacher the form that opens a room."""
    lang = session.language()
    st.header(t("room.enter", lang), anchor=False)
    st.caption(t("room.enter.note", lang))
    with st.form(state.FORM.key("enter"), border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        code = st.text_input(t("room.code", lang), max_chars=16, placeholder="ABCD", width=200)
        entered = st.form_submit_button(t("room.enter.button", lang), type="primary", icon=":material/login:")
    if entered and code.strip():
        state.show(code)
        st.rerun()
    if state.teaches():
        _open()
    else:
        login.draw()


def _open() -> None:
    lang = session.language()
    st.header(t("room.open", lang), anchor=False)
    st.caption(t("room.open.note", lang))
    left, middle, right = st.columns([3, 1, 3], gap="small")
    with left:
        recipe_id = st.selectbox(
            t("setup.recipe", lang),
            list(RECIPES),
            list(RECIPES).index("A2"),
            key=session.key(state.FORM.key("recipe")),
            format_func=lambda name: recipe_label(RECIPES[name], lang),
        )
    config = RECIPES[recipe_id].config
    with middle:
        epochs = st.number_input(
            t("field.num_epochs", lang), 1, 10_000, config.num_epochs or 1, key=state.FORM.key(f"epochs.{recipe_id}")
        )
    with right:
        title = st.text_input(t("room.name", lang), key=state.FORM.key("title"), max_chars=80)
    config = config.change(num_epochs=int(epochs))
    opened = st.pills(
        t("room.opened", lang),
        OPENABLE,
        default=_FIRST_OPENED,
        selection_mode="multi",
        key=session.key(state.FORM.key("opened")),
        format_func=lambda name: t(f"field.{name}", lang),
        help=t("room.opened.help", lang),
    )
    st.caption(" · ".join(filter(None, [plain(summary(config, lang)), estimate.takes(config)])))
    # not a callback: its arguments are the values of the previous script run, without the newest input
    if st.button(t("room.open.button", lang), key="room.open", type="primary", icon=":material/meeting_room:"):
        state.PROBLEMS.guard(_opened, config, recipe_id, title, opened)
        st.rerun()
    mine = session.store().rooms(session.visitor().id)[:_RECENT]
    if mine:
        st.subheader(t("room.mine", lang), anchor=False)
        with st.container(horizontal=True, gap="small"):
            for code in mine:
                st.button(code, key=f"room.back.{code}", on_click=state.show, args=(code,))


def _opened(config: Any, recipe_id: str, title: str, opened: list[str]) -> None:
    state.show(session.client().open_room(config, recipe=recipe_id, title=title, opened=opened))
