"""The Lessons page in a real browser: on a phone, after a reload, from lesson to lesson."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.lessons import contents
from rnnlab.view.lessons.compute import exercises
from tests.browser.checks import settle, share_on_screen
from tests.browser.server import Server

pytestmark = pytest.mark.browser

# formulas that exceed the width of a phone, and horizontal scrolling
TOO_WIDE = """() => [
    ...[...document.querySelectorAll('html, body, [data-testid=stMain]')]
        .filter(e => e.scrollWidth > e.clientWidth + 1),
    ...[...document.querySelectorAll('.katex-html .base')]
        .filter(e => e.getBoundingClientRect().right > window.innerWidth),
].map(e => e.textContent.slice(0, 60))"""


# texts of charts beyond the edge of their picture, or shortened; a title lies a little outside its letters
CUT_OFF = """() => [...document.querySelectorAll('.lab-canvas svg')].flatMap(svg => {
    const picture = svg.getBoundingClientRect()
    return [...svg.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect()
        return text.textContent.includes('…') || box.width && (box.left < picture.left - 8
            || box.right > picture.right + 2 || box.top < picture.top - 8 || box.bottom > picture.bottom + 8)
    }).map(text => text.textContent)
})"""


def settled(page: Page) -> None:
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")


def test_a_lesson_on_a_phone_survives_a_reload_and_leads_on(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/lessons?lesson=gru&lang=en", width=390)
    gru = page.get_by_role("heading", name="The gated recurrent unit")
    expect(gru).to_be_visible()
    expect(page.locator(".katex-html").nth(6)).to_be_visible()
    settled(page)
    assert page.evaluate(TOO_WIDE) == []
    page.reload()
    expect(gru).to_be_visible()
    assert "lesson=gru" in page.url

    page.locator(".st-key-lessons-after button").click()
    expect(page.get_by_role("heading", name="Long short-term memory")).to_be_visible()
    page.wait_for_url("**lesson=lstm**")
    expect(page.locator(".katex-html").nth(10)).to_be_visible()
    settled(page)
    assert page.evaluate(TOO_WIDE) == []
    page.locator(".st-key-lessons-before button").click()
    expect(gru).to_be_visible()
    page.wait_for_url("**lesson=gru**")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_back_and_forward_lead_through_the_lessons(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/lessons?lesson=gru&lang=en")
    gru = page.get_by_role("heading", name="The gated recurrent unit")
    lstm = page.get_by_role("heading", name="Long short-term memory")
    expect(gru).to_be_visible()
    settled(page)
    page.locator(".st-key-lessons-after button").click()
    expect(lstm).to_be_visible()
    page.wait_for_url("**lesson=lstm**")
    settled(page)
    page.go_back()
    expect(gru).to_be_visible()
    page.wait_for_url("**lesson=gru**")
    settled(page)
    page.go_forward()
    expect(lstm).to_be_visible()
    page.wait_for_url("**lesson=lstm**")


def test_every_lesson_and_exercise_fits_a_phone(server: Server, visit: Callable[..., Page]) -> None:
    """From lesson to lesson by the button, which is faster than opening each; one half of them in each language."""
    page = visit("about:blank", width=390)
    half = len(contents.ALL) // 2
    for i, lesson in enumerate(contents.ALL):
        lang = LANGUAGES[i >= half]
        if i in (0, half):
            page.goto(f"{server.url}/lessons?lesson={lesson.name}&lang={lang}")
        else:
            page.locator(".st-key-lessons-after button").click()
        expect(page.get_by_role("heading", name=t(f"{lesson.key}.title", lang))).to_be_visible()
        settled(page)
        if lesson.is_exercise:
            assert page.evaluate(TOO_WIDE) == [], lesson.name
            guess = exercises.guesses(lesson.name, "learning_rate")[0]
            page.locator(f".st-key-lesson-guess-{lesson.name}-{guess} button").click()
            page.locator(".lab-canvas").first.wait_for()
            settled(page)
        # charts adopt the width of the page a moment after they are drawn
        page.wait_for_function("[...document.querySelectorAll('.lab-canvas')].every(e => e.querySelector('svg'))")
        assert page.evaluate(TOO_WIDE) == [], lesson.name
        assert page.evaluate(CUT_OFF) == [], lesson.name
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_cut_off_on_a_small_screen(lang: str, server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/lessons?lesson={contents.LESSONS[0].name}&lang={lang}", width=1024)
    for lesson in contents.LESSONS:
        if lesson is not contents.LESSONS[0]:
            page.locator(".st-key-lessons-after button").click()
        expect(page.get_by_role("heading", name=t(f"{lesson.key}.title", lang))).to_be_visible()
        settled(page)
        page.wait_for_function("[...document.querySelectorAll('.lab-canvas')].every(e => e.querySelector('svg'))")
        page.wait_for_function(f"({CUT_OFF})().length === 0")
        # the numbers of an equation scroll within its box where they do not fit
        wide = "[...document.querySelectorAll('.katex-display')].filter(e => e.scrollWidth > e.clientWidth + 4).length"
        assert page.evaluate(wide) == 0, lesson.name


# the last slider of a lesson on a cell is that of its gate, or above the choice of the activation
APART = """() => document.querySelector('.lab-canvas').getBoundingClientRect().top
    - [...document.querySelectorAll('[data-testid=stSlider]')].at(-1).getBoundingClientRect().bottom"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.katex-html .mord')]
    .filter(e => /^[0-9.]+$/.test(e.textContent)).map(e => parseFloat(getComputedStyle(e).fontSize)))"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_the_numbers_of_a_cell_can_be_read_and_its_sliders_are_near_the_chart(
    name: str, width: int, server: Server, visit: Callable[..., Page]
) -> None:
    page = visit(f"{server.url}/lessons?lesson={name}&lang=en", width=width)
    expect(page.locator(".lab-canvas svg").first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stSlider] input')")  # its script comes by itself
    settled(page)
    assert 0 < page.evaluate(APART) < 240
    assert page.evaluate(SMALLEST) >= 11


def test_marks_survive_a_reload(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/lessons?lesson=gru&lang=en")
    expect(page.get_by_role("heading", name="The gated recurrent unit")).to_be_visible()
    settled(page)
    # other tests use the same browser
    page.evaluate("localStorage.setItem('rnnlab.lessons.seen', JSON.stringify(['no-such-lesson', 'depth']))")
    page.reload()
    expect(page.locator(".st-key-lessons-to-depth").get_by_text("check", exact=True)).to_be_visible()
    page.goto(f"{server.url}/lessons?lang=en")
    for name in ("gru", "depth"):
        expect(page.locator(f".st-key-lessons-index-{name}").get_by_text("check", exact=True)).to_be_visible()
    expect(page.locator(".st-key-lessons-index-lstm").get_by_text("circle", exact=True)).to_be_visible()
    page.evaluate("localStorage.setItem('rnnlab.lessons.seen', '{')")  # not ours
    page.goto(f"{server.url}/lessons?lesson=X5&lang=en")
    page.get_by_role("button", name="worse").click()
    expect(page.locator(".lab-canvas").first).to_be_visible()
    # the mark is kept when the page is complete, which is after its charts are visible
    page.wait_for_function("localStorage.getItem('rnnlab.lessons.seen').includes('X5')")
    page.goto(f"{server.url}/lessons?lang=en")
    expect(page.locator(".st-key-lessons-index-X5").get_by_text("check", exact=True)).to_be_visible()
    expect(page.locator(".st-key-lessons-index-gru").get_by_text("circle", exact=True)).to_be_visible()


def test_on_a_phone_the_sampled_positions_begin_on_the_first_screen(server: Server, visit: Callable[..., Page]) -> None:
    page = visit(f"{server.url}/lessons?lesson=sampling&lang=en", width=390)
    settle(page)
    assert share_on_screen(page.locator(".lab-canvas").first) > 0.9
