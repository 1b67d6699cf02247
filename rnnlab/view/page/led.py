"""Follow the teacher: the pages of the members of a room change with the page of the teacher."""

from __future__ import annotations

import json
from typing import Literal

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session

LOOK = 2.0
"""Seconds between two checks of the page that the teacher shows."""
_LEADS, _SENT = "led.leads", "led.sent"
_ROOM, _SEEN, _LEFT = "led.room", "led.seen", "led.left"
_PAGE, _GOING = "led.page", "led.going"
_LEAVING = frozenset({"lang", "projector", "room"})
"""URL parameters that are not taken over from the teacher."""


def lead(code: str | None) -> None:
    """Start showing the pages of this session to all members of a room; None stops."""
    before = leads()
    st.session_state[_LEADS] = code
    st.session_state.pop(_SENT, None)
    if code is None and before is not None:
        session.client().focus_room(before)


def leads() -> str | None:
    """Return the code of the room that follows this session, or None."""
    code: str | None = st.session_state.get(_LEADS)
    return code


def join(code: str) -> None:
    """Start following the teacher of a room; `follow` looks after the teacher from the next script run on."""
    if st.session_state.get(_ROOM) != code:
        st.session_state[_ROOM] = code
        st.session_state[_SEEN], st.session_state[_LEFT] = 0, False
        st.rerun()  # the head of this page, where `follow` is called, has been drawn


def part() -> None:
    """Stop following."""
    st.session_state.pop(_ROOM, None)


def show(page: str) -> None:
    """Send the open page to the members, if this session leads and the page has changed; called after each page."""
    code = leads()
    if code is None:
        return
    parameters = {name: value for name, value in address.everything().items() if name not in _LEAVING}
    shown = json.dumps([page, parameters], sort_keys=True)
    if shown == st.session_state.get(_SENT):
        return
    st.session_state[_SENT] = shown
    try:
        session.client().focus_room(code, {"page": page, **parameters})
    except RNNLabError:  # the room has ended
        st.session_state[_LEADS] = None


def arrive(page: str) -> None:
    """Store the name of the current page; called before each page."""
    st.session_state[_PAGE] = page


def step(number: int, seen: int, going: tuple[int, str], page: str, first: bool) -> Literal["go", "seen", "stay"]:
    """Return what a member's page does about the page of the teacher.

    A switch to another page is lost if a part of the page before asks to be drawn at the same moment, even when the new
    page has begun to be drawn. Therefore a page counts as seen only when a later check finds the visitor there; until
    then each check tries again.

    Args:
        number: number of the teacher's page.
        seen: number of the page that was reached last.
        going: number and name of the page that the last switch led to.
        page: name of the current page.
        first: whether this is the first check since the page was drawn, when a switch may still be under way.
    """
    if number <= seen:
        return "stay"
    asked, target = going
    if number != asked:
        return "go"
    if first:
        return "stay"
    return "seen" if page == target else "go"


def follow() -> None:
    """Switch to the page of the teacher, with a note; called at the top of each page."""
    if not st.session_state.get(_ROOM) or leads():
        return
    first = True

    def look() -> None:
        nonlocal first
        was_first, first = first, False
        lang = session.language()
        code = st.session_state.get(_ROOM)
        try:
            room = session.store().room(code) if code else None
        except RNNLabError:
            return
        if room is None or room.focus is None:
            st.session_state[_LEFT] = False  # a member who left follows again when the teacher starts anew
            return
        if st.session_state.get(_LEFT):
            return
        number, seen = room.focus_number, st.session_state.get(_SEEN, 0)
        going, page = st.session_state.get(_GOING, (0, "")), st.session_state.get(_PAGE, "")
        match step(number, seen, going, page, was_first):
            case "seen":
                st.session_state[_SEEN] = number
            case "go":
                focus = dict(room.focus)
                target = focus.pop("page", "home")
                target = target if target in address.PAGES else "home"
                st.session_state[_GOING] = (number, target)
                st.switch_page(address.PAGES[target][0], query_params={"lang": lang, **focus})
            case "stay":
                pass
        with st.container(key="led.bar", horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(t("led.follows", lang, code=room.code), icon=":material/visibility:", color="blue")
            st.button(t("led.leave", lang), key="led.leave", type="tertiary", on_click=_leave)

    st.fragment(run_every=LOOK)(look)()


def _leave() -> None:
    st.session_state[_LEFT] = True
