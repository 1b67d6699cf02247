"""A stranger who sends over a raw web socket what the buttons of another visitor's run send."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from rnnlab.environment import Environment
from rnnlab.runs.client import Client, ClientOf
from rnnlab.runs.protocol import Asker
from rnnlab.view.language.i18n import t
from rnnlab.view.page.visitor import COOKIE, Keys
from tests.browser.server import Server
from tests.made import LYRICS, until
from tests.server.visitor import Visitor

LONG = LYRICS.change(num_epochs=9000, pred_period=9000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("strangers") / "home", profile="class")
    yield server
    server.stop()


def test_the_clicks_of_an_owner_do_nothing_when_a_stranger_sends_them(server: Server) -> None:
    keys = Keys(Environment(server.home))
    ann, mallory = keys.issue(), keys.issue()
    with Client(Environment(server.home, profile="class")) as client:
        run = ClientOf(client, Asker(id=keys.identity({COOKIE: ann}))).create(LONG, based_on="A2")
        until(client, run, lambda record: record.epoch > 0)
        page = ("train", f"run={run}&lang=en")
        with Visitor(server.port, ann) as owner:
            steering = {
                widget: element.label
                for widget, element in owner.open(*page).widgets.items()
                if type(element).__name__ == "Button" and ("controls-" in widget or "controls." in widget)
            }
        assert {"Pause", "Stop"} <= set(steering.values())
        # with another identity, and with none; also by a stranger who says that the page is embedded
        for cookie, query in ((mallory, page[1]), ("", page[1]), (mallory, f"{page[1]}&embed=true")):
            with Visitor(server.port, cookie) as stranger:
                stranger.open(page[0], query)
                seen = {getattr(element, "label", "") for element in stranger.widgets.values()}
                assert not {"Pause", "Stop"} & seen
                for widget in steering:
                    stranger.set(WidgetState(id=widget, trigger_value=True))
                assert not stranger.exceptions
            record = client.store.run(run)
            assert (record.state, record.starred, record.title) == ("running", False, "")
        # the owner's own click stops it
        with Visitor(server.port, ann) as owner:
            owner.open(*page)
            stop = next(widget for widget, label in steering.items() if label == "Stop")
            owner.set(WidgetState(id=stop, trigger_value=True))
        until(client, run, lambda record: record.state == "stopped")


def test_a_stranger_sees_nothing_of_a_text_on_any_page(server: Server) -> None:
    keys = Keys(Environment(server.home))
    ann, mallory = keys.issue(), keys.issue()
    secret = "quinze hiboux xylophones "
    with Client(Environment(server.home, profile="class")) as client:
        by_ann = ClientOf(client, Asker(id=keys.identity({COOKIE: ann})))
        text = by_ann.add_text(secret * 90, "mine.txt")
        small = LYRICS.change(corpus=text, num_epochs=2, pred_period=1, prefixes=("quinze",), num_preds=0)
        run = by_ann.create(small, based_on="A2")
        until(client, run, lambda record: record.state == "finished")
    pages = [("train", f"run={run}"), ("inspect", f"run={run}"), ("inspect", f"run={run}&view=dependence")]
    pages += [("diagnose", f"topic={topic}&run={run}") for topic in ("layers", "overfitting", "directions", "clipping")]
    pages += [("compare", f"pins={run}"), ("train", f"recipe=A2&corpus={text}"), ("runs", "find=quinze")]
    for page, query in pages:
        seen = {}
        # the owner first, so that every shared answer is there
        for cookie in (ann, mallory):
            with Visitor(server.port, cookie) as visitor:
                visitor.open(page, f"{query}&lang=en")
                seen[cookie] = b"".join(visitor.received)
                assert not visitor.exceptions
        assert b"hiboux" not in seen[mallory], (page, query)
        if page == "inspect":
            assert b"hiboux" in seen[ann], (page, query)


def test_a_second_run_says_that_it_waits_for_the_first(server: Server) -> None:
    keys = Keys(Environment(server.home))
    cookie = keys.issue()
    with Client(Environment(server.home, profile="class")) as client:
        by_ann = ClientOf(client, Asker(id=keys.identity({COOKIE: cookie})))
        first, second = by_ann.create(LONG, based_on="A2"), by_ann.create(LONG, based_on="A2")
        until(client, first, lambda record: record.state == "running")
        with Visitor(server.port, cookie) as visitor:
            visitor.open("train", f"run={second}&lang=en")
            assert t("state.queued.own", "en").encode() in b"".join(visitor.received)
        for run in (second, first):
            by_ann.stop(run)
