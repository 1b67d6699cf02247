"""Draw a part of a page again while the rest stands still."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def moving(look: Callable[[], None], every: float | None = None) -> None:
    """Draw a part of the page, and draw it again every so many seconds while the rest stands still.

    The browser tells such parts by the function that draws them and by their place. All of ours have one function: so
    the chart of a recorded run, or of one that has not begun, goes on as that of the run that is started in its place.
    """

    def picture() -> None:
        look()

    st.fragment(run_every=every)(picture)()
