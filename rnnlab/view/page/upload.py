"""A place to put files, in the reader's language.

Streamlit's own says "Upload", "200MB per file • TXT" and why it does not take a file in English alone, and a limit of
its own: of the browser, not of what we read. These words are covered here; what is allowed, the page itself says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import session

MAX_MB = 20
"""What the browser lets through: an exported run as large as may be, and any text that somebody takes for one, so that
whoever reads the file can say what is wrong with it. The server takes little more (`server.maxUploadSize`)."""

# Streamlit gives the limit and the word on the button no parameter, and says why it refuses a file in a tooltip. The
# button's own word is hidden from the eye alone: not every reader of screens knows what a style writes
_STYLE = """
.{name} [data-testid="stFileUploaderDropzoneInstructions"] {{ display: none }}
.{name} [data-testid="stFileUploaderDropzone"] > span > button > * {{ position: absolute; clip-path: inset(50%) }}
.{name} [data-testid="stFileUploaderDropzone"] > span > button::after {{ content: {choose} }}
.{name} [data-testid="stFileUploaderDropzone"] > div > span:only-child {{ font-size: 0 }}
.{name} [data-testid="stFileUploaderDropzone"] > div > span:only-child::after {{ content: {drop}; font-size: 0.875rem }}
body:has(.{name} [data-testid="stFileChip"][aria-invalid])
    [role="tooltip"]:has([data-testid="stTooltipErrorContent"]) {{ display: none }}
.{name} [data-testid="stFileChip"] [role="alert"] {{ visibility: hidden }}
.{name} [data-testid="stFileChip"] [role="alert"]::after {{ content: {refused}; visibility: visible }}
.{name}:has([data-testid="stFileChip"][aria-invalid])::after {{ content: {refused}; display: block; font-size: 0.875rem;
    margin-top: 0.5rem; color: light-dark(#B3372F, #E5817A) }}
"""


def place(
    label: str,
    *,
    key: str,
    refused: str,
    several: bool = False,
    help: str | None = None,
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> Any:
    """Draw a place for one file, or for `several`; return what lies there, as `st.file_uploader` does.

    Args:
        label: what belongs here.
        key: of the widget.
        refused: what is allowed, said beside a file that the browser did not send: one of more than `MAX_MB`.
        several: whether it takes more than one.
        help: more about what belongs here.
        on_change: called when files are put here or taken away.
        args: of `on_change`.
    """
    lang = session.language()
    style = _STYLE.format(
        name="st-key-" + re.sub("[^a-zA-Z0-9_-]", "-", key),
        choose=_css_text(t("upload.choose", lang)),
        drop=_css_text(t("upload.drop", lang)),
        refused=_css_text(refused),
    )
    st.markdown(f"<style>{style}</style>", unsafe_allow_html=True, width="content")
    return st.file_uploader(
        label,
        accept_multiple_files=several,
        max_upload_size=MAX_MB,
        key=key,
        help=help,
        on_change=on_change,
        args=args,
    )


def _css_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
