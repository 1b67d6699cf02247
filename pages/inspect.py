"""Inspect: look into a trained network character by character."""

import streamlit as st

from rnnlab.view.inspect import chooser, dependence, next_characters, start, states
from rnnlab.view.inspect import measures as scope
from rnnlab.view.inspect import subject as inspect_subject
from rnnlab.view.inspect import text as inspect_text
from rnnlab.view.inspect.address import VIEWS
from rnnlab.view.inspect.sentences import surprise_summary
from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session

lang = frame.enter()
frame.head(t("inspect.title", lang), t("inspect.lead", lang))

# a run of this server, one of its checkpoints, a text; all of it in the URL
subject = chooser.choose()
answer = None
if subject is not None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = {one: t(f"inspect.view.{one}", lang) for one in VIEWS}
        view = inspect_subject.choice("view", VIEWS, t("inspect.view", lang), words)
        layer = 1
        if view == "states":
            layer = inspect_subject.layer(subject)
    answer = inspect_subject.answer(subject, layer)

if subject is not None and answer is not None:
    text, config = answer["text"], subject.record.config
    found = scope.surprises(answer)
    at = inspect_text.position(text, found)
    depended = inspect_subject.dependence(subject, at) if view == "dependence" else None
    if config.bidirectional and view == "dependence":
        st.info(t("inspect.dependence.both_ways", lang), icon=":material/swap_horiz:")
    elif config.bidirectional:
        note = "inspect.cloze" if config.objective == "cloze" else "inspect.bidirectional"
        st.info(t(note, lang), icon=":material/swap_horiz:")

    # the text itself: every character is a place to look at
    with st.container(border=True):
        inspect_text.steps(text, at)
        if depended is not None:
            weights = scope.dependence(depended["weights"])
            inspect_text.by_share(text, weights, at)
        else:
            inspect_text.by_surprise(text, found, at)
            st.markdown(surprise_summary(text, found, lang))
            st.caption(t("inspect.zero_state", lang))

    if view == "next":
        next_characters.draw(answer, at, inspect_subject.successors(subject))
    elif depended is not None:
        dependence.draw(text, depended, weights)
    elif view == "states":
        states.draw(subject, answer, at)

if not session.embedded():
    start.invite()
    start.watch()
