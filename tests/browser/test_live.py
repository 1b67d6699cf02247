"""The curve while it is watched: zoom, language, theme, translators, and servers whose events do not come through."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.checks import settle
from tests.browser.server import Server
from tests.browser.test_train import TINY, await_more_epochs, epochs_drawn, start, stop

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

COUNT_DRAWINGS = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    window.drawings = 0;
    new MutationObserver(() => { window.drawings += app.dataset.testScriptState === 'running' })
        .observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""

# the labels of the axis of the epochs
TICKS = """() => [...document.querySelectorAll('.lab-canvas .role-axis-label text')].map(e => e.textContent).join()"""


def zoom(page: Page) -> str:
    """Zoom into the curve, and return the labels of its axes."""
    page.locator(".lab-canvas svg").hover(position={"x": 200, "y": 150})
    page.keyboard.down("Control")
    before = page.evaluate(TICKS)
    for _ in range(4):
        page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(f"before => ({TICKS})() !== before", arg=before)
    page.wait_for_timeout(0)
    labels: str = page.evaluate(TICKS)
    return labels


def test_a_zoom_survives_points_texts_language_and_theme(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}")
    start(page)
    zoomed = zoom(page)
    await_more_epochs(page, epochs_drawn(page) + 40)  # with two new texts
    assert page.evaluate(TICKS) == zoomed
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".lab-canvas .mark-line path").first).to_have_attribute("stroke", "#6FA8E3")
    assert page.evaluate(TICKS) == zoomed
    page.get_by_role("radio", name="中文").click()
    expect(page.locator(".lab-canvas").get_by_text("迭代周期")).to_be_visible()
    assert page.evaluate(TICKS) == zoomed
    page.get_by_role("radio", name="EN", exact=True).click()
    expect(page.locator(".lab-canvas").get_by_text("epoch", exact=True)).to_be_visible()
    stop(page)
    assert page.evaluate(TICKS) == zoomed


@pytest.mark.parametrize("how", ["refused", "held back"])
def test_where_no_events_come_through_the_page_looks_for_itself(server: Server, visit: Visit, how: str) -> None:
    page = visit("about:blank")

    def block(route: Route) -> None:
        if how == "refused":
            route.abort()
        # otherwise it is never answered, as by a proxy that collects the answer

    page.route("**/lab/live/**", block)
    page.goto(f"{server.url}/train?{TINY}")
    start(page)
    await_more_epochs(page, epochs_drawn(page) + 20)
    for kind in ("Error", "Warning"):  # and says nothing of it
        expect(page.get_by_test_id(f"stAlertContent{kind}")).to_have_count(0)
    stop(page)
    page.unroute("**/lab/live/**")


def test_after_a_pause_of_the_server_the_events_come_again(fresh_server: Server, visit: Visit) -> None:
    page = visit(f"{fresh_server.url}/train?{TINY.replace('pred_period=20', 'pred_period=5000')}")
    start(page)
    await_more_epochs(page, 20)  # the last text
    fresh_server.process.send_signal(signal.SIGSTOP)
    try:
        with page.expect_request("**/lab/live/**"):  # without a message for 5 s, the page connects again
            pass
    finally:
        fresh_server.process.send_signal(signal.SIGCONT)
    await_more_epochs(page, epochs_drawn(page))
    page.evaluate(COUNT_DRAWINGS)
    for _ in range(3):  # at least 3 s with so long a curve; a page that polls runs every 0.9 s
        await_more_epochs(page, epochs_drawn(page))
    assert page.evaluate("window.drawings") <= 1  # what was due during the pause
    stop(page)


# what a translator of a browser does: each text gets an element of its own
TRANSLATE = """() => {
    const wrap = root => {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), found = [];
        while (walker.nextNode()) found.push(walker.currentNode);
        for (const text of found) {
            if (!text.data.trim() || text.parentElement.closest('font, style, script, svg')) continue;
            const font = document.createElement('font');
            text.replaceWith(font);
            font.append(text);
        }
    };
    wrap(document.body);
    window.translator = new MutationObserver(() => wrap(document.body));
    window.translator.observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


def test_a_page_that_a_browser_translated_goes_on(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?recording=A2&lang=en")
    page.locator(".lab-plot[data-drawn]").first.wait_for()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.evaluate(TRANSLATE)
    page.get_by_text("16×").click()
    page.wait_for_function("() => /250\\/250/.test(document.querySelector('.lab-figures').textContent)")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("removeChild")).to_have_count(0)
    assert broken == []
    page.evaluate("window.translator.disconnect()")


@pytest.mark.parametrize(
    ("address", "lang", "document", "title"),
    [
        ("train?recipe=A2", "zh", "zh-CN", "训练 · RNN Lab"),
        ("train?recipe=A2", "en", "en", "Train · RNN Lab"),
        ("?recording=A2", "en", "en", "RNN Lab"),
    ],
)
def test_a_page_names_its_language_and_itself(
    server: Server, visit: Visit, address: str, lang: str, document: str, title: str
) -> None:
    page = visit(f"{server.url}/{address}&epoch=250&lang={lang}")
    page.wait_for_function(f"document.documentElement.lang === '{document}'")
    expect(page).to_have_title(title)


def test_a_recording_that_stands_takes_another_theme(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?recipe=A2&epoch=250&lang=en")
    line = page.locator(".lab-canvas .mark-line path").first
    expect(line).to_have_attribute("stroke", "#1F5FA6")
    page.emulate_media(color_scheme="dark")
    expect(line).to_have_attribute("stroke", "#6FA8E3")


def test_back_undoes_one_action(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/?lang=en")
    page.locator(".lab-plot[data-drawn]").first.wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    expect(page.get_by_role("button", name="Start").first).to_be_visible()
    page.locator(".st-key-train-quick").get_by_role("radio", name="GRU").click()
    page.wait_for_url("**cell=gru**")
    page.go_back()
    page.wait_for_function("!location.search.includes('cell')")
    expect(page.locator(".st-key-train-quick").get_by_role("radio", name="RNN")).to_be_checked()
    page.go_back()
    page.wait_for_function("location.pathname === '/'")
    expect(page.get_by_role("button", name="Train a network")).to_be_visible()


# what a busy server sends after a click on another page, and whether Back leads to where the click was
LATE_PATH = """() => {
    const before = navigation.currentEntry.key
    dispatchEvent(new PointerEvent('pointerdown'))
    history.pushState({}, '', `${location.pathname}?lang=en`)
    history.pushState({}, '', `${location.pathname}?lang=en&pins=recorded%3AA6`)
    history.pushState({}, '', '/compare?lang=en&pins=recorded%3AA6')
    return [navigation.entries()[navigation.currentEntry.index - 1].key === before, location.pathname]
}"""


def test_another_page_is_one_step_also_where_its_parameters_come_first(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?recipe=A2&epoch=250&lang=en")
    page.wait_for_function("window.labDocument")
    settle(page)
    assert page.evaluate(LATE_PATH) == [True, "/compare"]


@pytest.mark.parametrize("length", [20, 900])
def test_back_and_forward_go_through_the_settings_whatever_their_length(
    length: int, server: Server, visit: Visit
) -> None:
    page = visit(f"{server.url}/train?{urlencode({'lang': 'en', 'recipe': 'A2', 'prefixes': '我' * length})}")
    cells = page.locator(".st-key-train-quick")
    expect(cells.get_by_role("radio", name="RNN")).to_be_checked()
    if length == 900:
        page.wait_for_url("**?s=*")
    addresses = [page.url]
    for cell in ("GRU", "LSTM"):
        cells.get_by_role("radio", name=cell).click()
        expect(page).not_to_have_url(addresses[-1])
        addresses.append(page.url)
    assert ("?s=" in page.url) == (length == 900)
    for go, cell, address in (
        (page.go_back, "GRU", addresses[1]),
        (page.go_back, "RNN", addresses[0]),
        (page.go_forward, "GRU", addresses[1]),
        (page.go_forward, "LSTM", addresses[2]),
        (page.go_back, "GRU", addresses[1]),
    ):
        go()
        expect(cells.get_by_role("radio", name=cell)).to_be_checked()
        expect(page).to_have_url(address)
    page.reload()
    expect(cells.get_by_role("radio", name="GRU")).to_be_checked()
    expect(page).to_have_url(address)
    page.get_by_test_id("stTopNavLink").filter(has_text="Runs").click()
    page.wait_for_url("**/runs*")
    expect(cells).to_have_count(0)
    page.go_back()
    expect(cells.get_by_role("radio", name="GRU")).to_be_checked()
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query) == parse_qs(urlsplit(address).query))


def test_an_address_that_lacks_something_says_so_at_once(tmp_path: Path, visit: Visit) -> None:
    server = Server(tmp_path / "home", home_mb="0.001")  # so full that no link is stored
    try:
        # one more setting makes the address too long
        page = visit(f"{server.url}/train?{urlencode({'lang': 'en', 'recipe': 'A2', 'prefixes': '我' * 441})}")
        cells, warning = page.locator(".st-key-train-quick"), page.get_by_text("The address of this page is incomplete")
        expect(cells.get_by_role("radio", name="RNN")).to_be_checked()
        expect(warning).to_have_count(0)
        cells.get_by_role("radio", name="GRU").click()
        expect(warning).to_be_visible()
        expect(page).to_have_url(f"{server.url}/train?lang=en&recipe=A2&cell=gru")
        cells.get_by_role("radio", name="RNN").click()
        expect(warning).to_have_count(0)
        expect(page).to_have_url(re.compile("prefixes="))
    finally:
        server.stop()
