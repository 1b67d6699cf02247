"""Who cannot see, cannot use a mouse, or reads in poor light: what axe-core finds, and the way of the Tab key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from rnnlab.view.shell import PAGES
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

# (rule, part of the element's own HTML) -> why it stays
KNOWN = {
    # Streamlit lets a wide formula scroll in its own box and has no way to make that box focusable; the code beside it
    # says the same
    ("scrollable-region-focusable", "katex-display"),
}
# standing still, so that nothing is drawn while it is looked at
ADDRESSES = {
    "home": "?recording=A6&epoch=160&",
    "train": "train?recipe=A6&epoch=160&",
    **{name: f"{name}?" for name in PAGES if name not in ("home", "train")},
}


def settle(page: Page) -> None:
    """Wait until the page is whole."""
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def serious(page: Page) -> list[str]:
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not any(one["id"] == rule and part in node["html"] for rule, part in KNOWN)
    ]


def test_every_page_has_an_address_here() -> None:
    assert set(ADDRESSES) == set(PAGES)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_axe_finds_nothing_serious(name: str, dark: bool, server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/{ADDRESSES[name]}lang={'zh' if dark else 'en'}", dark=dark)
    settle(page)
    assert serious(page) == []


def test_axe_sees_what_is_too_faint(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/runs?lang=en")
    settle(page)
    page.add_style_tag(content="[data-testid=stMarkdownContainer] p { color: #bbb !important }")
    assert any("color-contrast" in one for one in serious(page))


def test_the_tour_and_slides_are_as_good(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?recipe=A6&epoch=160&lang=en")
    settle(page)
    page.get_by_role("button", name="Take the tour").click()
    expect(page.get_by_text("Step 1 of 5")).to_be_visible()
    assert serious(page) == []
    page = visit(f"{server.url}/train?recipe=A6&epoch=160&lang=en&embed=true", dark=True)
    expect(page.get_by_text("epoch 160/160")).to_be_visible()
    settle_chart(page)
    assert serious(page) == []


def settle_chart(page: Page) -> None:
    page.locator("[data-testid=stVegaLiteChart] svg").first.wait_for()


@pytest.mark.parametrize("name", ["home", "train", "compare", "diagnose", "lessons"])
def test_every_chart_says_what_it_shows(name: str, server: Server, visit: Visit) -> None:
    address = "lessons?lesson=perplexity&" if name == "lessons" else ADDRESSES[name]
    page = visit(f"{server.url}/{address}lang=en")
    settle(page)
    settle_chart(page)
    charts = page.locator("[data-testid=stVegaLiteChart]")
    for i in range(charts.count()):
        said = charts.nth(i).evaluate(
            "e => [e, ...e.querySelectorAll('[aria-label]')].map(one => one.getAttribute('aria-label') || '').join(' ')"
        )
        assert len(said) > 40
    if name in ("home", "train"):  # what came out, not only what is drawn
        assert "7.9888" in str(charts.first.get_attribute("aria-label"))
    images = page.locator("[data-testid=stMarkdown] img")
    for i in range(images.count()):
        assert images.nth(i).get_attribute("alt")


# what a hand can use, in the order of the page; of a group of choices Tab reaches one, and the arrow keys the others
REACHABLE = """() => [...document.querySelectorAll(
    ':is([data-testid=stSidebarUserContent], [data-testid=stMain]) :is(a, button, input, textarea, summary)'
)].filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true})
    && !e.closest('[data-testid=stElementToolbar]'))"""
GROUPED = "e => e.getAttribute('role') === 'radio' ? e.parentElement : e"


@pytest.mark.parametrize("name", ADDRESSES)
def test_tab_reaches_every_control_in_the_order_of_the_page(name: str, server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/{ADDRESSES[name]}lang=en")
    settle(page)
    wanted = page.evaluate(
        f"""() => {{
            window.wanted = ({REACHABLE})();
            window.reached = [];
            addEventListener("focusin", event => window.reached.push(event.target), true);
            return window.wanted.length;
        }}"""
    )
    assert wanted > 3
    for _ in range(wanted + 40):
        page.keyboard.press("Tab")
    missed = page.evaluate(
        f"""() => {{
            const group = {GROUPED}, reached = window.reached.filter(e => e).map(group);
            return window.wanted.filter(e => !reached.includes(group(e))).map(e => e.outerHTML.slice(0, 200));
        }}"""
    )
    assert missed == []
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
