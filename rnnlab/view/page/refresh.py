"""Draw a part of a page again while the rest stands still."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def moving(draw: Callable[[], object], every: float | None = None, rest: object = None) -> None:
    """Draw a part of the page, and draw it again every so many seconds while the rest stands still.

    Streamlit identifies a fragment by its function and position. All of ours have one function, so the chart of a
    recorded run, or of one that has not begun, goes on as that of the run that is started in its place.

    Args:
        draw: draws the part, and returns the state that the rest of the page depends on.
        every: seconds between two drawings; None for a part that stands still.
        rest: that state as the rest of the page was drawn; when `draw` returns another, the whole page runs again.
    """

    def picture() -> None:
        if draw() != rest:
            st.rerun()

    st.fragment(run_every=every)(picture)()
