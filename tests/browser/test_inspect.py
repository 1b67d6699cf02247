"""The Inspect page in a browser: a tap on a character, a phone, a reload."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.language.i18n import t
from tests.browser.checks import settle, share_on_screen
from tests.browser.server import Server

pytestmark = pytest.mark.browser

READY = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"


def test_a_tap_on_a_character_shows_what_comes_next_and_survives_a_reload(
    server: Server, visit: Callable[..., Page], run_id: str
) -> None:
    page = visit(f"{server.url}/inspect?lang=en&run={run_id}&text=清晨六点的小巷", width=390)
    box = page.get_by_role("option").nth(4)
    box.click()
    page.wait_for_url("**at=5**")
    expect(page.get_by_text("Character 5/7")).to_be_visible()
    expect(page.get_by_role("heading", name="After “的”: the next character")).to_be_visible()
    # by keyboard too
    page.get_by_role("listbox", name="The text").press("ArrowLeft")
    page.wait_for_url("**at=4**")
    page.get_by_role("radio", name="Hidden state and gates").or_(
        page.get_by_role("button", name="Hidden state and gates")
    ).first.click()
    page.wait_for_url("**view=states**")
    page.reload()
    expect(page.get_by_text("Character 4/7")).to_be_visible()
    expect(page.get_by_text("Unit", exact=False).first).to_be_visible()
    page.wait_for_function(READY)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('html, body, [data-testid=stMain]')]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert wide == []
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("view", "width", "height", "lowest"), [
    ("next", 1280, 720, 640),
    ("states", 1280, 720, 600),
    ("states", 1024, 768, 660),
    ("states", 390, 844, 1100),
])  # fmt: skip
def test_the_chart_begins_near_the_text_that_it_belongs_to(
    server: Server, visit: Callable[..., Page], view: str, width: int, height: int, lowest: int, lang: str
) -> None:
    # at 1024 pixels the network with the most gates, whose choice and that of the units share a row
    recording = "A6" if width == 1024 else {"zh": "A3", "en": "B3"}[lang]
    page = visit(f"{server.url}/inspect?lang={lang}&recording={recording}&view={view}", width=width)
    page.set_viewport_size({"width": width, "height": height})
    settle(page)
    chart = page.locator(".lab-canvas").first.bounding_box()
    assert chart is not None
    assert chart["y"] <= lowest
    assert share_on_screen(page.get_by_role("listbox")) == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", ["inspect", "diagnose"])
def test_what_a_page_is_about_is_not_cut_off_on_a_small_screen(
    server: Server, visit: Callable[..., Page], path: str, lang: str
) -> None:
    page = visit(f"{server.url}/{path}?lang={lang}", width=1024)
    lead = page.get_by_text(t(f"{path}.lead", lang), exact=True)
    expect(lead).to_be_visible()
    settle(page)
    assert lead.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize(
    ("address", "width"),
    [("inspect?recording=A6", 1280), ("train?recipe=A2&epoch=250", 1280), ("train?recipe=A2&epoch=250", 390)],
)
def test_a_chart_that_is_still_to_come_has_its_place(
    server: Server, visit: Callable[..., Page], address: str, width: int
) -> None:
    page = visit(f"{server.url}/{address}&lang=en", width=width)
    chart = page.locator(".lab-canvas").first
    drawn = chart.locator("svg")
    expect(drawn).to_be_visible()
    settle(page)
    before = chart.bounding_box()
    page.route("**/lab/plot-*.js", lambda route: route.abort())
    page.reload()
    settle(page)
    expect(drawn).to_have_count(0)
    assert chart.bounding_box() == before
    # the connection is back
    page.unroute_all()
    expect(drawn).to_be_visible()
    settle(page)
    assert chart.bounding_box() == before


def test_in_large_type_the_text_to_read_keeps_its_width(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/inspect?lang=en&projector=1", width=1024)
    field = page.locator(".st-key-inspect-text-row input").first
    expect(field).to_be_visible()
    page.wait_for_function(READY)
    root = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    assert field.evaluate(f"(field) => field.clientWidth / {root}") > 15  # in the size of the type
