"""The language of the pages: that of the browser, until it is switched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import Server

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("locale", "expected"), [("zh-CN", "记录"), ("en-GB", "Runs"), ("fr-FR", "Runs")])
def test_the_language_is_that_of_the_browser_until_it_is_switched(
    locale: str, expected: str, server: Server, visit: Callable[..., Page]
) -> None:
    page = visit(f"{server.url}/runs", locale=locale)
    expect(page.get_by_role("heading", name=expected, exact=True)).to_be_visible()
    other, name = ("EN", "Runs") if expected == "记录" else ("中文", "记录")
    page.get_by_role("radio", name=other, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    page.wait_for_url("**lang=en**" if name == "Runs" else "**lang=zh**")
    page.reload()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
