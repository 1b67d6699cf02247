"""A home with a supervisor for tests: tiny runs, and functions that wait for events instead of sleeping."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rnnlab.environment import Environment
from rnnlab.events import Event
from rnnlab.runs.client import Client, ClientOf
from rnnlab.runs.executor import Attached, Report, Started
from rnnlab.runs.protocol import Asker
from rnnlab.runs.store import RunRecord
from tests.made import PATIENCE, exists, until
from tests.made import VERSE as TINY

__all__ = [
    "LONG",
    "PATIENCE",
    "TINY",
    "Simulated",
    "about_forks",
    "client",
    "curve",
    "events",
    "exists",
    "has_ended",
    "opened",
    "pid_of",
    "shared",
    "until",
    "until_event",
    "until_state",
    "visitor",
    "warm",
]


FORKS = os.environ.get("RNNLAB_ENGINE", "fork" if sys.platform == "linux" else "spawn") == "fork"
about_forks = pytest.mark.skipif(not FORKS, reason="about workers that are forked")
LONG = TINY.change(num_epochs=10_000, pred_period=10_000)
"""A run that does not finish during a test."""


def until_state(client: Client, run_id: str, *states: str) -> RunRecord:
    """Wait until a run is in one of `states`."""
    return until(client, run_id, lambda record: record.state in states)


def pause(client: Client, run_id: str) -> RunRecord:
    """Pause a run and wait until it is paused."""
    client.pause(run_id)
    return until_state(client, run_id, "paused")


def step(client: Client, run_id: str, unit: str = "epoch") -> RunRecord:
    """Run a paused run to the end of a unit, and wait until it is paused there."""
    cursor = max(seq for seq, _ in client.store.events_since(run_id))
    client.step(run_id, unit)
    until_event(client, run_id, lambda event: event.kind == "run_paused", cursor)
    return client.store.run(run_id)


def until_event(client: Client, run_id: str, condition: Callable[[Event], bool], cursor: int = 0) -> tuple[int, Event]:
    """Wait until an event of a run fulfils a condition, and return its sequence number and the event."""
    deadline = time.monotonic() + PATIENCE
    while True:
        version = client.store.version(run_id)
        for seq, event in client.store.events_since(run_id, cursor):
            cursor = seq
            if condition(event):
                return seq, event
        left = deadline - time.monotonic()
        assert left > 0, f"no such event in {client.store.events_since(run_id)[-5:]}"
        client.wait(run_id, version, left)


def events(client: Client, run_id: str, kind: str | None = None) -> list[Any]:
    """Return the events of a run so far, optionally only those of a kind."""
    return [event for _, event in client.store.events_since(run_id) if kind in (None, event.kind)]


def curve(client: Client, run_id: str) -> dict[int, float]:
    """Return the loss of each epoch; of a repeated epoch, the last."""
    return {event.epoch: event.loss for event in events(client, run_id, "epoch_finished")}


def pid_of(client: Client, run_id: str) -> int:
    """Wait for the process that trains a run, and return its number."""
    until_state(client, run_id, "running", "paused")
    pid = client.status()["runs"][run_id]
    assert isinstance(pid, int)
    return pid


def has_ended(pid: int, timeout: float = PATIENCE) -> bool:
    """Wait until any process has ended; return whether it has."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(descriptor)


@contextmanager
def opened(home: Path | Environment) -> Iterator[Client]:
    """Connect to a home, and check at the end that its supervisor and all its processes have ended."""
    client = Client(home)
    client.connect()
    try:
        yield client
    finally:
        pids = client.status()["pids"]
        client.close()
        assert all(has_ended(pid) for pid in pids), "a process was left"


def warm(client: Client) -> Client:
    """Wait until torch is loaded, so that a run starts at once."""
    deadline = time.monotonic() + PATIENCE
    while not client.ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return client


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a home that many tests share; each test has its own runs."""
    with opened(tmp_path_factory.mktemp("home")) as client:
        yield warm(client)


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    """Yield the shared client, and delete the unfinished runs of the test afterwards."""
    warm(shared)
    yield shared
    for record in shared.store.runs(states=["queued", "running", "paused"]):
        shared.delete(record.id)
    for pid in shared.status()["runs"].values():  # the slot of a run is free when its process has ended
        assert pid is None or has_ended(pid)


def visitor(client: Client, name: str, teacher: bool = False) -> Client:
    """Return the client of a visitor of the pages."""
    return ClientOf(client, Asker(id=name, teacher=teacher))


class Simulated:
    """The base of an executor in this process, whose workers are simulated by the test."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self.report = report

    def attach(self, job: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """Report that a worker has started; return the worker's end of its socket."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        ours.setblocking(False)
        self.report(Attached(job, ours))
        self.report(Started(job, None))
        return theirs

    def kill(self, job: str) -> None:
        """Do nothing: the test ends a worker."""

    def tick(self) -> float | None:
        """Return None: there is nothing to do at intervals."""
        return None

    def pids(self) -> list[int]:
        """Return no process."""
        return []

    def close(self) -> None:
        """Do nothing."""
