"""What tests check on any page: that it is complete, that it fits the screen, and that it is accessible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

# a description: more than a name, with an end
_SENTENCE = re.compile(r"^.{8,}[.。]", re.DOTALL)
# (rule, part of the element's HTML) -> why it is allowed
_KNOWN = {
    # Streamlit scrolls a wide formula in a box that it does not make focusable; the code beside it has the same content
    ("scrollable-region-focusable", "katex-display"),
}
_COMPLETE = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton]')"""
_TOO_WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain], [data-testid=stSidebarContent]')]
    .filter(e => e.clientWidth > 100 && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
_BRIGHTNESS = """() => {
    const colour = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
    return colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
}"""
# a finding has the impact of its rule, where the rule has any; the other rules would only take time
_SERIOUS = """() => axe.run({
    resultTypes: ['violations'],
    runOnly: axe._audit.rules.filter(rule => rule.enabled && !['minor', 'moderate'].includes(rule.impact))
        .map(rule => rule.id),
}).then(result => result.violations)"""
# as by the browser's Back button
_LEAD = "url => { history.pushState(null, '', url); dispatchEvent(new PopStateEvent('popstate')); }"


def settle(page: Page) -> None:
    """Wait until the page is complete."""
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_function(_COMPLETE)


def share_on_screen(element: Locator) -> float:
    """Return the share of the height of an element, 0 to 1, that is on the screen before anybody scrolls."""
    box, size = element.bounding_box(), element.page.viewport_size
    assert box is not None
    assert size is not None
    return max(0.0, min(box["y"] + box["height"], size["height"]) - max(box["y"], 0.0)) / box["height"]


def lead(page: Page, url: str) -> None:
    """Lead an open page to another of its addresses, as the Back button does; that is faster than to load it.

    Args:
        page: the open page.
        url: the address without a language; the page adds its own when it has read the address.
    """
    page.evaluate(_LEAD, url)
    page.wait_for_function("location.search.includes('lang=')")
    settle(page)


def resize(page: Page, width: int) -> None:
    """Give the window a width, and wait until the page fits it: charts follow a moment later."""
    page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
    try:
        page.wait_for_function(f"width => innerWidth === width && ({_TOO_WIDE})().length === 0", arg=width)
    except TimeoutError:
        assert too_wide(page) == [], width
        raise


def too_wide(page: Page) -> list[str]:
    """Return the parts of a page that scroll sideways."""
    parts: list[str] = page.evaluate(_TOO_WIDE)
    return parts


def await_theme(page: Page, dark: bool) -> None:
    """Wait until the background is dark, or bright."""
    page.wait_for_function(f"({_BRIGHTNESS})() {'< 60' if dark else '> 200'}")


def serious(page: Page) -> list[str]:
    """Return the serious and critical findings of axe-core."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    violations: list[dict[str, Any]] = page.evaluate(_SERIOUS)
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not any(violation["id"] == rule and part in node["html"] for rule, part in _KNOWN)
    ]


def mute(page: Page) -> list[str]:
    """Return charts and pictures without a description in a sentence.

    What Vega says about an axis or a point is not considered.
    """
    # the browser draws charts after the page is complete
    page.wait_for_function("[...document.querySelectorAll('.lab-canvas')].every(e => e.querySelector('svg'))")
    charts = page.locator(".lab-canvas").evaluate_all(
        "all => all.map(e => [e.getAttribute('aria-label') || '', e.outerHTML.slice(0, 200)])"
    )
    found = [html for said, html in charts if not _SENTENCE.search(said)]
    pictures = page.locator("[data-testid=stMarkdown] img").evaluate_all("all => all.map(e => [e.alt, e.outerHTML])")
    return found + [html for said, html in pictures if not said]
