"""Accessibility checks themselves: they find what they look for. What is checked with them is in `test_every_page`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.checks import mute, serious, settle
from tests.browser.server import Server

pytestmark = pytest.mark.browser


def test_a_chart_that_says_nothing_and_text_that_is_too_faint_are_found(
    server: Server, visit: Callable[..., Page]
) -> None:
    page = visit(f"{server.url}/lessons?lesson=perplexity&lang=en")
    settle(page)
    assert mute(page) == []
    chart = page.locator(".lab-canvas").first
    for said in ("", "Perplexity"):
        chart.evaluate("(e, said) => e.setAttribute('aria-label', said)", said)
        # its axes still have descriptions
        assert chart.locator("[aria-label]").count() > 1
        assert len(mute(page)) == 1
    page.add_style_tag(content="[data-testid=stMarkdownContainer] p { color: #bbb !important }")
    assert any("color-contrast" in problem for problem in serious(page))
