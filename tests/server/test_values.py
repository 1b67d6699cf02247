"""Values that no widget has, sent by a visitor without a browser: nothing of Streamlit's or ours raises."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.browser.server import Server
from tests.server.visitor import Visitor, is_button

JSON = (
    "", "{", "null", "[]", "1e999", "NaN", '"x"', "[[[[1]]]]", '{"a": {"b": NaN}}', "[" * 5000, "[" * 50 + "]" * 50,
    '{"selection": {"rows": [99999999999999999999, "x", null, -1], "columns": 3}}', '{"value": {"silent": [1]}}',
    '{"seen": {"x": [[]]}, "picked": "one", "epoch": -1}', '[{"event": "x"}, {"event": 3}]',
)  # fmt: skip
TEXTS = ("", "x", "9" * 5000, "recorded:\x00", "text-0000000000000000", "\ud7ff\u202e:smile:")
NUMBERS = (0.5, math.nan, math.inf, -1e308)


def wrong(widget: str, trigger: bool = True) -> Iterator[WidgetState]:
    """Yield values of every kind for a widget; whatever the widget is, most are none of its own."""
    if trigger:
        yield WidgetState(id=widget, trigger_value=True)
    yield WidgetState(id=widget, bool_value=True)
    yield from (WidgetState(id=widget, double_value=value) for value in NUMBERS)
    yield from (WidgetState(id=widget, int_value=value) for value in (0, -1, 2**62))
    yield from (WidgetState(id=widget, string_value=value) for value in (*TEXTS, *JSON[5:11]))
    yield from (WidgetState(id=widget, json_value=value) for value in JSON)
    yield from (WidgetState(id=widget, json_trigger_value=value) for value in JSON[8:])
    for name, lists in {
        "double_array_value": ([], [math.nan], [1e300, 2.0, 3.0]),
        "int_array_value": ([], [10**12], [1, 2, 3]),
        "string_array_value": ([], ["x"], ["x"] * 50),
    }.items():
        for values in lists:
            state = WidgetState(id=widget)
            getattr(state, name).SetInParent()
            getattr(state, name).data.extend(values)
            yield state
    yield WidgetState(id=widget, bytes_value=b"\xff\x00")
    files = WidgetState(id=widget)
    files.file_uploader_state_value.uploaded_file_info.add(file_id="x", name="../x", size=5)
    yield files
    for name in ("string_trigger_value", "chat_input_value"):
        state = WidgetState(id=widget)
        getattr(state, name).data = "x"
        yield state
    yield WidgetState(id=widget)


PAGES = [
    ("home", ""),
    ("train", ""),
    ("compare", "view=race"),
    ("inspect", ""),
    ("runs", ""),
    ("lessons", "lesson=lstm"),
]


@pytest.mark.parametrize("lesson", ["rnn", "lstm"])
def test_a_button_pressed_again_before_the_page_is_complete(server: Server, lesson: str) -> None:
    with Visitor(server.port) as visitor:
        visitor.open("lessons", f"lang=en&lesson={lesson}")
        feed = next(widget for widget in visitor.widgets if widget.endswith("widget.feed"))
        state = ClientState(query_string=visitor.query, page_script_hash=visitor.hash)
        state.widget_states.widgets.add(id=feed, trigger_value=True)
        for _ in range(30):
            visitor.send(BackMsg(rerun_script=state))
            time.sleep(0.01)  # a hand is not faster; the page takes longer
        visitor.ask(state)
        visitor.ask(state)
        assert visitor.exceptions == []


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_what_no_widget_has_is_ignored(server: Server, page: str, query: str) -> None:
    with Visitor(server.port) as visitor:
        visitor.open(page, f"lang=en&{query}")
        sent = [list(wrong(widget, not is_button(element))) for widget, element in visitor.widgets.items()]
        assert len(sent) > 5
        # the n-th wrong value of every widget of the page at once
        for states in zip(*(states[-min(map(len, sent)) :] for states in sent), strict=True):
            visitor.set(*states)
        assert visitor.exceptions == []
    # the same before the server has told of the widgets, and all on top of each other
    with Visitor(server.port) as early:
        early.page, early.query = page, f"lang=en&{query}"
        state = ClientState(query_string=early.query, page_name="" if page == "home" else page)
        state.widget_states.widgets.extend(states[8] for states in sent)
        early.ask(state)
        assert early.widgets
        assert early.exceptions == []
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "Error" not in log


def test_a_widget_that_has_left_the_page_is_no_longer_there(server: Server) -> None:
    with Visitor(server.port) as visitor:
        visitor.open("lessons", "lang=en&lesson=lstm")
        left = [widget for widget, element in visitor.widgets.items() if is_button(element)]
        assert left
        visitor.open("runs")
        for widget in left:
            visitor.set(WidgetState(id=widget, trigger_value=True))
        assert visitor.exceptions == []


def test_a_value_that_a_widget_has_is_taken(server: Server) -> None:
    with Visitor(server.port) as visitor:
        visitor.open("home")
        (switch,) = [widget for widget, element in visitor.widgets.items() if type(element).__name__ == "Checkbox"]
        visitor.set(WidgetState(id=switch, bool_value=True))
        assert "projector=1" in visitor.query
