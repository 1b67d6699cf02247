"""Warnings about the folder where runs are stored."""

from __future__ import annotations

import streamlit as st

from rnnlab import private
from rnnlab.runs.home import damaged_stores
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.page import session


def draw() -> None:
    """Draw a warning if a damaged store was set aside, and if other users of the machine can look into the folder."""
    home, lang = session.client().home, session.language()
    names = t("list.join", lang).join(map(plain, damaged_stores(home)))
    if names:
        st.warning(t("runs.set_aside", lang, names=names), icon=":material/healing:")
    if private.is_private(home) is False:
        st.warning(t("runs.not_private", lang), icon=":material/lock_open:")
