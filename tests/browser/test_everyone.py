"""Phone, projector, embedding, keyboard only; and the cost of recorded runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from tests.browser.checks import resize, serious, settle, too_wide
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
BODY = "[data-testid=stMain] [data-testid=stMarkdown] p"


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
    # the chart is drawn anew, after the page has been
    page.wait_for_function(
        "size => [...document.querySelectorAll('.lab-canvas text')].some("
        "e => e.textContent.includes('unigram') && parseFloat(getComputedStyle(e).fontSize) >= size)",
        arg=1.25 * 11,
    )
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
def test_in_a_slide_there_is_the_run_and_nothing_around_it(address: str, server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/{address}&lang=zh&embed=true", width=390, dark=True)
    expect(page.get_by_text("周期 160/160")).to_be_visible()
    page.locator(".lab-canvas svg").first.wait_for()
    expect(page.locator("[data-testid=stHtml]:not([class*=st-key-strip] *)")).to_have_count(2)
    for part in ("stTopNav", "stTopNavLink", "stSidebar"):
        expect(page.get_by_test_id(part)).to_have_count(0)
    expect(page.get_by_role("heading")).to_have_count(0)
    expect(page.get_by_role("button", name="开始")).to_have_count(0)
    assert too_wide(page) == []
    resize(page, 1440)
    assert serious(page) == []


def runs_of(server: Server) -> list[str]:
    with Store(server.home / DATABASE) as store:
        return [record.id for record in store.runs(limit=500)]


def test_a_recorded_run_plays_to_its_end_and_then_costs_nothing(server: Server, visit: Visit) -> None:
    before = runs_of(server)
    page = visit("about:blank")
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(len(data))))
    page.goto(f"{server.url}/?lang=en&recording=X5")
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
    assert runs_of(server) == before


# whether the frame of the tour is whole, for each thing that has one: nothing around it cuts it off
FRAMES = """() => [...document.querySelectorAll('[class*=st-key-]')]
    .filter(e => getComputedStyle(e).outlineStyle === 'dashed')
    .map(e => {
        const frame = e.getBoundingClientRect()
        for (let box = e.parentElement; box.dataset.testid !== 'stMain'; box = box.parentElement) {
            const edge = box.getBoundingClientRect()
            if (getComputedStyle(box).overflowX !== 'visible' && (frame.left - 6 < edge.left
                || frame.right + 6 > edge.right || frame.top - 6 < edge.top || frame.bottom + 6 > edge.bottom))
                return false
        }
        return true
    })"""


def test_the_tour_is_walked_by_the_keyboard_alone(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?recording=A6&epoch=160&lang=en")
    settle(page)
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    for step in range(1, 6):
        expect(page.get_by_text(f"Step {step} of 5")).to_be_visible()
        if step == 1:
            assert serious(page) == []
        # the frame around the part it is about is whole, and the card does not block that part
        assert page.evaluate(FRAMES) == [True]
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
        page.get_by_role("button", name="Next" if step < 5 else "Done").focus()
        page.keyboard.press("Enter")
    expect(page.get_by_text("Step 5 of 5")).to_have_count(0)
