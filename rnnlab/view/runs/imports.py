"""Import exported runs from files, with or without a checkpoint."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.export import MAX_BYTES
from rnnlab.runs.limits import CHECKPOINT_MB
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session, upload
from rnnlab.view.page.forms import Edition, Problems

_FORM, _REFUSED = Edition("run_import"), Problems("run_import")
_TAKEN = "run_import.taken"
MAX_FILES = 20


def draw() -> None:
    """Draw the upload of exported runs; a single valid file is opened, several are counted."""
    lang = session.language()
    with st.expander(t("runs.import", lang), icon=":material/upload:", expanded=len(_REFUSED) > 0):
        key = _FORM.key("files")
        allowed = MAX_BYTES // 2**20
        upload.place(
            t("runs.import.label", lang, allowed=allowed, checkpoint=CHECKPOINT_MB),
            key=key,
            refused=t("runs.import.not_taken", lang, allowed=allowed, checkpoint=CHECKPOINT_MB),
            several=True,
            allowed_mb=CHECKPOINT_MB,
            help=t("runs.import.help", lang),
            on_change=_take,
            args=(key,),
        )
        refused = len(_REFUSED)
        _REFUSED.show()
    taken = st.session_state.pop(_TAKEN, None)
    if taken and len(taken) == 1 and not refused:
        address.open_page("train", {"run": taken[0]})
    elif taken:
        st.success(t("runs.import.taken", lang, count=len(taken)), icon=":material/check:")


def _take(key: str) -> None:
    taken: list[str] = []
    for file in upload.received(key)[:MAX_FILES]:
        try:
            taken.append(session.client().import_run(file.getvalue()))
        except RNNLabError as error:
            _REFUSED.add(error, about=file.name[:80])
    st.session_state[_TAKEN] = taken
    _FORM.renew()
