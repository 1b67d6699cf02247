"""Real page servers on the same home: killed, restarted, and two at the same time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.store import Store
from tests.browser.server import Server
from tests.runs.lab import LONG, TINY, has_ended, pid_of, until, until_event
from tests.server.visitor import Visitor

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd: Linux only")


def visit(server: Server, query: str = "lang=en") -> str:
    """Open the Train page like a browser, and return its text once its supervisor has started."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    texts = []
    with connect(address, max_size=None, subprotocols=[Subprotocol("streamlit")]) as page:
        ask = BackMsg()
        ask.rerun_script.query_string = query
        ask.rerun_script.page_name = "train"
        page.send(ask.SerializeToString())
        while True:
            message = ForwardMsg()
            data = page.recv(30)
            assert isinstance(data, bytes)
            message.ParseFromString(data)
            texts.append(str(message.delta))
            finished = message.WhichOneof("type") == "script_finished"
            if finished and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
    while Endpoint.read(server.home) is None:  # the supervisor starts in the background
        time.sleep(0.02)
    return "\n".join(texts)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Start servers that share a home."""
    with ExitStack() as stack:

        def start() -> Server:
            server = Server(tmp_path / "home")
            stack.callback(server.stop)
            return server

        yield start


def test_two_servers_share_a_store_and_when_both_are_killed_the_next_can_continue_their_runs(
    start_server: Callable[[], Server],
) -> None:
    first, second = start_server(), start_server()
    home = first.home
    visit(first)
    visit(second)
    with Client(home) as client:
        supervisor = client.status()["pid"]
        run_id = client.create(LONG)
    assert run_id in visit(first, f"run={run_id}&lang=en")
    first.kill()
    # the second server shows the same run, which continues
    assert run_id in visit(second, f"run={run_id}&lang=en")
    with Client(home) as client:
        assert client.status()["pid"] == supervisor
        epoch = client.store.run(run_id).epoch
        until(client, run_id, lambda record: record.epoch > epoch)
        worker = pid_of(client, run_id)
        until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        pids = client.status()["pids"]
    second.kill()
    assert all(has_ended(pid, 5.0) for pid in [*pids, worker]), "an orphan was left"
    with Store(home / "runs.sqlite3") as store:
        assert store.run(run_id).state == "interrupted"
    page = visit(start_server(), f"run={run_id}&lang=en")
    assert "interrupted" in page
    assert "Continue" in page
    with Client(home) as client:
        client.continue_run(run_id)
        until(client, run_id, lambda record: record.state == "running")
        client.delete(run_id)


def test_a_server_that_is_stopped_as_a_service_goes_on_with_its_runs(start_server: Callable[[], Server]) -> None:
    """All its processes get the signal, as from systemd; what ran and what waited goes on when it is started again."""
    server = start_server()
    visit(server)
    with Client(server.home) as client:
        slots = client.status()["slots"]
        runs = [client.create(LONG) for _ in range(slots + 1)]
        until(client, runs[0], lambda record: record.epoch > 0)
        pids = {server.process.pid, *client.status()["pids"], *filter(None, client.status()["runs"].values())}
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    assert all(has_ended(pid) for pid in pids)
    server.process.wait()
    assert Endpoint.read(server.home) is None, "nothing was started in the meantime"
    with Store(server.home / "runs.sqlite3") as store:
        assert {store.run(run_id).state for run_id in runs} == {"queued"}
    visit(start_server())
    with Client(server.home) as client:
        for run_id in runs[:slots]:
            epoch = client.store.run(run_id).epoch
            until(client, run_id, lambda record, epoch=epoch: record.epoch > epoch)  # type: ignore[misc]
        assert client.store.run(runs[slots]).state == "queued"
        client.stop(runs[0])
        until(client, runs[slots], lambda record: record.state == "running")
        for run_id in runs:
            client.delete(run_id)


def test_a_server_ends_while_a_page_waits_for_an_answer(start_server: Callable[[], Server]) -> None:
    server = start_server()
    visit(server)
    with Client(server.home) as client:
        run_id = client.create(TINY)
        until(client, run_id, lambda record: not record.live)
        _, *workers = client.status()["pids"]
        for pid in workers:  # so that the question is never answered
            with suppress(ProcessLookupError):  # the worker of the run
                os.kill(pid, signal.SIGSTOP)
    try:
        with Visitor(server.port) as page:
            page.open("diagnose", f"topic=layers&run={run_id}&lang=en")
            assert page.exceptions == []
        server.stop()  # waits for 20 s, an answer may take 60 s
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
