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
frame.head(t("inspect.title", lang), quiet=True)
chooser.begin()
with st.container(key="page.top", horizontal=True, vertical_alignment="center", gap="medium"):
    words = {name: t(f"inspect.view.{name}", lang) for name in VIEWS}
    view = inspect_subject.choice("view", VIEWS, t("inspect.view", lang), words, labelled=False)
    st.caption(t("inspect.lead", lang))

# a run of this server or a network that ships with the app, one of its checkpoints, a text; the URL keeps all three
inspected = chooser.choose()
answer = None
if inspected is not None:
    layer = inspect_subject.layer(inspected) if view == "states" else 1
    answer = inspect_subject.answer(inspected, layer)

if inspected is not None and answer is not None:
    text, config = answer["text"], inspected.config
    surprises = scope.surprises(answer)
    at = inspect_text.position(text, surprises)
    weights = inspect_subject.dependence(inspected, at) if view == "dependence" else None
    if config.bidirectional and view == "dependence":
        st.info(t("inspect.dependence.both_ways", lang), icon=":material/swap_horiz:")
    elif config.bidirectional:
        note = "inspect.cloze" if config.objective == "cloze" else "inspect.bidirectional"
        st.info(t(note, lang), icon=":material/swap_horiz:")

    # the text: every character can be chosen
    with st.container(border=True):
        inspect_text.steps(text, at)
        if weights is not None:
            depends_on = scope.dependence(weights["weights"])
            inspect_text.by_share(text, depends_on, at)
        else:
            inspect_text.by_surprise(text, surprises, at)
            summary = surprise_summary(text, surprises, scope.doubt(answer), answer["vocab_size"], lang)
            if view == "next":
                st.markdown(summary)

    if view == "next":
        next_characters.draw(answer, at, inspect_subject.successors(inspected))
    elif weights is not None:
        dependence.draw(text, weights, depends_on)
    elif view == "states":
        states.draw(inspected, answer, at)
        st.markdown(summary)
    # below the result, so that it begins on the first screen
    if weights is None:
        st.caption(t("inspect.zero_state", lang))
if inspected is not None:
    chooser.explain(inspected)

if not session.embedded():
    start.invite()
    start.watch()
