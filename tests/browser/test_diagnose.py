"""The Diagnose page in a browser: it fits a phone, and its topic survives a reload."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import lead, settle, share_on_screen
from tests.browser.server import Server

pytestmark = pytest.mark.browser

WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain]')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
IDLE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


def test_every_topic_fits_a_phone_and_survives_a_reload(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/diagnose?lang=en", width=390, dark=True)
    headings = {
        "Both directions": ("directions", "What it writes"),
        "Clipping": ("clipping", "Why the published clipping did nothing"),
        "Overfitting": ("overfitting", "How much of what it writes is copied"),
        "Six layers": ("layers", "How far the gradient reaches"),
    }
    for label, (topic, heading) in headings.items():
        page.get_by_role("radio", name=label).or_(page.get_by_role("button", name=label)).first.click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.wait_for_url(f"**topic={topic}**")
        page.wait_for_function(IDLE)
        assert page.evaluate(WIDE) == [], topic
        expect(page.get_by_test_id("stException")).to_have_count(0)
    lead(page, "/diagnose?topic=clipping&recording=A8")
    expect(page.get_by_role("heading", name=headings["Clipping"][1])).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=headings["Clipping"][1])).to_be_visible()
    assert "topic=clipping" in page.url
    assert "recording=A8" in page.url


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("topic", ["layers", "clipping", "overfitting"])
def test_the_curve_of_a_topic_is_on_the_first_screen(
    server: Server, visit: Callable[..., Page], topic: str, lang: str
) -> None:
    page = visit(f"{server.url}/diagnose?topic={topic}&lang={lang}", width=390)
    settle(page)
    curve = page.locator(".lab-canvas").first
    assert share_on_screen(curve) > 0.8
    page.set_viewport_size({"width": 1280, "height": 720})
    settle(page)
    assert share_on_screen(curve) == 1
