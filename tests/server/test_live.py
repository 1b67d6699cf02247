"""The events of a live run, read over HTTP from a real server as a browser reads them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from rnnlab.events import EpochFinished
from rnnlab.runs.client import Client
from rnnlab.runs.protocol import LIVE
from rnnlab.view.language.i18n import t
from rnnlab.view.watch import stream
from rnnlab.view.watch.stream import Edition, RunPicture, Viewer
from tests.browser.server import Server
from tests.made import LYRICS, PATIENCE, finish, until
from tests.runs.lab import pause, step, until_state

LONG = LYRICS.change(num_epochs=5000, pred_period=5000)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Connect to the shared server; no run of a failed test trains on beside the other tests."""
    with Client(server.home) as client:
        yield client
        for run in client.store.runs(states=LIVE):
            client.stop(run.id)


def arrive(server: Server) -> str:
    """Return the identity that the server gives a browser that opens a page."""
    answer = requests.get(server.url, headers={"Accept": "text/html"}, timeout=PATIENCE)
    return answer.cookies["rnnlab"]


@dataclass
class Sent:
    """An event as a browser receives it."""

    kind: str
    data: str
    position: str

    @property
    def epochs(self) -> list[float]:
        """The epochs that a point adds to the curve."""
        epochs: list[float] = json.loads(self.data)["add"].get("curve", {"epoch": []})["epoch"]
        return epochs


def listen(server: Server, run_id: str, after: float = 0, lang: str = "en", **headers: str) -> requests.Response:
    return requests.get(
        f"{server.url}/lab/live/{run_id}?lang={lang}&after={after}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        stream=True,
        timeout=PATIENCE,
    )


def events(response: requests.Response) -> Iterator[Sent]:
    """Yield the events of a connection until the server ends it."""
    assert response.status_code == 200, response.text
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.decode("utf-8").partition(": ")
        if name:
            fields[name.removesuffix(":")] = value
        else:
            yield Sent(fields.get("event", ""), fields.get("data", ""), fields.get("id", ""))
            fields = {}


def test_a_viewer_gets_every_epoch_once_and_the_end(server: Server, client: Client) -> None:
    run_id = client.create(LYRICS.change(num_epochs=40, num_chars=4000), based_on="A2")
    until_state(client, run_id, "running", "finished")
    sent = list(events(listen(server, run_id, lang="zh")))
    trained = [event for _, event in client.store.events_since(run_id) if isinstance(event, EpochFinished)]
    points = [event for event in sent if event.kind == "point"]
    assert [epoch for point in points for epoch in point.epochs] == [float(event.epoch) for event in trained]
    values = [value for point in points for value in json.loads(point.data)["add"].get("curve", {"value": []})["value"]]
    assert values == pytest.approx([event.perplexity for event in trained])
    assert sent[0].kind == "ready"
    assert sent[-1].kind == "end"
    told = [json.loads(event.data)[0] for event in sent if event.kind == "page" and event.data]
    assert told[-1] == "finished"  # so that the page is drawn again
    figures = json.loads(points[-1].data)["figures"]
    assert figures["epoch"] == "周期 40/40"
    assert figures["percent"] == 100


def test_a_server_that_is_stopped_does_not_wait_for_its_viewers(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    try:
        with Client(server.home) as client:
            run_id = client.create(LONG, based_on="A2")
            until_state(client, run_id, "running")
            with listen(server, run_id) as response:
                stream_of = events(response)
                assert next(stream_of).kind == "ready"
                server.stop()  # fails where it does not end in time
                with contextlib.suppress(requests.RequestException):  # the connection may break off
                    assert all(event.kind for event in stream_of)
    finally:
        server.kill()


def test_a_viewer_who_comes_back_gets_only_what_is_missing(server: Server, client: Client) -> None:
    run_id = client.create(LONG, based_on="A2")
    until(client, run_id, lambda run: run.epoch >= 6)
    record = pause(client, run_id)
    for response in (listen(server, run_id, Last_Event_ID="4.0"), listen(server, run_id, after=4.5)):
        with response:
            point = next(event for event in events(response) if event.kind == "point")
            assert point.epochs == [float(epoch) for epoch in range(5, record.epoch + 1)]
            assert float(point.position) >= record.epoch
    with listen(server, run_id, after=float(point.position)) as response:
        stream_of = events(response)
        assert [next(stream_of).kind, next(stream_of).kind] == ["ready", "page"]  # there is nothing new
        step(client, run_id)
        point = next(event for event in stream_of if event.kind == "point")
        # every tenth epoch has a measurement on held-out text besides
        measured = "held_out" in json.loads(point.data)["add"]
        assert len(point.data.encode()) < (900 if measured else 800)
    client.stop(run_id)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("lab/live/nowhere1", {}, 404),
        ("lab/live/nowhere1?lang=fr", {}, 400),
        ("lab/live/nowhere1?after=nan", {}, 400),
        ("lab/live/nowhere1?after=x", {}, 400),
        ("lab/live/nowhere1?after=1,2", {}, 400),
        ("lab/live/nowhere1?with=everything", {}, 400),
        ("lab/compared/nowhere1?by=epoch&slots=0&name=A&after=0", {}, 404),
        ("lab/live/nowhere1", {"Origin": "http://elsewhere.example"}, 403),
        ("lab/live/nowhere1", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("lab/plot-0000.js", {}, 404),
        ("lab/other.js", {}, 404),
    ],
)
def test_what_is_refused(server: Server, path: str, headers: dict[str, str], status: int) -> None:
    assert requests.get(f"{server.url}/{path}", headers=headers, timeout=PATIENCE).status_code == status


def test_the_connections_of_a_visitor_are_bounded(server: Server, client: Client) -> None:
    run_id = client.create(LONG, based_on="A2")
    until(client, run_id, lambda run: run.epoch >= 1)
    cookie = {"Cookie": f"rnnlab={arrive(server)}"}
    held = [listen(server, run_id, **cookie) for _ in range(stream.MAX_PER_VISITOR)]
    try:
        assert {response.status_code for response in held} == {200}
        assert listen(server, run_id, **cookie).status_code == 429
        other = listen(server, run_id, Cookie="_streamlit_xsrf=two")
        assert other.status_code == 200
        held.append(other)
        # a connection that was closed makes room for another
        held.pop(0).close()
        for _ in range(int(PATIENCE)):
            with listen(server, run_id, **cookie) as response:
                if response.status_code == 200:
                    break
                client.wait(run_id, client.store.version(run_id), 1.0)
        else:
            pytest.fail("the closed connection still counts")
    finally:
        for response in held:
            response.close()
        client.stop(run_id)


def test_a_viewer_who_reads_too_slowly_is_dropped() -> None:
    async def deliver() -> list[bytes | None]:
        viewer = Viewer(RunPicture("run"), Edition("en"), "somebody", (0.0,))
        for _ in range(stream.QUEUE + 1):
            viewer.put(b"point")
        return [viewer.messages.get_nowait() for _ in range(viewer.messages.qsize())]

    # in a thread of its own, as the browser tests keep an event loop in this one
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(deliver())).result() == [None]


def test_the_script_of_the_chart_may_be_kept_for_ever(server: Server) -> None:
    from rnnlab.server import scripts

    answer = requests.get(f"{server.url}/{scripts.path()}", timeout=PATIENCE)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    file = scripts.vega()
    assert file is not None
    assert file[0] in answer.text
    # Streamlit serves the file that the script imports
    assert requests.get(f"{server.url}/static/js/{file[0]}", timeout=PATIENCE).status_code == 200


def test_gradients_come_on_request(server: Server, client: Client) -> None:
    run_id = client.create(LYRICS.change(num_epochs=20), based_on="A2")
    finish(client, run_id)
    response = requests.get(f"{server.url}/lab/live/{run_id}?lang=zh&with=gradients", stream=True, timeout=PATIENCE)
    message = next(json.loads(event.data) for event in events(response) if event.kind == "point")
    assert message["add"]["clipped"]["epoch"] == message["add"]["curve"]["epoch"]
    assert set(message["add"]["layers"]["layer"]) >= {t("chart.all_layers", "zh")}
    assert "θ" in message["notes"]["clipping"]


def test_viewers_of_a_comparison_get_every_epoch_of_each_run_once(server: Server, client: Client) -> None:
    pins = [client.create(LONG.change(random_seed=seed), based_on="A2") for seed in (0, 1)]
    query = "kind=overlay&lang=en&by=epoch&slots=3,0,1&name=one&name=two&name=A2&finish=bigram"
    url = f"{server.url}/lab/compared/{pins[0]},{pins[1]},recorded:A2?{query}&after="
    for pin in pins:
        until(client, pin, lambda run: run.epoch >= 2)
    with requests.get(url + "0.0,1.0,250.0", stream=True, timeout=PATIENCE) as response:
        epochs: dict[int, list[float]] = {}
        for event in events(response):
            if event.kind == "point":
                message = json.loads(event.data)
                line = message["add"].get("line", {"slot": [], "x": []})
                for slot, x in zip(line["slot"], line["x"], strict=True):
                    epochs.setdefault(slot, []).append(x)
                assert len(event.position.split(",")) == 3
                assert [len(column) for column in message["board"].values()] == [3] * 4
                assert set(message["put"]["ends"]["label"]) == {"one", "two", "A2"}
            if min(len(epochs.get(slot, ())) for slot in (3, 0)) >= 30:
                break
    assert set(epochs) == {3, 0}  # nothing of the recording is new
    assert epochs[3] == [float(epoch) for epoch in range(1, len(epochs[3]) + 1)]
    assert epochs[0] == [float(epoch) for epoch in range(2, len(epochs[0]) + 2)]
    for pin in pins:
        client.stop(pin)
    # a run that ends says so, and the page is drawn again
    with requests.get(url + event.position, stream=True, timeout=PATIENCE) as response:
        assert [event.kind for event in events(response)][-1] == "end"


@pytest.mark.parametrize(
    "query",
    [
        "by=epoch&slots=0&name=A&after=0",  # two runs, one name
        "by=epoch&slots=0,1&name=A&name=B&after=0",  # the position of one run
        "by=epoch&slots=0,9&name=A&name=B&after=0,0",
        "by=epoch&slots=0,x&name=A&name=B&after=0,0",
        "by=miles&slots=0,1&name=A&name=B&after=0,0",
        "by=epoch&slots=0,1&name=A&name=B&after=0,0&finish=nowhere",
        "by=epoch&slots=0,1&name=A&name=B&after=0,0&lang=fr",
        "by=epoch&slots=0,1&name=A&after=0,0&name=" + 200 * "B",
    ],
)
def test_a_comparison_that_is_none_is_refused(server: Server, query: str) -> None:
    answer = requests.get(f"{server.url}/lab/compared/recorded:A1,recorded:A2?{query}", timeout=PATIENCE)
    assert answer.status_code == 400


def test_a_finished_run_has_nothing_to_push(server: Server, client: Client, tmp_path: Path) -> None:
    run_id = finish(client, client.create(LYRICS, based_on="A2"))
    assert [event.kind for event in events(listen(server, run_id))][-1] == "end"
