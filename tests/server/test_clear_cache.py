"""Any visitor can clear Streamlit's caches, which are those of all visitors: nothing is lost or left over by that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from tests.browser.server import Server
from tests.made import LYRICS
from tests.runs.lab import pause, until_state
from tests.server.visitor import Visitor

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc: Linux only")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "home")
    yield server
    server.stop()


def holds(pid: int) -> tuple[int, int]:
    """Return the numbers of descriptors and threads of a process."""
    process = Path(f"/proc/{pid}")
    return len(os.listdir(process / "fd")), len(os.listdir(process / "task"))


def clear(visitor: Visitor, page: str, query: str) -> None:
    visitor.send(BackMsg(clear_cache=True))
    visitor.open(page, query)


def test_clearing_the_caches_leaves_no_connection_and_no_thread(server: Server) -> None:
    with Visitor(server.port) as visitor:
        visitor.open("train")
        with Client(server.home) as client:
            run_id = client.create(LYRICS.change(num_epochs=10_000), based_on="A2")
            until_state(client, run_id, "running")
            pause(client, run_id)
        supervisor = Endpoint.read(server.home)
        assert supervisor is not None
        pages = [("train", f"lang=en&run={run_id}"), ("diagnose", f"lang=en&run={run_id}"), ("runs", "lang=en")]
        for page, query in pages:  # what all of them need is there
            clear(visitor, page, query)
        before, behind = holds(server.process.pid), holds(supervisor.pid)
        for turn in range(50):
            clear(visitor, *pages[turn % len(pages)])
        after, later = holds(server.process.pid), holds(supervisor.pid)
        assert visitor.exceptions == []
    # some are open for a moment, such as those of a reading that is under way
    assert after[0] - before[0] < 10, "descriptors of the server"
    assert after[1] - before[1] < 10, "threads of the server"
    assert later[0] - behind[0] < 5, "connections to the supervisor"
    with Client(server.home) as client:
        now = Endpoint.read(server.home)
        assert now is not None
        assert now.pid == supervisor.pid
        assert client.store.run(run_id).state == "paused"
        client.stop(run_id)
