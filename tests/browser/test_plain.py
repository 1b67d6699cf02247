"""The words of people are drawn as they stand, in every kind of element, by Streamlit's own front end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.hostile import OPTIONS, SINGLE, TEXTS, TOGETHER
from tests.browser.server import Server

pytestmark = pytest.mark.browser

# all drawn texts of a page by the key of their container, each with the elements in it that plain text does not make
DRAWN = """() => {
    const drawn = {};
    const read = part => [part.textContent, [...part.querySelectorAll("*")]
        .filter(e => !["P", "SPAN", "DIV"].includes(e.tagName) || e.getAttribute("style"))
        .map(e => e.outerHTML)];
    const words = "[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer], [data-heading-text]";
    for (const box of document.querySelectorAll(".stVerticalBlock[class*=st-key-]")) {
        const key = [...box.classList].find(name => name.startsWith("st-key-")).slice(7);
        drawn[key] = [...box.querySelectorAll(words)].filter(e => !e.querySelector(words)).map(read);
    }
    for (const place of ["stToast", "stDialog"]) {
        const part = document.querySelector(`[data-testid=${place}] :is(${words})`);
        drawn[place] = part && [read(part)];
    }
    return drawn;
}"""


@pytest.fixture(scope="module")
def drawn(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[list[object]]]]:
    """What the front end has made of the texts: one page for all of them."""
    server = Server(tmp_path_factory.mktemp("hostile") / "home", "tests/browser/hostile.py")
    page: Page = browser.new_page()  # type: ignore[attr-defined]
    page.goto(server.url)
    page.get_by_test_id("stDialog").wait_for(timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=60_000)
    page.get_by_test_id("stToast").wait_for()
    texts = page.evaluate(DRAWN)
    page.keyboard.press("Escape")
    page.get_by_test_id("stDialog").wait_for(state="hidden")
    page.get_by_role("button", name="Help", exact=True).hover()
    page.get_by_test_id("stTooltipContent").wait_for()
    yield texts | page.evaluate(DRAWN.replace('"stToast", "stDialog"', '"stTooltipContent"'))
    page.close()
    server.stop()


@pytest.mark.parametrize("name", SINGLE)
def test_an_element_draws_each_text_as_it_stands(name: str, drawn: dict[str, list[list[object]]]) -> None:
    for number, text in enumerate(TEXTS):
        parts = drawn[f"{name}-{number}"]
        assert parts
        assert [part for part in parts if part != [text, []]] == [], text


@pytest.mark.parametrize("name", [*OPTIONS, "tabs"])
def test_options_are_drawn_as_they_stand(name: str, drawn: dict[str, list[list[object]]]) -> None:
    assert [part for part in drawn[name] if part[0] != "Choose"] == [[text, []] for text in TEXTS]


@pytest.mark.parametrize("name", ["progress", "popover", "label", "stToast", "stDialog", "stTooltipContent"])
def test_all_texts_in_one_line_are_drawn_as_they_stand(name: str, drawn: dict[str, list[list[object]]]) -> None:
    assert drawn[name] == [[TOGETHER, []]]


def test_texts_among_words_of_the_app_are_drawn_as_they_stand(drawn: dict[str, list[list[object]]]) -> None:
    # the app's own emoji and formula are drawn, and with them everything is loaded that could find one in the texts
    ((text, others),) = drawn["among"]
    assert str(text).startswith("🎉 ")
    assert str(text).endswith(":smile:: $a$ :+1:")
    assert "<math" in str(others)
