"""The shown room and the role of the visitor in it."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.rooms import Member, Room
from rnnlab.view.page import address, led, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.room.address import ADDRESS, SETTINGS

PROBLEMS = Problems("room")
"""Errors of callbacks, shown at the top of the page."""
FORM = Edition("room")
_SHOWN = "room.shown"


def begin() -> Room | None:
    """Return the room in the URL, or the one that was shown last; None without one. Shows errors."""
    address.once("room", _read_url)
    code = st.session_state.get(_SHOWN)
    room = None
    if code:
        try:
            room = session.store().room(code)
        except RNNLabError as error:
            PROBLEMS.add(error)
            leave()
    PROBLEMS.show()
    if room is not None:
        ADDRESS.write(room=room.code)
        if member(room) is not None:
            led.join(room.code)
    return room


def _read_url() -> None:
    FORM.renew()
    if ADDRESS.get("room"):
        st.session_state[_SHOWN] = ADDRESS.get("room")


def show(code: str) -> None:
    """Show a room."""
    st.session_state[_SHOWN] = code
    ADDRESS.write(room=code.strip().upper())


def leave() -> None:
    """Show no room."""
    st.session_state.pop(_SHOWN, None)
    ADDRESS.write(room=None, **dict.fromkeys(SETTINGS))
    led.part()


def teaches() -> bool:
    """Return whether the visitor may open and lead rooms."""
    return session.visitor().may_all


def member(room: Room) -> Member | None:
    """Return the visitor as a member of a room, or None."""
    visitor = session.visitor().id
    return next((one for one in session.store().members(room.code) if visitor and one.visitor == visitor), None)
