"""Home: an introduction, recorded runs to play, and all experiments."""

import streamlit as st

from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, frame, session

lang = frame.enter()
frame.head(t("home.title", lang), t("home.lead", lang))
if session.embedded():
    from rnnlab.view.watch import embed

    embed.draw()
    st.stop()

with st.container(horizontal=True):
    if st.button(t("home.start", lang), type="primary", icon=":material/play_arrow:"):
        address.open_page("train")
    if st.button(t("tour.offer", lang), icon=":material/tour:"):
        from rnnlab.view.train import tour

        tour.begin()
        address.open_page("train")
    if st.button(t("home.runs", lang), icon=":material/history:"):
        address.open_page("runs")

from rnnlab.view.home import gallery  # noqa: E402  (after the first paint)

# a recorded run plays at once, without training
default = recorded.choose(("A6", "A2") if lang == "zh" else ("A2", "A6"))
if default is not None:
    from rnnlab.view.watch import stage

    st.subheader(t("home.watch", lang), anchor=False)
    recording = gallery.pick(default)
    if recording is not None:
        stage.play(recording, stage.announce(recording))

st.subheader(t("home.three", lang), anchor=False)
for name, column in zip(("curve", "text", "ladder"), st.columns(3, gap="large"), strict=True):
    column.markdown(t(f"home.three.{name}", lang))

gallery.draw()
