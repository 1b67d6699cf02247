"""Phone, projector, embedding, keyboard only; and the cost of recorded runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from rnnlab.view.page.address import PAGES
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
TOO_WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain], [data-testid=stSidebarContent]')]
    .filter(e => e.clientWidth > 100 && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
# texts that do not fit into their buttons, and headings that do not fit the page
CUT = """() => [...document.querySelectorAll('[data-testid=stMain] :is(button p, h1, h2, h3)')]
    .filter(e => e.getClientRects().length && getComputedStyle(e).clipPath === 'none')
    .filter(e => !e.closest('.st-key-frame-title'))
    .filter(e => e.scrollWidth > e.clientWidth + 2).map(e => e.outerHTML.slice(0, 200))"""


BODY = "[data-testid=stMain] [data-testid=stMarkdown] p"


def path(name: str) -> str:
    return "" if name == "home" else name


def settle(page: Page) -> None:
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")


def type_size(page: Page) -> float:
    size: float = page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{BODY}')).fontSize)")
    return size


def test_larger_type_fits_every_page(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?lang=en")
    settle(page)
    usual = type_size(page)
    for name in PAGES:
        page.goto(f"{server.url}/{path(name)}?lang=en&projector=1")
        settle(page)
        expect(page.get_by_role("switch", name="Large type")).to_be_checked()
        if page.locator(BODY).count():
            assert type_size(page) >= 1.25 * usual, name
        for width in (1440, 1024):
            page.set_viewport_size({"width": width, "height": 900})
            # charts follow the width of the page a moment later
            page.wait_for_function(f"innerWidth === {width} && ({TOO_WIDE})().length === 0")
            assert page.evaluate(CUT) == [], (name, width)


def await_type(page: Page, size: float) -> None:
    page.wait_for_function(
        "([part, size]) => (e => e && parseFloat(getComputedStyle(e).fontSize) === size)(document.querySelector(part))",
        arg=[BODY, size],
    )


def test_larger_type_is_switched_kept_and_switched_back(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?lang=en&recording=A6&epoch=160")
    settle(page)
    await_type(page, 16)
    # the switch is drawn over its input
    page.locator("label").filter(has_text="Large type").click()
    page.wait_for_url("**projector=1**")
    await_type(page, 20)
    label = page.locator(".lab-canvas text", has_text="unigram").first
    label.wait_for()
    assert label.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 1.25 * 11
    page.get_by_test_id("stTopNav").get_by_role("link", name="Runs").click()
    page.wait_for_url("**/runs**projector=1**")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    await_type(page, 20)
    page.reload()
    await_type(page, 20)
    page.locator("label").filter(has_text="Large type").click()
    page.wait_for_function("!location.search.includes('projector')")
    await_type(page, 16)


@pytest.mark.parametrize("address", ["train?recipe=A6&epoch=160", "?recording=A6&epoch=160"])
@pytest.mark.parametrize("width", [1440, 390])
def test_in_a_slide_there_is_the_run_and_nothing_around_it(
    address: str, width: int, server: Server, visit: Visit
) -> None:
    page = visit(f"{server.url}/{address}&lang=zh&embed=true", width=width)
    expect(page.get_by_text("周期 160/160")).to_be_visible()
    page.locator(".lab-canvas svg").first.wait_for()
    expect(page.locator("[data-testid=stHtml]")).to_have_count(2)
    for part in ("stTopNav", "stTopNavLink", "stSidebar"):
        expect(page.get_by_test_id(part)).to_have_count(0)
    expect(page.get_by_role("heading")).to_have_count(0)
    expect(page.get_by_role("button", name="开始")).to_have_count(0)
    assert page.evaluate(TOO_WIDE) == []


def test_a_recorded_run_plays_to_its_end_and_then_costs_nothing(fresh_server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(len(data))))
    page.goto(f"{fresh_server.url}/?lang=en&recording=X5")
    page.get_by_role("radio", name="16×").or_(page.get_by_role("button", name="16×")).first.click()
    expect(page.get_by_text("epoch 250/250")).to_be_visible(timeout=60_000)  # it takes some seconds
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    settle(page)
    page.wait_for_timeout(1000)  # requests already sent
    stood = len(frames)
    page.wait_for_timeout(2500)  # five frames of a run that plays
    assert len(frames) == stood
    # one step of the slider draws one frame, and the address has the epoch
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**epoch=249**")
    expect(page.get_by_text("epoch 249/250")).to_be_visible()
    page.reload()
    expect(page.get_by_text("epoch 249/250")).to_be_visible()
    assert list(Store(fresh_server.home / DATABASE).runs()) == []


def test_the_tour_is_walked_by_the_keyboard_alone(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?recording=A6&epoch=160&lang=en")
    settle(page)
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    for step in range(1, 6):
        expect(page.get_by_text(f"Step {step} of 5")).to_be_visible()
        # the card does not block the part it is about
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
        page.get_by_role("button", name="Next" if step < 5 else "Done").focus()
        page.keyboard.press("Enter")
    expect(page.get_by_text("Step 5 of 5")).to_have_count(0)
