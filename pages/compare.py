"""Compare: overlay runs, and see what makes the difference."""

import streamlit as st

from rnnlab.view.compare import overlay, state
from rnnlab.view.compare import pins as compare_pins
from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session

lang = frame.enter()
frame.head(t("compare.title", lang), quiet=True)

# read the URL, and report what could not be done
state.begin()
if session.embedded():
    overlay.draw(state.pins())
    st.stop()
with st.container(key="page.top", horizontal=True, vertical_alignment="center", gap="medium"):
    view = state.view()
    st.caption(t("compare.lead", lang), width="content")

if view == "overlay":
    # the runs: ready pairs, pinned runs, and a search for others
    compare_pins.pairs()
    pins = state.pins()
    compare_pins.draw(overlay.names_of(pins))
    if pins:
        overlay.draw(pins)
    else:
        st.info(t("compare.empty", lang), icon=":material/push_pin:")

elif view == "race":
    # variants of an experiment, from the same random seed, started together
    from rnnlab.view.compare import race

    race.watch(race.setup())

elif view == "seeds":
    # an experiment with several random seeds
    from rnnlab.view.compare import seeds

    seeds.draw()

else:
    # from scratch and from the library: whether they are the same function, and what else differs
    from rnnlab.view.compare import ladder, parity

    parity.draw()
    ladder.draw()
