"""Diagnose: why six layers stall, why both directions mislead, what clipping does, what overfitting looks like."""

import streamlit as st

from rnnlab.view.diagnose import chooser, clipping, leak, overfitting, six_layers, starting, subject
from rnnlab.view.language.i18n import t
from rnnlab.view.page import asking, frame

lang = frame.enter()
frame.head(t("diagnose.title", lang), t("diagnose.lead", lang))

TOPICS = {
    "layers": six_layers.draw,
    "directions": leak.draw,
    "clipping": clipping.draw,
    "overfitting": overfitting.draw,
}

asking.begin()
subject.begin()
# what is asked, and of whom: both stand in the URL
topic = chooser.choose_topic()
st.markdown(t(f"diagnose.{topic}.lead", lang))
one = chooser.choose(topic)
if one is None:
    starting.offer(topic)
else:
    chooser.headline(one)
    starting.offer_own(topic, one)
    TOPICS[topic](one)
# answers that come later, and runs that train
asking.watch()
