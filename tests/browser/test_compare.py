"""The Compare page in a real browser: the URL restores it, and it fits a phone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import t
from tests.browser.checks import settle, share_on_screen
from tests.browser.server import Server

pytestmark = pytest.mark.browser

WIDE = """() => [...document.querySelectorAll('html, body, [data-testid=stMain]')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""


def test_pins_in_the_url_survive_a_reload_and_fit_a_phone(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?pins=recorded:A1,recorded:A2,recorded:A3&by=characters&lang=en", width=390)
    expect(page.get_by_role("button", name="A3 recorded")).to_be_visible()
    page.get_by_role("button", name="A2 recorded").click()
    expect(page.get_by_role("button", name="A2 recorded")).to_have_count(0)
    page.wait_for_url("**pins=recorded%3AA1%2Crecorded%3AA3**")
    page.reload()
    expect(page.get_by_role("button", name="A3 recorded")).to_be_visible()
    expect(page.get_by_role("button", name="A2 recorded")).to_have_count(0)
    chart = page.locator(".lab-canvas")
    expect(chart.get_by_text("characters seen")).to_be_visible()
    # both curves, with labels at their ends
    expect(chart.get_by_text("A1", exact=True).last).to_be_visible()
    expect(chart.get_by_text("A3", exact=True).last).to_be_visible()
    for view in ("Race", "Random seeds", "Scratch = library?", "Curves"):
        page.get_by_text(view, exact=True).first.click()
        page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
        assert page.evaluate(WIDE) == []
        expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "recorded%3AA1" in page.url


def test_the_margin_for_the_labels_counts_once_on_a_phone(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?view=same&lang=en", width=390)
    chart = page.locator("[class*=st-key-chart-compare-rungs-] .lab-canvas")
    whole = chart.bounding_box()
    plot = chart.locator("path.background").first.bounding_box()
    assert whole is not None
    assert plot is not None
    assert plot["width"] > 0.5 * whole["width"]
    for label in chart.get_by_text("carry state").all():
        end = label.bounding_box()
        assert end is not None
        assert end["x"] + end["width"] <= whole["x"] + whole["width"]


def test_back_leads_to_the_choice_before(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?pins=recorded:A1,recorded:A2&lang=en")
    title = page.locator(".lab-canvas").get_by_text("characters seen")
    expect(page.locator(".lab-canvas").get_by_text("epoch", exact=True)).to_be_visible()
    expect(title).to_have_count(0)
    page.get_by_text("by characters", exact=True).click()
    expect(title).to_be_visible()
    page.wait_for_url("**by=characters**")
    page.go_back()
    expect(title).to_have_count(0)
    page.wait_for_url(lambda url: "by=" not in url)
    expect(page.get_by_test_id("stException")).to_have_count(0)


PLACES = "() => [...document.querySelectorAll('.lab-board tbody td:last-child')].map(e => e.textContent)"
# counts the drawings of the page and of its parts, and the changes of all places since the last drawing
COUNT = f"""() => {{
    const app = document.querySelector('[data-testid=stApp]')
    const running = () => app.dataset.testScriptState === 'running'
    let before = ({PLACES})(), drawn = true
    window.drawings = 0
    window.undrawn = 0
    new MutationObserver(records => {{
        if (records.some(record => record.target === app) && running()) {{ drawn = true; window.drawings++ }}
        const now = ({PLACES})()
        if (now.length !== before.length || now.some((text, index) => text === before[index])) return
        window.undrawn = drawn ? 0 : window.undrawn + 1
        before = now
        drawn = running()
    }}).observe(document.body, {{
        attributes: true, attributeFilter: ['data-test-script-state'],
        subtree: true, childList: true, characterData: true,
    }})
}}"""


@pytest.mark.parametrize("events", ["pushed", "held back"])
def test_a_race_is_followed_point_by_point(server: Server, visit: Callable[..., Page], events: str) -> None:
    page = visit("about:blank")
    if events == "held back":
        page.route("**/lab/compared/**", lambda route: route.abort())
    # on a busy machine, too, the runs last longer than the test
    small = "num_hiddens=32&num_chars=4000&pred_period=10000&num_epochs=10000"
    page.goto(f"{server.url}/compare?view=race&recipe=A2&{small}&vary=own&own=cell=rnn;cell=gru&lang=en")
    page.locator(".st-key-compare-race-start button").click()
    page.wait_for_function(
        f"() => ({PLACES})().length === 2 && ({PLACES})().every(text => / [0-9]{{3,}}[/]/.test(text))"
    )
    page.evaluate(COUNT)
    if events == "pushed":  # the page is drawn for a new text or a place at the line, not for a point
        page.wait_for_function("window.undrawn >= 8")
    else:
        before = page.evaluate(PLACES)
        page.wait_for_function(f"before => ({PLACES})().every(text => !before.includes(text))", arg=before)
        page.wait_for_function("window.drawings > 0")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    for run in parse_qs(urlsplit(page.url).query)["pins"][0].split(","):
        with Client(server.home) as client:
            client.stop(run)
    page.unroute("**/lab/compared/**")


@pytest.mark.parametrize(("lang", "title"), [("zh", "迭代周期"), ("en", "epoch")])
def test_the_whole_chart_is_on_the_first_screen(
    server: Server, visit: Callable[..., Page], lang: str, title: str
) -> None:
    page = visit(f"{server.url}/compare?view=overlay&vary=own&own=cell=rnn;cell=rnn,random_seed=1&lang={lang}")
    for view in ("overlay", "race", "seeds"):
        settle(page)  # a click on what is still being drawn is tried again, after scrolling
        page.get_by_role("radio", name=t(f"compare.view.{view}", lang)).click()
        chart = page.locator(f"[class*=st-key-chart-compare-{'band' if view == 'seeds' else view}] .lab-canvas")
        for width, height in ((1280, 720), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            # the chart follows the height of the window
            expect(chart.get_by_text(title, exact=True)).to_be_in_viewport(ratio=1)
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


@pytest.mark.parametrize("view", ["pins=recorded:A6,recorded:A7", "view=race", "view=seeds"])
def test_most_of_the_chart_is_on_the_first_screen_of_a_phone(
    server: Server, visit: Callable[..., Page], view: str
) -> None:
    page = visit(f"{server.url}/compare?{view}&lang=en", width=390)
    settle(page)
    assert share_on_screen(page.locator("[class*=st-key-chart-compare-] .lab-canvas").first) > 0.9


@pytest.mark.parametrize("height", [720, 1200])
def test_names_of_seeds_stay_together_on_any_screen(height: int, server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/compare?view=seeds&lang=en", width=1280)
    page.set_viewport_size({"width": 1280, "height": height})
    settle(page)
    names = page.locator(".st-key-chart-compare-band .lab-canvas").get_by_text("seed ", exact=False)
    expect(names.first).to_be_visible()
    # each name has a halo: the same text, drawn before it
    tops = sorted(end["y"] for end in (name.bounding_box() for name in names.all()[5:]) if end is not None)
    assert len(tops) == 5
    assert all(14 <= lower - upper <= 24 for upper, lower in itertools.pairwise(tops))
