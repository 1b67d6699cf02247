"""The first screen: where the curve, the texts and the buttons are, measured in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import settle
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Box = dict[str, float]

# a run of two seconds, long enough to be seen while it trains
SHORT = "recipe=A2&num_hiddens=16&num_chars=2500&num_epochs=60&pred_period=20&num_preds=20"
CANVAS, TEXTS, BAR = ".lab-canvas", ".st-key-stage-texts", ".st-key-train-bar"
# controls that a pointer can reach without scrolling; the options of a choice count as one control
CONTROLS = """() => new Set([...document.querySelectorAll(
    'button, input, a[href], [role=combobox], [role=radio], [role=switch], [role=slider]'
)].filter(e => !e.closest('[data-testid=stHeader]') && e.checkVisibility({visibilityProperty: true}))
    .filter(e => { const box = e.getBoundingClientRect(); return box.width && box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth; })
    .map(e => e.closest('[role=radiogroup], [data-testid=stSelectbox], [data-testid=stCheckbox]') || e)).size"""


def show(visit: Visit, url: str, width: int, height: int, **how: object) -> Page:
    """Open a page in a window of this size, and wait until its curve is drawn."""
    page = visit(url, width=width, **how)
    page.set_viewport_size({"width": width, "height": height})
    page.locator(".lab-plot[data-drawn]").first.wait_for()
    return page


def box(page: Page, selector: str) -> Box:
    found = page.locator(selector).first.bounding_box()
    assert found is not None
    return dict(found)


def share(page: Page) -> float:
    """Return the share of the screen that the curve fills; it must be visible without scrolling."""
    size, curve = page.viewport_size, box(page, CANVAS)
    assert size is not None
    assert curve["y"] + curve["height"] <= size["height"]
    assert curve["x"] + curve["width"] <= size["width"]
    return curve["width"] * curve["height"] / (size["width"] * size["height"])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("address", "width", "height", "least"),
    [
        (f"train?{SHORT}", 1280, 720, 0.35),
        ("train?recipe=A2&epoch=250", 1280, 720, 0.35),
        ("?recording=A2&epoch=250", 1280, 720, 0.35),
        (f"train?{SHORT}", 1024, 768, 0.30),
        ("train?recipe=A2&epoch=250", 1024, 768, 0.30),
        ("train?recipe=A2&epoch=250&projector=1", 1280, 720, 0.33),
        ("train?recipe=A2&epoch=250&stage=1", 1280, 720, 0.40),
    ],
)
def test_curve_texts_and_start_are_on_the_first_screen(
    server: Server, visit: Visit, address: str, width: int, height: int, least: float, lang: str
) -> None:
    page = show(visit, f"{server.url}/{address}&lang={lang}", width, height)
    assert share(page) >= least
    start = box(page, "[data-testid=stMain] button[kind=primary]")
    assert start["y"] + start["height"] <= height
    assert box(page, TEXTS)["y"] + box(page, TEXTS)["height"] <= height
    if "epoch" in address:  # both texts, complete
        for text in page.locator(f"{TEXTS} [data-testid=stHtml]:not([class*=st-key-strip] *)").all():
            place = text.bounding_box()
            assert place is not None
            assert place["y"] + place["height"] <= height
    # before Start; a recording has its player besides
    assert page.evaluate(CONTROLS) <= (15 if SHORT in address else 19)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768)])
def test_nothing_moves_at_start_at_the_first_text_and_at_the_end(
    server: Server, visit: Visit, width: int, height: int
) -> None:
    page = show(visit, f"{server.url}/train?{SHORT}&lang=en", width, height)
    before = [box(page, part) for part in (CANVAS, TEXTS, BAR)]
    page.get_by_role("button", name="Start").first.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert [box(page, part) for part in (CANVAS, TEXTS, BAR)] == before
    expect(page.locator("[data-testid=stHtml]:not([class*=st-key-strip] *)")).to_have_count(2)
    assert [box(page, part) for part in (CANVAS, TEXTS, BAR)] == before
    expect(page.get_by_role("button", name="Run again (same seed)")).to_be_visible(timeout=60_000)
    assert [box(page, part) for part in (CANVAS, TEXTS, BAR)] == before


@pytest.mark.parametrize("address", ["train?recipe=A2&epoch=250", "?recording=A2&epoch=250", "train?run={run}"])
def test_on_a_phone_the_curve_comes_first_and_the_text_begins_on_the_first_screen(
    server: Server, visit: Visit, run_id: str, address: str
) -> None:
    page = show(visit, f"{server.url}/{address.format(run=run_id)}&lang=zh", 390, 844)
    assert box(page, CANVAS)["y"] <= 90
    first = page.locator(f"{TEXTS} [data-testid=stHtml]:not([class*=st-key-strip] *)").first.bounding_box()
    assert first is not None
    assert first["y"] < 844
    # the buttons stay at the lower edge, and do not cover the curve
    assert box(page, BAR)["y"] > box(page, CANVAS)["y"] + box(page, CANVAS)["height"]
    assert box(page, BAR)["y"] + box(page, BAR)["height"] <= 844


def test_in_a_slide_the_curve_begins_at_the_top(server: Server, visit: Visit) -> None:
    page = show(visit, f"{server.url}/train?recipe=A6&epoch=160&embed=true&lang=zh", 960, 720)
    assert box(page, CANVAS)["y"] <= 120
    assert box(page, TEXTS)["y"] <= 120
    # what is shown is named in full
    cut = page.locator(".st-key-embed-bar :is(p, .stMarkdownBadge)").evaluate_all(
        "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3)"
        ".map((e) => e.textContent)"
    )
    assert cut == []


def test_the_stage_is_a_key_away(server: Server, visit: Visit) -> None:
    page = show(visit, f"{server.url}/train?recipe=A2&epoch=250&lang=en", 1280, 720)
    settle(page)
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="QR code")).to_be_visible()
    expect(page.get_by_role("combobox")).to_have_count(0)
    assert "stage=1" in page.url
    assert page.evaluate(CONTROLS) <= 12
    page.get_by_role("button", name="QR code").click()
    expect(page.get_by_role("dialog").locator("img")).to_be_visible()
    dialog = box(page, "[role=dialog]")
    assert dialog["y"] + dialog["height"] <= 720  # with the address below the code
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("f")
    expect(page.get_by_role("combobox").first).to_be_visible()
    assert "stage" not in page.url


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_in_large_type_both_texts_are_whole_on_the_screen(lang: str, server: Server, visit: Visit) -> None:
    page = show(visit, f"{server.url}/train?recipe=A2&epoch=250&projector=1&lang={lang}", 1280, 720)
    settle(page)
    texts = box(page, TEXTS)
    boxes = page.locator(f"{TEXTS} [data-testid=stVerticalBlock]:has([data-testid=stHtml])")
    second = boxes.nth(1).bounding_box()
    assert second is not None
    assert second["y"] + second["height"] <= texts["y"] + texts["height"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("how", "width"), [("stage=1", 1024), ("stage=1", 1280), ("projector=1", 1024), ("projector=1", 1280), ("", 1024)]
)
@pytest.mark.parametrize("recipe", ["A9", "A10-cloze"])
def test_sentences_are_not_cut_off(server: Server, visit: Visit, recipe: str, how: str, width: int, lang: str) -> None:
    """The sentence on gaps is the longest; a hint that has no room beside its sentence is not shown."""
    page = show(visit, f"{server.url}/train?recipe={recipe}&epoch=160&{how}&lang={lang}", width, 768)
    settle(page)
    sentence = page.locator(".lab-memory")
    assert sentence.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 4")
    figures = box(page, ".lab-status")
    assert figures["y"] + figures["height"] <= box(page, CANVAS)["y"] + 1
    if not how:
        caption, hint = box(page, ".st-key-stage-caption"), box(page, ".st-key-stage-hint")
        beside = hint["x"] > caption["x"] and hint["x"] + hint["width"] <= caption["x"] + caption["width"]
        assert beside or hint["y"] >= caption["y"] + caption["height"]
        assert caption["y"] + caption["height"] <= box(page, ".st-key-train-sections")["y"] <= 768


def test_in_large_type_the_navigation_ends_before_its_edge(server: Server, visit: Visit) -> None:
    page = show(visit, f"{server.url}/train?recipe=A2&epoch=250&projector=1&lang=en", 1440, 900)
    settle(page)
    more, navigation = box(page, ".rc-overflow-item-rest"), box(page, "[data-testid=stTopNav]")
    assert more["x"] + more["width"] <= navigation["x"] + navigation["width"]
