"""Phones: a screen that is touched, on which targets are as large as a finger, and menus in the theme of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import t
from tests.browser.checks import settle
from tests.browser.conftest import SMALL as LYRICS
from tests.browser.server import Server
from tests.browser.test_stage import BAR, CANVAS, TEXTS, box
from tests.made import finish

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

FINGER = 44
# the tools of a table have no room to be larger, and the question mark of a label has its margin
SMALL = """least => [...document.querySelectorAll('button, [role=radio], summary, [data-testid=stPageLink-NavLink]')]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().width > 1)
    .filter(e => !e.closest('[data-testid=stElementToolbar], [data-testid=stNumberInputContainer], [role=group]'))
    .filter(e => e.getBoundingClientRect().height < least - 0.5).map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "address", ["?recording=A2&epoch=250", "train?recipe=A2&epoch=250", "compare", "inspect", "room", "runs"]
)
def test_targets_are_as_large_as_a_finger(server: Server, phone: Page, run_id: str, address: str) -> None:
    phone.goto(f"{server.url}/{address}{'&' if '?' in address else '?'}lang=en")
    settle(phone)
    assert run_id
    assert phone.evaluate(SMALL, FINGER) == []
    if "epoch" not in address:
        return
    # and still, the curve comes first, and the text begins on the first screen
    phone.locator(".lab-plot[data-drawn]").first.wait_for()
    assert box(phone, CANVAS)["y"] <= 90
    assert box(phone, f"{TEXTS} [data-testid=stHtml]:not([class*=st-key-strip] *)")["y"] < 844
    assert box(phone, BAR)["y"] > box(phone, CANVAS)["y"] + box(phone, CANVAS)["height"]
    assert box(phone, BAR)["y"] + box(phone, BAR)["height"] <= 844


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "address", ["?recording=A2&epoch=250", "train?recipe=A2&epoch=250", "train?recipe=A6&epoch=160"]
)
def test_the_speeds_of_a_recording_are_whole_on_the_screen(
    server: Server, phone: Page, address: str, lang: str
) -> None:
    phone.goto(f"{server.url}/{address}&lang={lang}")
    phone.locator(".lab-plot[data-drawn]").first.wait_for()
    speeds = box(phone, f"{BAR} [role=radiogroup]")
    assert speeds["x"] >= 0
    assert speeds["x"] + speeds["width"] <= 390


def test_an_error_is_below_the_header(server: Server, phone: Page) -> None:
    phone.goto(f"{server.url}/room?room=ZZZZ&lang=en")
    expect(phone.get_by_test_id("stAlert")).to_be_visible()
    header = box(phone, "[data-testid=stHeader]")
    assert box(phone, "[data-testid=stAlert]")["y"] >= header["y"] + header["height"]


def test_the_tools_of_a_table_do_not_cover_it(server: Server, phone: Page, run_id: str) -> None:
    phone.goto(f"{server.url}/runs?lang=en")
    expect(phone.get_by_test_id("stDataFrame")).to_be_visible()
    assert run_id
    tools, table = box(phone, "[data-testid=stElementToolbar]"), box(phone, "[data-testid=stDataFrame]")
    above = box(phone, ".st-key-runs-actions")
    assert above["y"] + above["height"] <= tools["y"] + 1
    assert tools["y"] + tools["height"] <= table["y"] + 1


def test_a_button_in_a_menu_is_written_in_the_colour_of_its_theme(server: Server, phone: Page) -> None:
    phone.emulate_media(color_scheme="dark")
    phone.goto(f"{server.url}/room?lang=en")
    opens = phone.locator(".st-key-room-open button")
    colour = opens.evaluate("e => getComputedStyle(e).color")
    opens.click()
    phone.locator(".st-key-room-end button").first.click()
    ends = phone.get_by_role("button", name=t("room.end.button", "en"))
    expect(ends).to_be_visible()
    assert ends.evaluate("e => getComputedStyle(e).color") == colour
    ends.click()
    phone.emulate_media(color_scheme="light")


def test_stop_is_whole_beside_the_other_buttons_of_a_run(server: Server, phone: Page) -> None:
    phone.goto(f"{server.url}/train?recipe=A2&num_hiddens=16&num_chars=2500&num_epochs=5000&lang=en")
    phone.get_by_role("button", name="Start", exact=True).click()
    stop = phone.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    place = stop.bounding_box()
    assert place is not None
    assert place["x"] + place["width"] <= 390
    stop.click()
    expect(stop).to_have_count(0)


def test_a_run_that_diverged_says_so_before_its_curve_and_what_to_try(server: Server, phone: Page) -> None:
    wild = LYRICS.change(cell="rnn", activation="relu", optimizer="adam", num_layers=2, learning_rate=10.0)
    with Client(server.home) as client:
        run = finish(client, client.create(wild.change(clip_norm=None)))
        assert client.store.run(run).state == "diverged"
    for lang in ("zh", "en"):
        phone.goto(f"{server.url}/train?run={run}&lang={lang}")
        settle(phone)
        word = phone.get_by_text(t("state.diverged", lang), exact=True)
        expect(word).to_be_visible()
        assert word.evaluate("e => getComputedStyle(e).color != getComputedStyle(e.parentElement).color")
        assert phone.locator(".lab-status").evaluate("e => e.scrollWidth <= e.clientWidth")
        place = word.bounding_box()
        assert place is not None
        assert place["y"] < box(phone, CANVAS)["y"]
        expect(phone.locator(".lab-memory")).to_contain_text(t("state.calmer", lang))
