"""Diagnose: why six layers stall, why both directions mislead, what clipping does, what overfitting looks like."""

import streamlit as st

from rnnlab.view.diagnose import chooser, clipping, leak, overfitting, six_layers, starting, subject
from rnnlab.view.language.i18n import t
from rnnlab.view.page import asking, frame

lang = frame.enter()
frame.head(t("diagnose.title", lang), quiet=True)

TOPICS = {
    "layers": six_layers.draw,
    "directions": leak.draw,
    "clipping": clipping.draw,
    "overfitting": overfitting.draw,
}

asking.begin()
subject.begin()
# the topic and the run; the URL keeps both
with st.container(key="page.top", horizontal=True, vertical_alignment="center", gap="medium"):
    topic = chooser.choose_topic()
    st.caption(t("diagnose.lead", lang), width="content")
st.markdown(t(f"diagnose.{topic}.lead", lang))
with st.container(key="diagnose.subject", horizontal=True, vertical_alignment="bottom", gap="small"):
    chosen = chooser.choose(topic)
    if chosen is not None:
        starting.offer_own(topic, chosen)
if chosen is None:
    starting.offer(topic)
else:
    chooser.headline(chosen)
    TOPICS[topic](chosen)
# wait for answers, and follow runs that train
asking.watch()
