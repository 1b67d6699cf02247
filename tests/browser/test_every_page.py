"""All pages: opened on a projector, in English and light, and on a phone, in Chinese and dark.

The tests of a page follow one another in the tab where it was opened, as opening it takes most of the time. Each test
gives the window its size; the tests that change the theme are the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.compare.address import VIEWS as COMPARE_VIEWS
from rnnlab.view.diagnose.address import TOPICS
from rnnlab.view.inspect.address import VIEWS as INSPECT_VIEWS
from rnnlab.view.language.i18n import t
from rnnlab.view.page.address import PAGES
from tests.browser.checks import await_theme, lead, mute, resize, serious, settle, too_wide
from tests.browser.conftest import Tabs
from tests.browser.server import Server

pytestmark = pytest.mark.browser

PROJECTOR, PHONE = 1440, 390
# without animation, so that nothing is drawn during the checks
ADDRESSES = {
    "home": "?recording=A6&epoch=160&",
    "train": "train?recipe=A6&epoch=160&",
    **{name: f"{name}?" for name in PAGES if name not in ("home", "train")},
}
LESSONS = ("sequence", "k-steps", "tokens", "perplexity", "shapes", "powers", "lstm", "depth", "decoding", "X2")
# other views of the pages, each on one of the two screens only, as they consist of the same parts
ON_THE_PROJECTOR = [
    *(("compare", f"view={view}") for view in COMPARE_VIEWS[1:]),
    *(("lessons", f"lesson={lesson}") for lesson in LESSONS),
    ("train", "num_layers=2"),  # a network that nobody has trained yet
]
ON_THE_PHONE = [
    *(("diagnose", f"topic={topic}") for topic in list(TOPICS)[1:]),
    *(("inspect", f"view={view}") for view in INSPECT_VIEWS),
]
# pages and views without a chart, or without one until something is trained
CHARTLESS = {"inspect", "lessons", "room", "runs", "view=same", "view=dependence", "lesson=shapes", "lesson=X2"}
# texts that do not fit into their buttons, and headings that do not fit the page
CUT = """() => [...document.querySelectorAll('[data-testid=stMain] :is(button p, h1, h2, h3)')]
    .filter(e => e.getClientRects().length && getComputedStyle(e).clipPath === 'none')
    .filter(e => !e.closest('.st-key-frame-title') && e.scrollWidth > e.clientWidth + 2)
    .map(e => e.outerHTML.slice(0, 200))"""
HEADINGS = """() => [...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, h3, h4)')]
    .map(e => Number(e.tagName[1]))"""
BODY = "[data-testid=stMain] [data-testid=stMarkdown] p:not([data-testid=stCaptionContainer] *)"
# focusable elements in the order of the page; Tab reaches one element of a group, the arrow keys the others
REACHABLE = """() => [...document.querySelectorAll(
    ':is([data-testid=stSidebarUserContent], [data-testid=stMain]) :is(a, button, input, textarea, summary)'
)].filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true})
    && !e.closest('[data-testid=stElementToolbar]'))"""
GROUPED = "e => e.getAttribute('role') === 'radio' || e.dataset.variant === 'pills' ? e.parentElement : e"


class Opened(NamedTuple):
    """A page in the tab where it was opened."""

    name: str
    page: Page


@pytest.fixture(scope="module", params=PAGES)
def on_projector(request: pytest.FixtureRequest, server: Server, tabs: Tabs, run_id: str) -> Iterator[Opened]:
    """A page opened on a projector, in English and light."""
    page = tabs.open(f"{server.url}/{ADDRESSES[request.param]}lang=en", width=PROJECTOR)
    settle(page)
    yield Opened(request.param, page)
    tabs.leave(page)


@pytest.fixture(scope="module", params=PAGES)
def on_phone(request: pytest.FixtureRequest, server: Server, tabs: Tabs, run_id: str) -> Iterator[Opened]:
    """A page opened on a phone, in Chinese and dark."""
    page = tabs.open(f"{server.url}/{ADDRESSES[request.param]}lang=zh", width=PHONE, dark=True)
    settle(page)
    yield Opened(request.param, page)
    tabs.leave(page)


def check_access(page: Page, shown: str) -> None:
    """Check that nothing is serious for axe-core, that each chart has a description, and that no heading is skipped."""
    assert serious(page) == []
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels)), levels
    assert mute(page) == []
    assert page.locator(".lab-canvas").count() or shown in CHARTLESS
    expect(page.get_by_test_id("stException")).to_have_count(0)


def check_page(opened: Opened) -> None:
    """Check the access to a page, and that its chart is described by the result, not only by what is drawn."""
    check_access(opened.page, opened.name)
    if opened.name in ("home", "train"):
        chart = opened.page.locator(".lab-canvas").first
        assert "7.9888" in str(chart.get_attribute("aria-label"))


def check_view(opened: Opened, view: str, more: str = "") -> None:
    """Lead a page to one of its views, and check the access to it."""
    lead(opened.page, f"/{opened.name}?{view}{more}")
    assert view == f"view={INSPECT_VIEWS[0]}" or view in opened.page.url  # a default is not written
    check_access(opened.page, view)


def test_every_page_has_an_address_here() -> None:
    assert set(ADDRESSES) == set(PAGES)


def test_a_page_has_nothing_serious_and_its_charts_speak_on_a_projector(on_projector: Opened) -> None:
    resize(on_projector.page, PROJECTOR)
    check_page(on_projector)


def test_tab_reaches_every_control_in_the_order_of_the_page(on_projector: Opened) -> None:
    page = on_projector.page
    resize(page, PROJECTOR)
    wanted = page.evaluate(
        f"""() => {{
            window.wanted = ({REACHABLE})();
            window.reached = [];
            addEventListener("focusin", event => window.reached.push(event.target), true);
            return window.wanted.length;
        }}"""
    )
    assert wanted > 3
    missed = f"""() => {{
        const group = {GROUPED}, reached = window.reached.filter(e => e).map(group);
        return window.wanted.filter(e => !reached.includes(group(e))).map(e => e.outerHTML.slice(0, 200));
    }}"""
    for number in range(wanted + 40):
        page.keyboard.press("Tab")
        if number % 10 == 9 and not page.evaluate(missed):
            break
    assert page.evaluate(missed) == []
    backwards = page.evaluate(
        """() => {
            const first = window.reached.filter((e, i) => window.wanted.includes(e) && window.reached.indexOf(e) === i);
            return first.filter((e, i) => i && first[i - 1].compareDocumentPosition(e) & 2).length;
        }"""
    )
    assert backwards <= 1  # once around the page
    named = page.evaluate(
        """() => window.wanted.filter(e => !(e.innerText || '').trim() && !e.labels?.length && !e.title
            && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert named == []


def test_larger_type_fits(on_projector: Opened) -> None:
    page = on_projector.page
    resize(page, PROJECTOR)
    # the switch is drawn over its input
    switch = page.locator("label").filter(has_text="Large type")
    switch.click()
    page.wait_for_url("**projector=1**")
    expect(page.get_by_role("switch", name="Large type")).to_be_checked()
    if page.locator(BODY).count():
        page.wait_for_function(f"parseFloat(getComputedStyle(document.querySelector('{BODY}')).fontSize) >= 1.25 * 16")
    settle(page)
    for width in (PROJECTOR, 1024):
        resize(page, width)
        assert page.evaluate(CUT) == [], width
    switch.click()
    page.wait_for_url(lambda url: "projector" not in url)
    settle(page)


@pytest.mark.parametrize(("on_projector", "view"), ON_THE_PROJECTOR, indirect=["on_projector"], scope="module")
def test_a_view_has_nothing_serious_and_its_charts_speak_on_a_projector(on_projector: Opened, view: str) -> None:
    resize(on_projector.page, PROJECTOR)
    check_view(on_projector, view)


def test_a_page_fits_a_narrow_window_and_takes_on_the_dark_theme(on_projector: Opened) -> None:
    page = on_projector.page
    resize(page, PHONE)
    await_theme(page, dark=False)
    page.emulate_media(color_scheme="dark")
    await_theme(page, dark=True)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_page_fits_a_phone(on_phone: Opened) -> None:
    name, page = on_phone
    title = "RNN Lab" if name == "home" else t(f"{name}.title", "zh")
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    assert too_wide(page) == []
    await_theme(page, dark=True)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_page_of_a_phone_has_nothing_serious_and_its_charts_speak(on_phone: Opened) -> None:
    resize(on_phone.page, PROJECTOR)
    check_page(on_phone)


@pytest.mark.parametrize(("on_phone", "view"), ON_THE_PHONE, indirect=["on_phone"], scope="module")
def test_a_view_of_a_phone_has_nothing_serious_and_its_charts_speak(on_phone: Opened, view: str, run_id: str) -> None:
    resize(on_phone.page, PROJECTOR)
    check_view(on_phone, view, f"&run={run_id}" if on_phone.name == "inspect" else "")


def test_a_page_of_a_phone_takes_on_the_light_theme(on_phone: Opened) -> None:
    on_phone.page.emulate_media(color_scheme="light")
    await_theme(on_phone.page, dark=False)
