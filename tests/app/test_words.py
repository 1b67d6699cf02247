"""No page holds a word that is not translated: every page in both languages, read as the browser gets it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.recipes import RECIPES
from rnnlab.view.i18n import catalogue
from rnnlab.view.shell import PAGES
from tests.app.conftest import Open, unfold

# parts of an element that nobody reads: names, addresses, formats, bytes
UNREAD = {
    "id", "key", "user_key", "form_id", "icon", "url", "page", "page_script_hash", "query_params_query_string",
    "element_id", "group_id", "file_name", "mime", "data", "format", "datasets", "language", "type", "widget_id",
    "css_content", "js_content", "deferred_file_id", "query_string", "query_param_key", "url_path", "custom_theme",
    "fragment_id",
}  # fmt: skip
# of a chart specification, what is shown
SHOWN = {"title", "text", "labelExpr", "description", "value"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# a sentence, or at least a phrase: four words, or two with the first in capital
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:[ ,;:]+[a-z][a-z'-]*){3,}|\b[A-Z][a-z]{2,} [a-z]{3,}\b")

# what may stand on a page of the other language, and why
ALLOWED = (
    "Dive into Deep Learning",  # the name of a book
    "Streamlit",
    "The Time Machine",
    "time traveller",  # prefixes of the second edition
    "traveller",
)
# elements that hold text of a corpus, code or formulas, not words of ours
FOREIGN = {"code", "html", "latex", "arrow_data_frame", "json"}


def strings(message: Any, name: str = "") -> Iterator[str]:
    """Every text within a message from the server to the browser."""
    if hasattr(message, "ListFields"):
        for field, value in message.ListFields():
            if field.name in UNREAD or field.name in FOREIGN:
                continue
            repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
            for one in value if repeated and not isinstance(value, str | bytes) else [value]:
                if field.name == "spec" and isinstance(one, str):
                    yield from titles(json.loads(one))
                else:
                    yield from strings(one, field.name)
    elif isinstance(message, str):
        yield message


def titles(spec: Any, name: str = "") -> Iterator[str]:
    """Every text that a chart specification shows."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            yield from titles(value, key)
    elif isinstance(spec, list):
        for one in spec:
            yield from titles(one, name)
    elif isinstance(spec, str) and name in SHOWN and not spec.startswith(("datum", "$")):
        yield spec


def elements(app: AppTest) -> Iterator[Any]:
    def walk(node: Any) -> Iterator[Any]:
        proto = getattr(node, "proto", None)
        if proto is not None:
            yield node
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


def said(app: AppTest) -> set[str]:
    """Everything that a page says, whatever is code or corpus left out."""
    return {
        text
        for node in elements(app)
        if getattr(node, "type", "") not in FOREIGN
        for text in strings(node.proto)
        if text.strip() and "<style>" not in text
    }


def bare(text: str) -> str:
    """Leave out what is no language: code, formulas, addresses, markup, names, quotes."""
    text = re.sub(r"`[^`]*`|\$[^$]*\$|data:image\S+|https?://\S+|:material/\w+:|:[a-z-]+\[|\\[a-z]+", " ", text)
    for name in (*ALLOWED, *RECIPES):
        text = text.replace(name, " ")
    return text


def untranslated(app: AppTest, lang: str, foreign: re.Pattern[str]) -> list[str]:
    # a text that the catalogue of this language holds is checked there
    own = set(catalogue(lang).values())
    return sorted(text for text in said(app) if text not in own and foreign.search(bare(text)))


@pytest.mark.parametrize("page", PAGES)
def test_a_chinese_page_holds_no_english_sentence(open_page: Open, finished: str, page: str) -> None:
    for parameters in opened(page, finished):
        app = open_page(page, "zh", **parameters)
        unfold(app)
        assert not app.exception
        assert len(said(app)) > 10
        assert untranslated(app, "zh", ENGLISH) == []


@pytest.mark.parametrize("page", PAGES)
def test_an_english_page_holds_no_chinese(open_page: Open, finished: str, page: str) -> None:
    for parameters in opened(page, finished):
        app = open_page(page, "en", **parameters)
        unfold(app)
        assert not app.exception
        assert [text for text in untranslated(app, "en", CHINESE) if not from_corpus(text)] == []


def opened(page: str, finished: str) -> list[dict[str, str]]:
    return [{}, {"run": finished}] if page in ("train", "inspect", "diagnose", "compare") else [{}]


@cache
def corpus() -> str:
    return files("rnnlab.text").joinpath("lyrics_zh.txt").read_text(encoding="utf-8")


def from_corpus(text: str) -> bool:
    """Say whether the Chinese in a text is what a network read or wrote, or the switch of the language.

    That is: within quotation marks, a prefix, or a place of the corpus; and no sentence of the Chinese catalogue.
    """
    prefixes = "|".join(prefix for one in RECIPES.values() for prefix in one.config.prefixes)
    rest = re.sub(r"“[^”]*”", " ", bare(text))
    runs = re.findall(r"[\u4e00-\u9fff]+", rest)
    if text in catalogue("zh").values():
        return False
    return text == "中文" or all(run in corpus() or run in prefixes for run in runs)


def test_what_is_looked_for_is_found() -> None:
    assert ENGLISH.search("Press the button to start")
    assert ENGLISH.search("Start training")
    assert not ENGLISH.search("LSTM · SGD 100 · θ = 0.01")
    assert CHINESE.search("训练")
    assert list(titles({"encoding": {"x": {"title": "epoch of it", "field": "x:Q"}}})) == ["epoch of it"]
    assert not from_corpus("训练一个网络")
    assert not from_corpus(catalogue("zh")["controls.start"])
    assert from_corpus("The network continued “分开” here.")


def test_a_literal_anywhere_on_a_page_is_found() -> None:
    page = """
import streamlit as st
st.button("Try it once more", help="按一下就好")
with st.expander("Open"):
    st.selectbox("x", ["one of the many", "b"])
st.vega_lite_chart({"mark": "bar", "encoding": {"x": {"field": "a", "title": "number of all epochs"}}}, alt="图")
"""
    app = AppTest.from_string(page).run()
    assert len(untranslated(app, "zh", ENGLISH)) == 3
    assert len(untranslated(app, "en", CHINESE)) == 2
