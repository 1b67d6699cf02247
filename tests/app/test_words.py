"""No page shows untranslated text: all pages in both languages, as sent to the browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.recipes import RECIPES
from rnnlab.view.compare import state
from rnnlab.view.data import highlight
from rnnlab.view.diagnose import chooser
from rnnlab.view.inspect import address as inspect_address
from rnnlab.view.language.i18n import catalogue
from rnnlab.view.lessons import contents
from rnnlab.view.lessons.compute import exercises
from rnnlab.view.page.address import PAGES
from tests.app.conftest import Open, unfold

# fields of an element that are not shown: names, addresses, formats, bytes
UNREAD = {
    "id", "key", "user_key", "form_id", "icon", "url", "page", "page_script_hash", "query_params_query_string",
    "element_id", "group_id", "file_name", "mime", "data", "format", "language", "type", "widget_id",
    "css_content", "js_content", "component_name", "deferred_file_id", "query_string", "query_param_key", "url_path",
    "custom_theme", "fragment_id",
}  # fmt: skip
# fields of a chart specification that are shown
SHOWN = {"title", "text", "labelExpr", "description", "value"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# a sentence or a phrase: four words, or two if the first is capitalised
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:[ ,;:]+[a-z][a-z'-]*){3,}|\b[A-Z][a-z]{2,} [a-z]{3,}\b")

# a description of a chart: more than a name, with an end
SENTENCE = re.compile(r"^.{8,}[.。]", re.DOTALL)

# texts of the other language that are allowed on a page, with the reason
ALLOWED = (
    "Dive into Deep Learning",  # title of a book
    "Streamlit",
    "The Time Machine",
    "time traveller",  # prefixes of the second edition
    "traveller",
)
# elements without language
FOREIGN = {"code", "latex"}
# fields of a component without words: a character of the text and how it is drawn
DRAWN = {"character", "sample", "kind", "style", "faint"}


def strings(message: Any, name: str = "") -> Iterator[str]:
    """Yield all texts in a message from the server to the browser."""
    if hasattr(message, "ListFields"):
        for field, value in message.ListFields():
            if field.name in UNREAD:
                continue
            repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
            for item in value if repeated and not isinstance(value, str | bytes) else [value]:
                if field.name == "spec" and isinstance(item, str):
                    yield from titles(json.loads(item))
                elif field.name == "json" and isinstance(item, str):
                    yield from given(json.loads(item))
                elif field.name == "html_content":
                    yield from Shown(item).texts
                elif field.name == "datasets":
                    # a single character is a character of the corpus
                    yield from (text for text in written(pa.ipc.open_stream(item.data.data).read_all()) if text[1:])
                else:
                    yield from strings(item, field.name)
    elif isinstance(message, str):
        yield message


def titles(spec: Any) -> Iterator[str]:
    """Yield all texts that a chart specification shows."""
    return (text for name, text in texts_in(spec) if name in SHOWN and not text.startswith(("datum", "$")))


def given(data: Any) -> Iterator[str]:
    """Yield all texts in the data of a component."""
    return (text for name, text in texts_in(data) if name not in DRAWN)


def texts_in(data: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield all texts in nested data, with their names."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts_in(value, key)
    elif isinstance(data, list):
        for item in data:
            yield from texts_in(item, name)
    elif isinstance(data, str):
        yield name, data


def written(table: pa.Table) -> Iterator[str]:
    """Yield all texts in a table, without the names of a chart's columns."""
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            yield from (value for value in column.unique().to_pylist() if value)


class Shown(HTMLParser):
    """The texts of our HTML: contents and tooltips, without generated text and corpus."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.texts += [str(attributes[name]) for name in ("title", "alt", "aria-label") if attributes.get(name)]
        if tag == "style" or attributes.get("translate") == "no":  # neither of them is to be translated
            self._skipped = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = ""

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)


def read(node: Any) -> Iterator[str]:
    """Yield all texts of an element."""
    kind = getattr(node, "type", "")
    if kind == "html":
        yield from Shown(node.proto.body).texts
        return
    if kind in ("table", "arrow_data_frame"):
        frame = node.value
        yield from map(str, frame.columns)
        yield from written(pa.Table.from_pandas(frame, preserve_index=False))
    yield from strings(node.proto)


def elements(app: AppTest) -> Iterator[Any]:
    def walk(node: Any) -> Iterator[Any]:
        proto = getattr(node, "proto", None)
        if proto is not None:
            yield node
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


def page_texts(app: AppTest) -> set[str]:
    """Return all texts of a page, except code and corpus."""
    return {
        text
        for node in elements(app)
        if getattr(node, "type", "") not in FOREIGN
        for text in read(node)
        if text.strip() and "<style>" not in text
    }


def bare(text: str) -> str:
    """Return a text without code, formulas, addresses, markup, names and quotes."""
    text = re.sub(r"`[^`]*`|\$[^$]*\$|data:image\S+|https?://\S+|:material/\w+:|:[a-z-]+\[|\\[a-z]+", " ", text)
    for name in (*ALLOWED, *RECIPES):
        text = text.replace(name, " ")
    return text


def untranslated(app: AppTest, lang: str, foreign: re.Pattern[str]) -> list[str]:
    # a text of the locale files of this language has been checked there
    own = set(catalogue(lang).values())
    return sorted(text for text in page_texts(app) if text not in own and foreign.search(bare(text)))


RUN = "a run"  # stands for the id of a run
VIEWS: list[tuple[str, dict[str, str]]] = [
    *((page, {}) for page in PAGES),
    ("train", {"run": RUN}),
    *(("compare", {"view": view}) for view in state.VIEWS[1:]),
    *(("compare", {"view": view, "pins": f"{RUN},recorded:A2"}) for view in state.VIEWS),
    *(("diagnose", {"topic": topic}) for topic in chooser.TOPICS),
    *(("diagnose", {"topic": topic, "run": RUN}) for topic in chooser.TOPICS),
    *(("inspect", {"run": RUN, "view": view}) for view in inspect_address.VIEWS),
    *(("lessons", {"lesson": entry.name}) for entry in contents.ALL),
]
"""All pages with everything that they can show."""

each_view = pytest.mark.parametrize(
    ("page", "parameters"), VIEWS, ids=[" ".join([page, *parameters.values()]) for page, parameters in VIEWS]
)


def opened(open_page: Open, page: str, parameters: dict[str, str], lang: str, run_id: str) -> AppTest:
    """Open a page with all sections unfolded; for an exercise with a guess, so that it shows the result."""
    app = open_page(page, lang, **{name: value.replace(RUN, run_id) for name, value in parameters.items()})
    unfold(app)
    name = parameters.get("lesson", "")
    if name in exercises.GUESSES:
        app.button(key=f"lesson.guess.{name}.{exercises.GUESSES[name][0]}").click().run()
    assert not app.exception
    assert not app.error
    assert len(page_texts(app)) > 10
    return app


def mute(app: AppTest) -> list[str]:
    """Return the charts without a description; texts in the specification do not count."""
    return [chart.proto.spec[:200] for chart in app.get("vega_lite_chart") if not SENTENCE.search(chart.proto.alt)]


@each_view
def test_a_chinese_page_holds_no_english_sentence(
    open_page: Open, finished: str, page: str, parameters: dict[str, str]
) -> None:
    app = opened(open_page, page, parameters, "zh", finished)
    assert untranslated(app, "zh", ENGLISH) == []
    if page in ("diagnose", "inspect", "lessons"):  # where sentences are put together
        assert [text for text in page_texts(app) if re.search("[。！？] +[^ ]", text)] == []
    assert mute(app) == []


@each_view
def test_an_english_page_holds_no_chinese(
    open_page: Open, finished: str, page: str, parameters: dict[str, str]
) -> None:
    app = opened(open_page, page, parameters, "en", finished)
    assert [text for text in untranslated(app, "en", CHINESE) if not from_corpus(text)] == []
    assert mute(app) == []


@cache
def corpus() -> str:
    return files("rnnlab.text").joinpath("lyrics_zh.txt").read_text(encoding="utf-8")


def from_corpus(text: str) -> bool:
    """Return whether the Chinese in a text was read or generated by a network, or is the language switch.

    It must be in quotation marks, a prefix, or part of the corpus, and not a sentence of the Chinese locale files.
    """
    prefixes = "|".join(prefix for recipe in RECIPES.values() for prefix in recipe.config.prefixes)
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
st.table({"看": ["the best of them all"], "The place of it": [1]})
st.html('<p title="抄自一处">Copied from the book<b>吗</b></p>')
st.html('<p translate="no" style="PARAGRAPH" title="抄自两处">What a network wrote once</p>')
""".replace("PARAGRAPH", highlight._PARAGRAPH)
    app = AppTest.from_string(page).run()
    english, chinese = untranslated(app, "zh", ENGLISH), untranslated(app, "en", CHINESE)
    assert len(english) == 6
    assert "What a network wrote once" not in english
    assert {"按一下就好", "图", "看", "抄自一处", "吗", "抄自两处"} == set(chinese)
    assert len(mute(app)) == 1


def test_a_chart_without_words_of_its_own_is_found() -> None:
    page = """
import streamlit as st
spec = {"mark": "bar", "description": "A long sentence of the specification.", "encoding": {}}
st.vega_lite_chart(spec, key="a", alt="")
st.vega_lite_chart(spec, key="b", alt="A chart.")
st.vega_lite_chart(spec, key="c", alt="The perplexity fell from 1000 to 7.")
st.vega_lite_chart(spec, key="d", alt="困惑度从 1000 降到 7。")
"""
    assert len(mute(AppTest.from_string(page).run())) == 2
