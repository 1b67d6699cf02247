"""Runs from elsewhere: files that were exported, read in and opened."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.export import MAX_BYTES
from rnnlab.view.language.i18n import error_text, plain, t
from rnnlab.view.page import address, session, upload

_EDITION, _REFUSED, _TAKEN = "run_import.edition", "run_import.refused", "run_import.taken"
MAX_FILES = 20


def draw() -> None:
    """Take in files: a single one that is good is opened; of several it is said how many, and what is wrong."""
    lang = session.language()
    with st.expander(t("runs.import", lang), icon=":material/upload:", expanded=_REFUSED in st.session_state):
        edition = int(st.session_state.get(_EDITION, 0))
        key = f"run_import.files.{edition}"
        allowed = MAX_BYTES // 2**20
        upload.place(
            t("runs.import.label", lang, allowed=allowed),
            key=key,
            refused=t("runs.import.not_taken", lang, allowed=allowed),
            several=True,
            help=t("runs.import.help", lang),
            on_change=_take,
            args=(key,),
        )
        refused = st.session_state.pop(_REFUSED, [])
        for name, error in refused:
            st.error(f"**{plain(name)}**: {error_text(error, lang)}", icon=":material/error:")
    taken = st.session_state.pop(_TAKEN, None)
    if taken and len(taken) == 1 and not refused:
        address.open_page("train", {"run": taken[0]})
    elif taken:
        st.success(t("runs.import.taken", lang, count=len(taken)), icon=":material/check:")


def _take(key: str) -> None:
    refused: list[tuple[str, RNNLabError]] = []
    taken: list[str] = []
    for file in (st.session_state.get(key) or [])[:MAX_FILES]:
        try:
            taken.append(session.client().import_run(file.getvalue()))
        except RNNLabError as error:
            refused.append((file.name[:80], error))
    if refused:
        st.session_state[_REFUSED] = refused
    st.session_state[_TAKEN] = taken
    st.session_state[_EDITION] = int(st.session_state.get(_EDITION, 0)) + 1
