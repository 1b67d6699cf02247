"""The earlier characters that a prediction depends on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from rnnlab.view.data.highlight import literal
from rnnlab.view.inspect.measures import Dependence
from rnnlab.view.inspect.sentences import dependence_sentence
from rnnlab.view.language.i18n import t
from rnnlab.view.page import session


def draw(text: str, answer: dict[str, Any], dependence: Dependence) -> None:
    """Draw the sentences on what the prediction after the chosen character depends on and how it is measured."""
    lang = session.language()
    predicted = answer["predicted"]
    st.header(t("inspect.dependence.title", lang, predicted=literal(predicted)), anchor=False)
    st.markdown(dependence_sentence(dependence, text[: answer["position"] + 1], predicted, lang))
    st.caption(t("inspect.dependence.how", lang, predicted=literal(predicted)))
