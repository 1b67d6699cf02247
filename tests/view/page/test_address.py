"""The address of a page: read once per visit, and written through a table per page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

from rnnlab.errors import RNNLabError
from rnnlab.view.page import frame
from rnnlab.view.page.address import PAGES, Address, one_of, page_named, whole

ROOT = Path(__file__).resolve().parents[3]
TABLES: dict[str, Address] = {page: import_module(f"rnnlab.view.{page}.address").ADDRESS for page in PAGES}
EMBEDDED: Address = import_module("rnnlab.view.watch.address").ADDRESS
EVERYWHERE = {*frame.ADDRESS.parameters, "embed"}


def script() -> None:
    """A page with three parameters, whose actions a test sets."""
    import streamlit as st

    from rnnlab.errors import RNNLabError
    from rnnlab.recipes import recipe
    from rnnlab.view.page import address
    from rnnlab.view.page.address import Address, Parameter, one_of, whole

    table = Address(
        {
            "view": Parameter("what is shown", "curve", one_of(("curve", "text"))),
            "epoch": Parameter("the epoch", read=whole(0, 100)),
            "recipe": Parameter("the recipe", "A2", lambda text: recipe(text).id),
        }
    )
    state = st.session_state
    address.begin(state.get("page", "train"), anew=state.pop("back", False))

    def read() -> None:
        if state.pop("break", False):
            raise RNNLabError("broken", "The script is broken off here.")
        state["read"] = [*state.get("read", []), table.get("epoch")]

    try:
        state["arrived"] = address.once("test", read)
    except RNNLabError:
        state["arrived"] = None
    table.write(**state.pop("write", {}))
    state["got"] = {name: table.get(name) for name in table.parameters}
    state["whole"] = table.number("epoch", 5, 50, 7)
    state["everything"] = address.everything()


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_function(script)


def asking(page: AppTest, /, **parameters: str) -> AppTest:
    """Run the page with another URL, as the browser sends it."""
    page.query_params.clear()
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def doing(page: AppTest, /, **what: Any) -> AppTest:
    for name, value in what.items():
        page.session_state[name] = value
    return page


def url(page: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}


def test_the_url_speaks_where_the_page_begins_and_never_later(page: AppTest) -> None:
    asking(page, epoch="4")
    assert page.session_state["arrived"]
    assert page.session_state["got"]["epoch"] == "4"
    # a click, followed by a refresh that was sent before it
    asking(doing(page, write={"epoch": "9"}), epoch="4")
    assert (page.session_state["got"]["epoch"], url(page)) == ("9", {"epoch": "9"})
    asking(page, epoch="4")
    assert not page.session_state["arrived"]
    assert (page.session_state["got"]["epoch"], url(page)) == ("9", {"epoch": "9"})
    assert page.session_state["everything"] == {"epoch": "9"}
    assert page.session_state["read"] == ["4"]


def test_it_speaks_again_where_another_page_begins_and_where_the_browser_goes_back(page: AppTest) -> None:
    asking(page, epoch="4")
    asking(doing(page, page="home"), epoch="5")
    asking(doing(page, page="train"))
    asking(page, epoch="6")  # too late
    asking(doing(page, back=True), epoch="7")
    assert page.session_state["read"] == ["4", "5", "", "7"]
    assert url(page) == {"epoch": "7"}


def test_a_reader_that_was_broken_off_reads_again(page: AppTest) -> None:
    asking(doing(page, **{"break": True}), epoch="4")
    assert page.session_state["arrived"] is None
    asking(page, epoch="5")
    assert page.session_state["arrived"]
    assert page.session_state["read"] == ["4"]  # the link's value, not that of a later refresh


def test_a_value_that_is_not_allowed_leaves_the_url_and_is_said_where_the_table_says_why(page: AppTest) -> None:
    asking(page, view="picture", epoch="12 ", recipe="Z9", other="kept")
    assert page.session_state["got"] == {"view": "curve", "epoch": "", "recipe": "A2"}
    assert url(page) == {"other": "kept"}
    (said,) = [error.value for error in page.error]
    assert "Z9" in said
    asking(page, **url(page))
    assert not page.error
    # another spelling of an allowed value is normalised
    asking(doing(page, back=True), epoch="007", recipe="a6")
    assert page.session_state["got"] == {"view": "curve", "epoch": "7", "recipe": "A6"}
    assert url(page) == {"epoch": "7", "recipe": "A6"}


def test_defaults_are_not_in_the_url_and_a_change_of_several_is_one_step_back(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    send = QueryParams._send_query_param_msg
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: sent.append(str(self)) or send(self))
    asking(doing(page, write={"view": "text", "epoch": "3", "recipe": "A2"}))
    assert url(page) == {"view": "text", "epoch": "3"}
    assert len(sent) == 1
    asking(doing(page, write={"view": "text", "epoch": "3"}), **url(page))
    assert len(sent) == 1  # no change, no message
    asking(doing(page, write={"view": "curve", "epoch": None}), **url(page))
    assert url(page) == {}
    assert len(sent) == 2


@pytest.mark.parametrize(("text", "value"), [("", 7), ("4", 7), ("5", 5), ("50", 50), ("51", 7), ("²", 7)])
def test_a_number_outside_its_bounds_counts_as_none(page: AppTest, text: str, value: int) -> None:
    asking(page, epoch=text)
    assert page.session_state["whole"] == value


def test_what_reads_a_parameter() -> None:
    assert [one_of(("a", "b"))(text) for text in ("a", "A", "", "ab")] == ["a", None, None, None]
    read = whole(1, 120)
    assert [read(text) for text in ("1", "0120", "0", "121", "-1", "1.0", "١", "9" * 5000)] == ["1", "120", *[None] * 6]


def test_a_page_keeps_nothing_that_its_table_does_not_name() -> None:
    table = Address({})
    for use in (lambda: table.get("run"), lambda: table.given("run"), lambda: table.write(run=None)):
        with pytest.raises(KeyError, match="run"):
            use()


@pytest.mark.parametrize("table", [*TABLES.values(), EMBEDDED, frame.ADDRESS], ids=[*TABLES, "embedded", "everywhere"])
def test_every_parameter_says_what_it_means_and_reads_its_own_default(table: Address) -> None:
    assert table is frame.ADDRESS or not set(table.parameters) & EVERYWHERE
    for name, parameter in table.parameters.items():
        assert parameter.meaning, name
        if parameter.default is not None:
            assert parameter.read(parameter.default) == parameter.default, name


@pytest.mark.parametrize(
    ("page", "name", "text"),
    [("home", "recording", "Z9"), ("compare", "recipe", "Z9"), ("compare", "num_epochs", "many"),
     ("diagnose", "recording", "Z9"), ("lessons", "lesson", "gruu"), ("lessons", "tune", "momentum")],
)  # fmt: skip
def test_what_a_reader_ought_to_be_told_is_an_error(page: str, name: str, text: str) -> None:
    with pytest.raises(RNNLabError, match=text):
        TABLES[page].parameters[name].read(text)


# the source


def calls() -> Iterator[ast.Call]:
    for path in (*(ROOT / "rnnlab").rglob("*.py"), *(ROOT / "pages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def linked() -> Iterator[tuple[str, str]]:
    """Yield the page and the parameter names of each link within the app."""
    for node in calls():
        called = ast.unparse(node.func)
        to, sentence = node.args[:1], [keyword.value for keyword in node.keywords if keyword.arg == "query_params"]
        if called in ("address.open_page", "address"):
            sentence = node.args[1:2]
        elif called != "st.page_link":
            continue
        pages = [node_.value for argument in to for node_ in ast.walk(argument) if isinstance(node_, ast.Constant)]
        page = next((str(name) for name in pages if name in PAGES), None)
        for names in sentence if page else ():
            assert isinstance(names, ast.Dict), ast.unparse(node)
            for name in names.keys:
                if name is not None:  # otherwise the settings of a run
                    assert isinstance(name, ast.Constant), ast.unparse(node)
                    yield str(page), str(name.value)


def test_links_within_the_app_say_what_the_page_that_they_lead_to_reads() -> None:
    links = set(linked())
    assert {page for page, _ in links} >= {"train", "compare"}
    for page, name in links:
        assert name in TABLES[page].parameters or name in EVERYWHERE, (page, name)


def test_the_url_is_read_and_written_in_one_place() -> None:
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in (*(ROOT / "rnnlab").rglob("*.py"), *(ROOT / "pages").glob("*.py"), *ROOT.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "st.query_params"
    }
    assert touching == {"rnnlab/view/page/address.py"}


@pytest.mark.parametrize(
    ("path", "page"),
    [("/train", "train"), ("/Train", "train"), ("/TRAIN/", "train"), ("/lab/Runs", "runs"), ("/", None), ("", None),
     ("/trains", None), ("/train/more", None)],
)  # fmt: skip
def test_the_path_of_a_page_is_understood_however_it_is_typed(path: str, page: str | None) -> None:
    assert page_named(path) == page
