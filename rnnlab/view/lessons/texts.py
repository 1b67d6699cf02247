"""The texts that come with the app, as the lessons on texts use them."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import corpus_title
from rnnlab.view.page import session

# the recipes that train on the embedded texts, with the preprocessing of the first and the second edition
_RECIPES = {"lyrics-zh": "A2", "verse-en": "B1"}


def choose(lesson: str) -> str:
    """Draw the choice of a text, and return it; by default the one in the language of the page."""
    lang = session.language()
    corpus = st.segmented_control(
        t("field.corpus", lang),
        list(_RECIPES),
        default="lyrics-zh" if lang == "zh" else "verse-en",
        key=session.key(f"lesson.{lesson}.corpus"),
        format_func=lambda name: corpus_title(name, lang),
        required=True,
    )
    return str(corpus)


def facts(corpus: str) -> TextFacts:
    """Return the facts of a text, prepared as its edition of the book does."""
    return session.facts().of(RECIPES[_RECIPES[corpus]].config)
