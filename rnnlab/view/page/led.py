"""Follow the teacher: the pages of the members of a room change with the page of the teacher."""

from __future__ import annotations

import json

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
    """Start following the teacher of a room."""
    if st.session_state.get(_ROOM) != code:
        st.session_state[_ROOM] = code
        st.session_state[_SEEN], st.session_state[_LEFT] = 0, False


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


def follow() -> None:
    """Switch to the page of the teacher, with a note; called at the top of each page.

    The switch to another page is lost if another part of the page before asks to be drawn at the same moment, even when
    the new page has begun to be drawn. Therefore a page counts as seen when a later look finds the visitor there, and
    until then each look tries again.
    """
    if not st.session_state.get(_ROOM) or leads():
        return
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        number, going = st.session_state.get(_GOING, (0, ""))
        arrived = going == st.session_state.get(_PAGE)
        if arrived and looks > 1:
            st.session_state[_SEEN] = max(number, st.session_state.get(_SEEN, 0))
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
        if room.focus_number > st.session_state.get(_SEEN, 0) and not (arrived and room.focus_number == number):
            focus = dict(room.focus)
            page = focus.pop("page", "home")
            page = page if page in address.PAGES else "home"
            st.session_state[_GOING] = (room.focus_number, page)
            st.switch_page(address.PAGES[page][0], query_params={"lang": lang, **focus})
        with st.container(key="led.bar", horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(t("led.follows", lang, code=room.code), icon=":material/visibility:", color="blue")
            st.button(t("led.leave", lang), key="led.leave", type="tertiary", on_click=_leave)

    st.fragment(run_every=LOOK)(look)()


def _leave() -> None:
    st.session_state[_LEFT] = True
