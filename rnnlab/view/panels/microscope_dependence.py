"""On which earlier characters a prediction depends."""

from __future__ import annotations

from typing import Any

import streamlit as st

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.microscope import Dependence
from rnnlab.view.microscope_words import dependence_sentence, shown


def draw(text: str, answer: dict[str, Any], found: Dependence) -> None:
    """Say on what the prediction after the chosen character depends, and how that is measured."""
    lang = shell.language()
    predicted = answer["predicted"]
    st.subheader(t("inspect.dependence.title", lang, predicted=shown(predicted)), anchor=False)
    st.markdown(dependence_sentence(found, text[: answer["position"] + 1], predicted, lang))
    st.caption(t("inspect.dependence.how", lang, predicted=shown(predicted)))
