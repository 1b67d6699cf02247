"""The teacher's part of a room: how to join, the question, the page that all see, the end, and files."""

from __future__ import annotations

import streamlit as st

from rnnlab.runs.rooms import Room
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.page import chart, folded, led, session, share
from rnnlab.view.room import files, state


def draw(room: Room) -> None:
    """Draw the head of a room with what the teacher can do."""
    lang = session.language()
    with st.container(key="room.bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"### {room.code}", width="content")
        st.caption(plain(room.title), width="stretch")
        if room.is_open:
            st.button(
                t("room.invite", lang), key="room.invite", icon=":material/qr_code_2:", on_click=_invite, args=(room,)
            )
            st.toggle(
                t("room.lead", lang),
                led.leads() == room.code,
                key=f"room.lead.{room.code}",
                help=t("room.lead.help", lang),
                on_change=_lead,
                args=(room,),
            )
        folded.popover("room.members", lambda: _members(room), key="room.members", icon=":material/group:")
        folded.popover("room.files", lambda: _files(room), key="room.files", icon=":material/download:")
        if room.is_open:
            folded.popover("room.end", lambda: _end(room), key="room.end", icon=":material/logout:")
        st.button(t("room.close", lang), key="room.close", icon=":material/close:", on_click=state.leave)
    if st.session_state.pop(_INVITING, None) == room.code:
        _invitation(room)


_INVITING = "room.inviting"


def _invite(room: Room) -> None:
    st.session_state[_INVITING] = room.code


def link(room: Room) -> str:
    """Return the address with which students join a room."""
    return share.address("room", {"room": room.code})


def _invitation(room: Room) -> None:
    lang = session.language()

    @st.dialog(t("room.invite.title", lang, code=room.code), width="large")
    def show() -> None:
        share.draw_large(link(room))

    show()


def _lead(room: Room) -> None:
    on = bool(st.session_state.get(f"room.lead.{room.code}"))
    state.PROBLEMS.guard(led.lead, room.code if on else None)


def _members(room: Room) -> None:
    lang = session.language()
    members = session.store().members(room.code)
    st.caption(t("room.members.note", lang, count=len(members)))
    for member in members:
        if member.name:
            st.button(
                plain(member.name),
                key=f"room.member.{member.visitor}",
                icon=":material/person_remove:",
                help=t("room.members.remove", lang),
                type="tertiary",
                on_click=state.PROBLEMS.guard,
                args=(session.client().remove_name, room.code, member.visitor),
            )


def _files(room: Room) -> None:
    lang = session.language()
    made = {"runs": files.runs, "guesses": files.guesses}
    for name, make in made.items():
        chart.download(
            t(f"room.files.{name}", lang),
            lambda make=make: make(session.store(), room, lang),  # type: ignore[misc]
            f"rnnlab-{room.code}-{name}.csv",
            "text/csv",
            key=f"room.file.{name}",
        )


def _end(room: Room) -> None:
    lang = session.language()
    st.caption(t("room.end.note", lang))
    st.button(
        t("room.end.button", lang),
        key="room.end.yes",
        type="primary",
        on_click=state.PROBLEMS.guard,
        args=(_ended, room),
    )


def _ended(room: Room) -> None:
    if led.leads() == room.code:
        led.lead(None)
    session.client().end_room(room.code)
