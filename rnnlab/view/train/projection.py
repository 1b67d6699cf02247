"""The stage: curve, texts, four large buttons and a QR code, and nothing else. It is what a teacher projects."""

from __future__ import annotations

import streamlit as st

from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session, share
from rnnlab.view.train.address import ADDRESS


def arrive() -> None:
    """Switch the stage on or off as the URL says, when a visit begins."""
    address.once("projection", _read_url)


def _read_url() -> None:
    st.session_state[session.STAGE] = ADDRESS.get("stage") == "1"


def switch() -> None:
    """Draw the button that switches the stage on and off, also by the key F."""
    lang, is_on = session.language(), session.stage()
    st.button(
        t("projection.leave" if is_on else "projection.enter", lang),
        key="projection.switch",
        icon=":material/fullscreen_exit:" if is_on else ":material/fullscreen:",
        help=t("projection.help", lang),
        shortcut="f",
        type="tertiary",
        on_click=_toggle,
    )


def _toggle() -> None:
    st.session_state[session.STAGE] = not session.stage()
    ADDRESS.write(stage="1" if session.stage() else None)


def code(record: RunRecord | None) -> None:
    """Draw the button that shows the QR code of the run, or of the page, over the whole screen."""
    lang = session.language()
    if st.button(t("projection.code", lang), key="projection.code", icon=":material/qr_code_2:"):
        _show_code(record)


def _show_code(record: RunRecord | None) -> None:
    lang = session.language()
    parameters = {"run": record.id, "lang": lang} if record is not None else {**address.everything(), "lang": lang}
    parameters.pop("stage", None)

    @st.dialog(t("projection.code.title", lang), width="large")
    def dialog() -> None:
        share.draw_large(share.address("train", parameters))

    dialog()
