"""Room: a class trains from a teacher's preset, on one wall, and guesses before it runs."""

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session
from rnnlab.view.room import desk, lobby, question, seat, state, wall

lang = frame.enter()
frame.head(t("room.title", lang), quiet=True)
if session.embedded():
    st.info(t("room.not_embedded", lang), icon=":material/meeting_room:")
    st.stop()
room = state.begin()
member = state.member(room) if room is not None else None

if room is None:
    # no room: enter a code or open a room
    lobby.draw()
elif state.teaches():
    # the teacher: how to join, the question, the wall
    desk.draw(room)
    question.ask(room)
    wall.draw(room, preset=True)
elif member is None:
    # before joining: the form for the name
    seat.join(room)
else:
    # a member: the question or its answer, the settings that are open, the run, the wall
    question.guess(room, member)
    seat.draw(room, member)
    wall.draw(room, answered_above=True)
