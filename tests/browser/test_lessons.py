"""The Lessons page in a real browser: on a phone, after a reload, from lesson to lesson."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.lessons import contents
from rnnlab.view.lessons.compute import exercises
from tests.browser.server import Server

pytestmark = pytest.mark.browser

# formulas that exceed the width of a phone, and horizontal scrolling
TOO_WIDE = """() => [
    ...[...document.querySelectorAll('html, body, [data-testid=stMain]')]
        .filter(e => e.scrollWidth > e.clientWidth + 1),
    ...[...document.querySelectorAll('.katex-html .base')]
        .filter(e => e.getBoundingClientRect().right > window.innerWidth),
].map(e => e.textContent.slice(0, 60))"""


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
            page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
            settled(page)
        # charts adopt the width of the page a moment after they are drawn
        page.wait_for_function(
            "[...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(e => e.querySelector('svg'))"
        )
        assert page.evaluate(TOO_WIDE) == [], lesson.name
    expect(page.get_by_test_id("stException")).to_have_count(0)
