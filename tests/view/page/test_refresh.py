"""A part of a page that is redrawn by itself, and what makes the whole page run again."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    """A page that depends on the state of a run, whose state changes while a part is drawn."""
    import streamlit as st

    from rnnlab.view.page import refresh

    world = st.session_state
    world.pages = world.get("pages", 0) + 1
    st.title(world.state)

    def draw() -> str:
        world.state = world.news.pop(0) if world.news else world.state
        st.markdown(world.state)
        return str(world.state)

    refresh.moving(draw, world.every, world.state)


@pytest.mark.parametrize("every", [None, 0.9])
@pytest.mark.parametrize(
    ("news", "pages"),
    [([], 1), (["running"], 1), (["paused"], 2), (["paused", "finished"], 3), (["paused", "paused"], 2)],
)
def test_the_page_runs_again_when_its_part_finds_another_state(
    every: float | None, news: list[str], pages: int
) -> None:
    app = AppTest.from_function(page)
    for name, value in {"state": "running", "news": list(news), "every": every}.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    assert app.session_state["pages"] == pages
    last = [*["running"], *news][-1]
    assert (app.title[0].value, app.markdown[0].value) == (last, last)


def test_a_part_that_returns_nothing_leaves_the_page_alone() -> None:
    def still() -> None:
        import streamlit as st

        from rnnlab.view.page import refresh

        st.session_state.pages = st.session_state.get("pages", 0) + 1
        refresh.moving(lambda: None)

    app = AppTest.from_function(still).run()
    assert not app.exception
    assert app.session_state["pages"] == 1
