"""Redraw a part of a page while the rest stays."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.page import session


def moving(draw: Callable[[], object], every: float | None = None, rest: object = None) -> None:
    """Draw a part of the page, and redraw it at intervals while the rest stays.

    Streamlit identifies a fragment by its function and position. All fragments drawn here share one function, so that
    the chart of a recording or of a preview is kept when a run is started in its place.

    Args:
        draw: draws the part and returns the state that the rest of the page depends on.
        every: seconds between two drawings; None to draw only once.
        rest: the state with which the rest of the page was drawn; when `draw` returns another, the whole page is rerun.
    """

    def picture() -> None:
        try:
            state = draw()
        except RNNLabError as error:  # the stored runs cannot be read now
            session.show_error(error)
            return
        if state != rest:
            st.rerun()

    st.fragment(run_every=every)(picture)()
