"""Accessibility: the findings of axe-core, and the order of the Tab key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from rnnlab.view.compare import state
from rnnlab.view.diagnose import chooser
from rnnlab.view.inspect import address as inspect_address
from rnnlab.view.page.address import PAGES
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

# a description: more than a name, with an end
SENTENCE = re.compile(r"^.{8,}[.。]", re.DOTALL)
# (rule, part of the element's HTML) -> why it is allowed
KNOWN = {
    # Streamlit scrolls a wide formula in a box that it does not make focusable; the code beside it has the same content
    ("scrollable-region-focusable", "katex-display"),
}
# without animation, so that nothing is drawn during the check
ADDRESSES = {
    "home": "?recording=A6&epoch=160&",
    "train": "train?recipe=A6&epoch=160&",
    **{name: f"{name}?" for name in PAGES if name not in ("home", "train")},
}
RUN = "a-run"  # stands for the id of a run
# other views, each in one theme only, as they consist of the same parts
MORE = {
    **{f"diagnose {topic}": f"diagnose?topic={topic}&" for topic in list(chooser.TOPICS)[1:]},
    **{f"compare {view}": f"compare?view={view}&" for view in state.VIEWS[1:]},
    **{f"inspect {view}": f"inspect?run={RUN}&view={view}&" for view in inspect_address.VIEWS},
    **{
        f"lesson {name}": f"lessons?lesson={name}&"
        for name in (
            "sequence",
            "k-steps",
            "tokens",
            "perplexity",
            "shapes",
            "powers",
            "lstm",
            "depth",
            "decoding",
            "X2",
        )
    },
}
# pages and views without a chart, or without one until something is trained
CHARTLESS = {"inspect", "lessons", "runs", "compare same", "inspect dependence", "lesson shapes", "lesson X2"}


def settle(page: Page) -> None:
    """Wait until the page is complete."""
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def serious(page: Page) -> list[str]:
    result: dict[str, Any] = Axe().run(page).response
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not any(violation["id"] == rule and part in node["html"] for rule, part in KNOWN)
    ]


def test_every_page_has_an_address_here() -> None:
    assert set(ADDRESSES) == set(PAGES)


def mute(page: Page) -> list[str]:
    """Return charts and pictures without a description in a sentence.

    What Vega says about an axis or a point is not considered.
    """
    # the browser draws charts after the page is complete
    page.wait_for_function("[...document.querySelectorAll('.lab-canvas')].every(e => e.querySelector('svg'))")
    charts = page.locator(".lab-canvas").evaluate_all(
        "all => all.map(e => [e.getAttribute('aria-label') || '', e.outerHTML.slice(0, 200)])"
    )
    found = [html for said, html in charts if not SENTENCE.search(said)]
    pictures = page.locator("[data-testid=stMarkdown] img").evaluate_all("all => all.map(e => [e.alt, e.outerHTML])")
    return found + [html for said, html in pictures if not said]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_has_nothing_serious_and_its_charts_speak(name: str, dark: bool, server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/{ADDRESSES[name]}lang={'zh' if dark else 'en'}", dark=dark)
    settle(page)
    assert serious(page) == []
    assert mute(page) == []
    charts = page.locator(".lab-canvas")
    assert charts.count() or name in CHARTLESS
    if name in ("home", "train"):  # the result, not only what is drawn
        assert "7.9888" in str(charts.first.get_attribute("aria-label"))


@pytest.mark.parametrize("name", MORE)
def test_whatever_a_page_can_show_has_nothing_serious_and_its_charts_speak(
    name: str, server: Server, visit: Visit, run_id: str
) -> None:
    dark = bool(list(MORE).index(name) % 2)
    page = visit(f"{server.url}/{MORE[name].replace(RUN, run_id)}lang={'zh' if dark else 'en'}", dark=dark)
    settle(page)
    assert serious(page) == []
    assert mute(page) == []
    assert page.locator(".lab-canvas").count() or name in CHARTLESS
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_chart_that_says_nothing_is_found(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/lessons?lesson=perplexity&lang=en")
    settle(page)
    assert mute(page) == []
    chart = page.locator(".lab-canvas").first
    for said in ("", "Perplexity"):
        chart.evaluate("(e, said) => e.setAttribute('aria-label', said)", said)
        # its axes still have descriptions
        assert chart.locator("[aria-label]").count() > 1
        assert len(mute(page)) == 1


def test_axe_sees_what_is_too_faint(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/runs?lang=en")
    settle(page)
    page.add_style_tag(content="[data-testid=stMarkdownContainer] p { color: #bbb !important }")
    assert any("color-contrast" in problem for problem in serious(page))


def test_the_tour_and_slides_are_as_good(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?recipe=A6&epoch=160&lang=en")
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("button", name="Take the tour").click()
    expect(page.get_by_text("Step 1 of 5")).to_be_visible()
    assert serious(page) == []
    page = visit(f"{server.url}/train?recipe=A6&epoch=160&lang=en&embed=true", dark=True)
    expect(page.get_by_text("epoch 160/160")).to_be_visible()
    settle_chart(page)
    assert serious(page) == []


def settle_chart(page: Page) -> None:
    page.locator(".lab-canvas svg").first.wait_for()


# focusable elements in the order of the page; Tab reaches one element of a group, the arrow keys the others
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
