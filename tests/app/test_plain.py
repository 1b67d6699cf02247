"""No page takes the words of people for markup: hostile titles, texts, prefixes and errors, on every page."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.view.language.i18n import unescaped
from rnnlab.view.page.address import PAGES, Address
from rnnlab.view.train import corpus
from tests.app.conftest import Open, section, unfold, words
from tests.app.test_words import RUN, VIEWS, elements
from tests.made import VERSE, finish

HOSTILE = ":smile: [x](https://x.example) https://y.example &lt; *a* -> b"
MARKUP = (":smile:", "[x](", "https://y.", " &lt;", "*a*", " -> b")
"""What of it is nowhere in a text that Streamlit reads as Markdown."""
# fields that Streamlit shows as they are: the options of a menu, what stands in a field, HTML that we escape, charts
UNREAD = {
    "selectbox": {"options", "raw_value"},
    "text_input": {"default", "value", "placeholder"},
    "text_area": {"default", "value", "placeholder"},
    "html": {"body"},
    "code": {"code_text"},
    "vega_lite_chart": {"spec", "datasets", "alt"},
    "arrow_data_frame": {"data", "alt", "columns", "selection_default"},
}
NAMES = {"id", "user_key", "query_string", "query_params_query_string", "element_id", "json", "url"}


def read(message: Any, unread: set[str]) -> Iterator[str]:
    """Yield all texts in a message, without those fields."""
    for field, value in message.ListFields():
        if field.name in unread or field.name in NAMES:
            continue
        for item in value if hasattr(value, "append") or hasattr(value, "add") else [value]:
            if isinstance(item, str):
                yield item
            elif hasattr(item, "ListFields"):
                yield from read(item, unread)


def markdown(app: AppTest) -> list[str]:
    """Return all texts of a page that may be read as Markdown."""
    texts = [text for node in elements(app) for text in read(node.proto, UNREAD.get(getattr(node, "type", ""), set()))]
    for table in app.table:
        texts += [str(cell) for column in table.value.to_dict("list").items() for cell in [column[0], *column[1]]]
    return texts


def taken_for_markup(app: AppTest) -> list[str]:
    assert not app.exception
    return [text for text in markdown(app) if any(mark in text for mark in MARKUP)]


@pytest.fixture(scope="module")
def text(client: Client) -> str:
    """A text of hostile characters with a hostile name."""
    return corpus.keep(f"{HOSTILE}\n".encode() * 60, f"{HOSTILE}.txt")


@pytest.fixture(scope="module")
def hostile(client: Client, text: str) -> dict[str, str]:
    """Runs by what is hostile about them: those of this server, and imported ones."""
    config = VERSE.change(corpus=text, prefixes=(HOSTILE[:12], "*a*"))
    trained = finish(client, client.create(config))
    client.rename(trained, HOSTILE)
    data = export_run(client.store, trained)
    failed = {"kind": "run_failed", "message": HOSTILE}

    unknown = {"name": HOSTILE, "allowed": "a"}

    def imported(**change: Any) -> str:
        return client.import_run(to_json(json.loads(json.dumps(data)) | change))

    return {
        "trained": trained,
        "named": imported(name=HOSTILE, based_on=HOSTILE, title=""),
        "failed": imported(events=[*data["events"][:-1], failed | {"code": "never_heard_of"}]),
        "params": imported(events=[*data["events"][:-1], failed | {"code": "corpus_unknown", "params": unknown}]),
    }


IMPORTED: list[tuple[str, dict[str, str]]] = [
    ("train", {"run": RUN}),
    ("runs", {}),
    ("compare", {"pins": f"{RUN},recorded:A2"}),
    ("diagnose", {"run": RUN}),
]
SEEN = [
    *(("trained", page, given) for page, given in VIEWS if page != "lessons"),
    *((kind, page, given) for kind in ("named", "failed", "params") for page, given in IMPORTED),
]


@pytest.mark.parametrize(
    ("kind", "page", "given"), SEEN, ids=[" ".join([kind, page, *given.values()]) for kind, page, given in SEEN]
)
def test_a_page_about_a_hostile_run(
    open_page: Open, hostile: dict[str, str], kind: str, page: str, given: dict[str, str]
) -> None:
    app = open_page(page, **{name: value.replace(RUN, hostile[kind]) for name, value in given.items()})
    unfold(app)
    assert taken_for_markup(app) == []


def parameters(page: str) -> list[str]:
    table: Address = importlib.import_module(f"rnnlab.view.{page}.address").ADDRESS
    return list(table.parameters)


ASKED = [(page, name) for page in PAGES for name in ("lang", *parameters(page))]


@pytest.mark.parametrize(("page", "name"), ASKED, ids=[f"{page}-{name}" for page, name in ASKED])
def test_an_address_with_hostile_values(open_page: Open, page: str, name: str) -> None:
    first = {"view": "race", "vary": "own"} if (page, name) == ("compare", "own") else {}
    app = open_page(page, **{**first, name: HOSTILE})
    assert taken_for_markup(app) == []


def test_a_hostile_short_link(open_page: Open) -> None:
    app = open_page("home", s=HOSTILE)
    assert app.error
    assert taken_for_markup(app) == []


def test_files_with_hostile_names_and_contents(open_page: Open) -> None:
    app = open_page("runs")
    content = json.dumps({"format": HOSTILE, HOSTILE: HOSTILE}).encode()
    app.get("file_uploader")[0].set_value([
        (f"{HOSTILE}.json", content, "application/json"),
        (f"{HOSTILE}.json", f"{HOSTILE}{{".encode(), "application/json"),
    ]).run()  # fmt: skip
    assert len(app.error) == 2
    assert all(unescaped(error.value).startswith(f"**{HOSTILE}.json**") for error in app.error)
    assert taken_for_markup(app) == []


def test_a_text_with_a_hostile_name(open_page: Open) -> None:
    app = open_page("train")
    file = (f"{HOSTILE}.txt", f"{HOSTILE}, {HOSTILE}\n".encode() * 40, "text/plain")
    app.file_uploader(key="corpus.file").set_value(file).run()
    app.button(key="corpus.use").click().run()
    assert f"{HOSTILE}.txt" in next(menu for menu in app.selectbox if f"{HOSTILE}.txt" in menu.options).options
    assert taken_for_markup(app) == []
    section(app, "text")
    assert HOSTILE in unescaped(words(app))
    assert taken_for_markup(app) == []
