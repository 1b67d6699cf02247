"""The Compare page in a real browser: the URL restores it, and it fits a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import Server

pytestmark = pytest.mark.browser

WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain]')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""


def test_pins_in_the_url_survive_a_reload_and_fit_a_phone(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?pins=recorded:A1,recorded:A2,recorded:A3&by=characters&lang=en", width=390)
    expect(page.get_by_role("button", name="A3 recorded")).to_be_visible()
    page.get_by_role("button", name="A2 recorded").click()
    expect(page.get_by_role("button", name="A2 recorded")).to_have_count(0)
    page.wait_for_url("**pins=recorded%3AA1%2Crecorded%3AA3**")
    page.reload()
    expect(page.get_by_role("button", name="A3 recorded")).to_be_visible()
    expect(page.get_by_role("button", name="A2 recorded")).to_have_count(0)
    chart = page.locator(".lab-canvas")
    expect(chart.get_by_text("characters seen")).to_be_visible()
    # both curves, with labels at their ends
    expect(chart.get_by_text("A1", exact=True).last).to_be_visible()
    expect(chart.get_by_text("A3", exact=True).last).to_be_visible()
    for view in ("Race", "Random seeds", "Scratch = library?", "Curves"):
        page.get_by_text(view, exact=True).first.click()
        page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
        assert page.evaluate(WIDE) == []
        expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "recorded%3AA1" in page.url


def test_back_leads_to_the_choice_before(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?pins=recorded:A1,recorded:A2&lang=en")
    title = page.locator(".lab-canvas").get_by_text("characters seen")
    expect(page.locator(".lab-canvas").get_by_text("epoch", exact=True)).to_be_visible()
    expect(title).to_have_count(0)
    page.get_by_text("by characters", exact=True).click()
    expect(title).to_be_visible()
    page.wait_for_url("**by=characters**")
    page.go_back()
    expect(title).to_have_count(0)
    page.wait_for_url(lambda url: "by=" not in url)
    expect(page.get_by_test_id("stException")).to_have_count(0)
