"""What is folded away until somebody wants it: the browser gets it when it is opened.

Every widget costs the browser a few milliseconds each time that the page is drawn, also where nobody sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import session

PREFIX = "folded."
"""Keys of the session's state that say whether a section is open begin so."""


def section(name: str, draw: Callable[[], object], *, icon: str | None = None, expanded: bool = False) -> None:
    """Draw a section with the title `name` of the catalogue; what is in it, only while it is open."""
    # where it begins otherwise, it is another one: what a visitor did to the first says nothing of the second
    key = f"{PREFIX}{name}{'.expanded' if expanded else ''}"
    section = st.expander(t(name, session.language()), expanded, key=key, icon=icon, on_change="rerun")
    if section.open:
        with section:
            draw()


def popover(
    name: str, draw: Callable[[], object], *, key: str, icon: str, quiet: bool = True, help: str | None = None
) -> None:
    """Draw a button with the title `name` of the catalogue that opens a popover; what is in it, only while it is open.

    Args:
        name: a key of the catalogue.
        draw: draws what is in it.
        key: of the widget.
        icon: of the button.
        quiet: without a frame around the button.
        help: more about it.
    """
    kind: Literal["tertiary", "secondary"] = "tertiary" if quiet else "secondary"
    opened = st.popover(t(name, session.language()), type=kind, help=help, icon=icon, key=key, on_change="rerun")
    if opened.open:
        with opened:
            draw()
