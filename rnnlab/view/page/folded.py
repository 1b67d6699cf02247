"""Folded sections and popovers, whose contents are sent to the browser only when open.

Every widget costs the browser a few milliseconds per run of the page, even when it is hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import session

PREFIX = "folded."
"""Prefix of the session's keys that hold whether a section is open."""


def section(name: str, draw: Callable[[], object], *, icon: str | None = None, expanded: bool = False) -> None:
    """Draw a section titled by the key `name`; its contents are drawn only while it is open."""
    # with another initial state it is another widget: what a visitor did to the first does not apply
    key = f"{PREFIX}{name}{'.expanded' if expanded else ''}"
    section = st.expander(t(name, session.language()), expanded, key=key, icon=icon, on_change="rerun")
    if section.open:
        with section:
            draw()


def popover(
    name: str, draw: Callable[[], object], *, key: str, icon: str, quiet: bool = True, help: str | None = None
) -> None:
    """Draw a button titled by the key `name` that opens a popover; its contents are drawn only while it is open.

    Args:
        name: key of the title in the locale files.
        draw: draws the contents.
        key: key of the widget.
        icon: icon of the button.
        quiet: whether to draw the button without a frame.
        help: tooltip of the button.
    """
    kind: Literal["tertiary", "secondary"] = "tertiary" if quiet else "secondary"
    opened = st.popover(t(name, session.language()), type=kind, help=help, icon=icon, key=key, on_change="rerun")
    if opened.open:
        with opened:
            draw()
