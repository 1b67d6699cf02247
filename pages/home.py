"""Home: an introduction, recorded runs to play, and all experiments."""

import streamlit as st

from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, frame, session

lang = frame.enter()
frame.head(t("home.title", lang), quiet=True, sheets=("first_screen",))
if session.embedded():
    from rnnlab.view.watch import embed

    embed.draw()
    st.stop()

from rnnlab.view.home import gallery  # noqa: E402  (after the first paint)

# a recorded run plays at once, without training
default = recorded.choose(("A6", "A2") if lang == "zh" else ("A2", "A6"))
with st.container(key="train.quick", horizontal=True, vertical_alignment="center", gap="small"):
    recording = gallery.pick(default) if default is not None else None
    way = gallery.ways()
if way == "tour":
    from rnnlab.view.train import tour

    tour.begin()
if way:
    address.open_page("runs" if way == "runs" else "train")
if recording is not None:
    from rnnlab.view.watch import stage

    stage.play(recording, st.container(key="train.bar", horizontal=True, vertical_alignment="center", gap="small"))

st.markdown(t("home.lead", lang))
st.header(t("home.three", lang), anchor=False)
for name, column in zip(("curve", "text", "ladder"), st.columns(3, gap="large"), strict=True):
    column.markdown(t(f"home.three.{name}", lang))

gallery.draw()
