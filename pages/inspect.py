"""Inspect: look into a trained network character by character."""

import streamlit as st

from rnnlab.view import microscope as scope
from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.microscope_words import surprise_summary
from rnnlab.view.panels import (
    microscope,
    microscope_dependence,
    microscope_next,
    microscope_start,
    microscope_states,
    microscope_subject,
    microscope_text,
)

lang = shell.enter()
shell.frame(t("inspect.title", lang), t("inspect.lead", lang))

# a run of this server, one of its checkpoints, a text; all of it in the URL
subject = microscope_subject.choose()
answer = None
if subject is not None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = {one: t(f"inspect.view.{one}", lang) for one in microscope.VIEWS}
        view = microscope.choice("view", microscope.VIEWS, t("inspect.view", lang), words)
        layer = 1
        if view == "states":
            layer = microscope.layer(subject)
    answer = microscope.answer(subject, layer)

if subject is not None and answer is not None:
    text, config = answer["text"], subject.record.config
    found = scope.surprises(answer)
    at = microscope_text.position(text, found)
    depended = microscope.dependence(subject, at) if view == "dependence" else None
    if config.bidirectional and view == "dependence":
        st.info(t("inspect.dependence.both_ways", lang), icon=":material/swap_horiz:")
    elif config.bidirectional:
        note = "inspect.cloze" if config.objective == "cloze" else "inspect.bidirectional"
        st.info(t(note, lang), icon=":material/swap_horiz:")

    # the text itself: every character is a place to look at
    with st.container(border=True):
        microscope_text.steps(text, at)
        if depended is not None:
            weights = scope.dependence(depended["weights"])
            microscope_text.by_share(text, weights, at)
        else:
            microscope_text.by_surprise(text, found, at)
            st.markdown(surprise_summary(text, found, lang))
            st.caption(t("inspect.zero_state", lang))

    if view == "next":
        microscope_next.draw(answer, at, microscope.successors(subject))
    elif depended is not None:
        microscope_dependence.draw(text, depended, weights)
    elif view == "states":
        microscope_states.draw(subject, answer, at)

if not shell.embedded():
    microscope_start.invite()
    microscope_start.watch()
