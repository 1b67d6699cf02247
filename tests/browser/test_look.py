"""All pages on all screens: both languages, light and dark, projector and phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.language.i18n import t
from rnnlab.view.page.address import PAGES
from tests.browser.server import Server

pytestmark = pytest.mark.browser

TOO_WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain], [data-testid=stSidebarContent]')]
    .filter(e => e.clientWidth > 100 && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(("lang", "dark"), [("zh", False), ("en", True)], ids=["zh-light", "en-dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_phone(name: str, lang: str, dark: bool, server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/{'' if name == 'home' else name}?lang={lang}", width=390, dark=dark)
    title = "RNN Lab" if name == "home" else t(f"{name}.title", lang)
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    assert page.evaluate(TOO_WIDE) == []
    background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    brightness = sum(int(part) for part in background.strip("rgba()").split(",")[:3]) / 3
    assert brightness < 60 if dark else brightness > 200
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize(("locale", "expected"), [("zh-CN", "训练"), ("en-GB", "Train"), ("fr-FR", "Train")])
def test_the_language_is_that_of_the_browser_until_it_is_switched(
    locale: str, expected: str, server: Server, visit: Callable[..., Page]
) -> None:
    page = visit(f"{server.url}/train", locale=locale)
    expect(page.get_by_role("heading", name=expected, exact=True)).to_be_visible()
    other, name = ("EN", "Train") if expected == "训练" else ("中文", "训练")
    page.get_by_role("radio", name=other, exact=True).first.click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    page.wait_for_url("**lang=en**" if name == "Train" else "**lang=zh**")
    page.reload()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
