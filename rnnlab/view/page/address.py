"""The address of a page: its parameters in the URL, and the way to other pages."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from rnnlab.view.page.session import language

PAGES = {
    "home": ("pages/home.py", ":material/home:"),
    "train": ("pages/train.py", ":material/show_chart:"),
    "compare": ("pages/compare.py", ":material/stacked_line_chart:"),
    "diagnose": ("pages/diagnose.py", ":material/stethoscope:"),
    "inspect": ("pages/inspect.py", ":material/biotech:"),
    "lessons": ("pages/lessons.py", ":material/school:"),
    "runs": ("pages/runs.py", ":material/history:"),
}


def parameters(**changes: str | None) -> None:
    """Set (or, with None, remove) parameters of the URL; nothing is sent where they are so already."""
    for name, value in changes.items():
        if value is None:
            if name in st.query_params:
                del st.query_params[name]
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def open_page(name: str, parameters: Mapping[str, str] | None = None) -> None:
    """Go to another page and keep the language."""
    st.switch_page(PAGES[name][0], query_params={"lang": language(), **(parameters or {})})
