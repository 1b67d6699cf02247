"""What a person should know about the folder of all data."""

from __future__ import annotations

import streamlit as st

from rnnlab import private
from rnnlab.view.language.i18n import t
from rnnlab.view.page import session


def draw() -> None:
    """Draw a warning if other users of the machine can look into the folder."""
    if private.is_private(session.client().home) is False:
        st.warning(t("runs.not_private", session.language()), icon=":material/lock_open:")
