"""Whether a page gets its points by events of the server, or polls the store."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.view.page import plot


def page() -> None:
    """A page that notes whether it is served by events, and gives up as often as it is told to."""
    import streamlit as st

    from rnnlab.view.page import plot

    for _ in range(st.session_state.get("charts", 0)):
        plot.start_polling()
    st.session_state.pushed = plot.pushes()


def test_the_events_are_tried_again_more_and_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "_scripts", ["lab/plot.js"])
    now = 1000.0
    monkeypatch.setattr(plot.time, "monotonic", lambda: now)
    app = AppTest.from_function(page)

    def pushed(charts: int = 0) -> bool:
        app.session_state["charts"] = charts
        app.run()
        assert not app.exception
        return bool(app.session_state["pushed"])

    assert pushed()
    for seconds in (60, 120, 240, 480, 900, 900):
        assert not pushed(charts=3)  # each chart of a page gives up
        now += seconds - 1
        assert not pushed()
        now += 1
        assert pushed()
