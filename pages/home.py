"""Home: what this is, a run that plays, and every experiment one click away."""

import streamlit as st

from rnnlab.view import recorded, shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("home.title", lang), t("home.lead", lang))

with st.container(horizontal=True):
    if st.button(t("home.start", lang), type="primary", icon=":material/play_arrow:"):
        shell.open_page("train")
    if st.button(t("home.runs", lang), icon=":material/history:"):
        shell.open_page("runs")

# a run that was recorded plays at once, with no training
recording = recorded.choose(("A6", "A2") if lang == "zh" else ("A2", "A6"))
if recording is not None:
    from rnnlab.view.panels import stage

    st.subheader(t("home.watch", lang), anchor=False)
    stage.play(recording)

st.subheader(t("home.three", lang), anchor=False)
for name, column in zip(("curve", "text", "ladder"), st.columns(3, gap="large"), strict=True):
    column.markdown(t(f"home.three.{name}", lang))

from rnnlab.view.panels import gallery  # noqa: E402  (below the first paint)

gallery.draw()
