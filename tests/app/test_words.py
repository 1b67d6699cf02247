"""No page holds a word that is not translated: every page in both languages, read as the browser gets it."""

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

# parts of an element that nobody reads: names, addresses, formats, bytes
UNREAD = {
    "id", "key", "user_key", "form_id", "icon", "url", "page", "page_script_hash", "query_params_query_string",
    "element_id", "group_id", "file_name", "mime", "data", "format", "language", "type", "widget_id",
    "css_content", "js_content", "component_name", "deferred_file_id", "query_string", "query_param_key", "url_path",
    "custom_theme", "fragment_id",
}  # fmt: skip
# of a chart specification, what is shown
SHOWN = {"title", "text", "labelExpr", "description", "value"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# a sentence, or at least a phrase: four words, or two with the first in capital
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:[ ,;:]+[a-z][a-z'-]*){3,}|\b[A-Z][a-z]{2,} [a-z]{3,}\b")

# a chart's own words: more than a name, with an end
SENTENCE = re.compile(r"^.{8,}[.。]", re.DOTALL)

# what may stand on a page of the other language, and why
ALLOWED = (
    "Dive into Deep Learning",  # the name of a book
    "Streamlit",
    "The Time Machine",
    "time traveller",  # prefixes of the second edition
    "traveller",
)
# elements that are no language
FOREIGN = {"code", "latex"}
# what of a component's data names no words: a character of the text, and how it is drawn
DRAWN = {"character", "sample", "kind", "style", "faint"}


def strings(message: Any, name: str = "") -> Iterator[str]:
    """Every text within a message from the server to the browser."""
    if hasattr(message, "ListFields"):
        for field, value in message.ListFields():
            if field.name in UNREAD:
                continue
            repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
            for one in value if repeated and not isinstance(value, str | bytes) else [value]:
                if field.name == "spec" and isinstance(one, str):
                    yield from titles(json.loads(one))
                elif field.name == "json" and isinstance(one, str):
                    yield from given(json.loads(one))
                elif field.name == "html_content":
                    yield from Shown(one).said
                elif field.name == "datasets":
                    # a single character is one of the text
                    yield from (text for text in written(pa.ipc.open_stream(one.data.data).read_all()) if text[1:])
                else:
                    yield from strings(one, field.name)
    elif isinstance(message, str):
        yield message


def titles(spec: Any) -> Iterator[str]:
    """Every text that a chart specification shows."""
    return (text for name, text in texts_in(spec) if name in SHOWN and not text.startswith(("datum", "$")))


def given(data: Any) -> Iterator[str]:
    """Every text among the data of a component."""
    return (text for name, text in texts_in(data) if name not in DRAWN)


def texts_in(data: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested data, with the name that it stands under."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts_in(value, key)
    elif isinstance(data, list):
        for one in data:
            yield from texts_in(one, name)
    elif isinstance(data, str):
        yield name, data


def written(table: pa.Table) -> Iterator[str]:
    """Every text that stands in a table, the names of a chart's columns left out."""
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            yield from (one for one in column.unique().to_pylist() if one)


class Shown(HTMLParser):
    """What HTML of ours says: its text and its tooltips, without what a network wrote or a text holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._skipped = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.said += [str(found[name]) for name in ("title", "alt", "aria-label") if found.get(name)]
        if tag == "style" or found.get("style") == highlight._PARAGRAPH:
            self._skipped = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = ""

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.said.append(data)


def read(node: Any) -> Iterator[str]:
    """Every text of an element."""
    kind = getattr(node, "type", "")
    if kind == "html":
        yield from Shown(node.proto.body).said
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


def said(app: AppTest) -> set[str]:
    """Everything that a page says, whatever is code or corpus left out."""
    return {
        text
        for node in elements(app)
        if getattr(node, "type", "") not in FOREIGN
        for text in read(node)
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


RUN = "a run"  # stands for the id of one
VIEWS: list[tuple[str, dict[str, str]]] = [
    *((page, {}) for page in PAGES),
    ("train", {"run": RUN}),
    *(("compare", {"view": view}) for view in state.VIEWS[1:]),
    *(("compare", {"view": view, "pins": f"{RUN},recorded:A2"}) for view in state.VIEWS),
    *(("diagnose", {"topic": topic}) for topic in chooser.TOPICS),
    *(("diagnose", {"topic": topic, "run": RUN}) for topic in chooser.TOPICS),
    *(("inspect", {"run": RUN, "view": view}) for view in inspect_address.VIEWS),
    *(("lessons", {"lesson": one.name}) for one in contents.ALL),
]
"""Every page with everything that it can show."""

each_view = pytest.mark.parametrize(
    ("page", "parameters"), VIEWS, ids=[" ".join([page, *parameters.values()]) for page, parameters in VIEWS]
)


def opened(open_page: Open, page: str, parameters: dict[str, str], lang: str, run_id: str) -> AppTest:
    """Open a page with all that is folded away; an exercise with a guess, which shows what came out."""
    app = open_page(page, lang, **{name: value.replace(RUN, run_id) for name, value in parameters.items()})
    unfold(app)
    name = parameters.get("lesson", "")
    if name in exercises.GUESSES:
        app.button(key=f"lesson.guess.{name}.{exercises.GUESSES[name][0]}").click().run()
    assert not app.exception
    assert not app.error
    assert len(said(app)) > 10
    return app


def mute(app: AppTest) -> list[str]:
    """Charts that do not say in words of ours what they show; those of the specification stand in for none."""
    return [chart.proto.spec[:200] for chart in app.get("vega_lite_chart") if not SENTENCE.search(chart.proto.alt)]


@each_view
def test_a_chinese_page_holds_no_english_sentence(
    open_page: Open, finished: str, page: str, parameters: dict[str, str]
) -> None:
    app = opened(open_page, page, parameters, "zh", finished)
    assert untranslated(app, "zh", ENGLISH) == []
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
st.table({"看": ["the best of them all"], "The place of it": [1]})
st.html('<p title="抄自一处">Copied from the book<b>吗</b></p>')
st.html('<p style="PARAGRAPH" title="抄自两处">What a network wrote once</p>')
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
