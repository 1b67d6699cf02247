"""The machines of a cluster on the pages: the panel of the Runs page, and what the page of a run says of its machine.

A real supervisor runs in this process; its executor reports the machines that a test wants, and plays their workers.
"""

from __future__ import annotations

import contextlib
import json
import math
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab import __version__
from rnnlab.environment import Environment
from rnnlab.events import Event
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.executor import Attached, Capacity, Lost, Ready, Report, Started
from rnnlab.runs.limits import Limits
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import EventReport, HostFacts, HostState, encode
from rnnlab.runs.supervisor import Supervisor
from rnnlab.view.language.i18n import LANGUAGES, t, unescaped
from rnnlab.view.page import estimate, session
from rnnlab.view.watch import stream
from tests.app.conftest import open_app, words
from tests.app.test_words import CHINESE, ENGLISH, from_corpus, untranslated
from tests.made import LYRICS as TINY
from tests.made import epoch, started
from tests.runs.lab import PATIENCE, until, until_state

TURN = 0.02
THEIRS, OURS = "RNN Lab 0.1, torch 2.0", f"RNN Lab {__version__}, torch 2.9"


def machine(
    name: str, *runs: str, refused: str = "", speed: float = 12.34e9, devices: tuple[str, ...] = ()
) -> HostState:
    """A machine of two cores, with 3.5 GB of free memory."""
    facts = HostFacts(
        name=name,
        version=__version__,
        torch="2.9",
        cores=2,
        memory_mb=3584,
        devices=list(devices),
        speed={"flops": speed, "op_seconds": 1e-6} if speed else {},
    )
    return HostState(facts=facts, runs=list(runs), refused=refused)


class Machines:
    """An executor on the machines that a test names; each job trains on `host`, and sends what the test says."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self.report, self.host = report, "host-1"
        self.todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.workers: dict[str, socket.socket] = {}
        self.jobs: dict[str, str] = {}  # of each run

    def start(self, job: str) -> None:
        ours, self.workers[job] = socket.socketpair()
        ours.setblocking(False)
        self.report(Attached(job, ours))
        self.report(Started(job, None, self.host))

    def tick(self) -> float | None:
        for job, worker in self.workers.items():
            if job not in self.jobs.values():
                order = json.loads(worker.makefile("rb").readline())  # it was sent when the worker was attached
                self.jobs[order["run"]] = job
        while not self.todo.empty():
            self.todo.get()()
        return TURN

    def say(self, run: str, *events: Event) -> None:
        for event in events:
            self.workers[self.jobs[run]].sendall(encode(EventReport(event=event)))

    def lose(self, run: str) -> None:
        job = self.jobs[run]
        self.workers[job].close()
        self.report(Lost((job,), self.host))

    def kill(self, job: str) -> None:
        """Do nothing: the test ends a worker."""

    def pids(self) -> list[int]:
        """Return no process."""
        return []

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()


class Lab:
    """A supervisor in a thread, with the machines of a cluster."""

    def __init__(self, home: Path) -> None:
        self._ended, ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(home, ready))
        self._thread.start()
        assert ready.wait(PATIENCE)

    def _serve(self, home: Path, ready: threading.Event) -> None:
        def make(_: Loop, report: Callable[[Report], None]) -> Machines:
            self.machines = Machines(report)
            return self.machines

        limits = Limits(slots=1, disk_floor_mb=0.1)
        supervisor = Supervisor(Environment(home), limits, watch_stdin=False, make_executor=make)
        try:
            ready.set()
            while not self._ended.is_set():
                supervisor.turn(min(TURN, supervisor._timeout()))
        finally:
            supervisor.close()

    def do(self, work: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Let the thread of the supervisor call a method of the machines, and wait for it."""
        done = threading.Event()

        def call() -> None:
            work(*arguments, **named)
            done.set()

        self.machines.todo.put(call)
        assert done.wait(PATIENCE)

    def connect(self, *hosts: HostState, slots: int) -> None:
        """Report these machines."""
        self.report(Capacity(slots, True, hosts))

    def report(self, capacity: Capacity) -> None:
        """Report the capacity, and forget what the pages know of the last one."""
        self.do(self.machines.report, capacity)
        session._answered.drop([session.connection()])

    def close(self) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("RNNLAB_HOME", str(tmp_path))
    monkeypatch.delenv("RNNLAB_DATA", raising=False)
    with contextlib.ExitStack() as closing:
        lab = Lab(tmp_path)
        closing.callback(lab.close)
        session.connection.release()
        session.facts.release()
        closing.callback(session.facts.release)
        closing.callback(session.connection.release)
        assert Endpoint.read(tmp_path) is not None
        yield lab


@pytest.fixture
def client(lab: Lab) -> Client:
    return session.connection()


def figures(app: AppTest) -> str:
    """Return the line with the state, the epoch and the pace of a run."""
    return "\n".join(bar.proto.text for bar in app.get("progress"))


def of_hosts(app: AppTest) -> list[dict[str, Any]]:
    """Return the rows of the table of machines."""
    tables = [table.value for table in app.dataframe if "cores" in table.value.columns]
    return [] if not tables else tables[0].to_dict("records")


def test_without_a_cluster_there_is_no_panel(client: Client) -> None:
    assert client.status()["cluster"] is None
    app = open_app("runs")
    assert not app.exception
    assert of_hosts(app) == []
    assert "Cluster." not in words(app)


@pytest.mark.parametrize(("lang", "foreign"), [("zh", ENGLISH), ("en", CHINESE)])
def test_the_panel_shows_each_machine_and_links_to_what_it_trains(
    lab: Lab, client: Client, lang: str, foreign: re.Pattern[str]
) -> None:
    lab.connect(machine("host-1"), slots=2)
    run = client.create(TINY, based_on="A2")
    client.rename(run, "*a* title")
    until(client, run, lambda record: record.host == "host-1")
    lab.connect(
        machine("host-1", run, "deleted-run"),
        machine("host-2", speed=0.0, devices=("cuda",)),
        machine("other", refused="busy"),
        machine("old", refused=f"{THEIRS}; {OURS}"),
        slots=4,
    )
    app = open_app("runs", lang)
    assert not app.exception
    first, second = of_hosts(app)
    assert not isinstance(first.pop("devices"), str)
    assert first == {"name": "host-1", "cores": 2, "speed": 12.3, "memory": 3.5, "runs": 2}
    assert (second["name"], second["devices"], second["runs"]) == ("host-2", "CUDA", 0)
    assert math.isnan(second["speed"])
    (link,) = (link.proto for link in app.get("page_link") if "host-1" in link.proto.label)
    assert f"run={run}" in link.query_string
    assert r"\*a\* title" in link.label
    text = unescaped(words(app))
    assert t("runs.hosts", lang, slots=4) in words(app)
    assert t("runs.hosts.busy", lang, name="other") in text
    assert t("runs.hosts.versions", lang, name="old", theirs=THEIRS, ours=OURS) in text
    assert not app.warning
    assert [text for text in untranslated(app, lang, foreign) if lang == "zh" or not from_corpus(text)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("capacity", "panel", "note"),
    [
        (Capacity(0), "runs.hosts.none", "state.queued.no_machine"),
        (
            Capacity(0, True, (machine("old", refused=f"{THEIRS}; {OURS}"),)),
            "runs.hosts.none",
            "state.queued.no_machine",
        ),
        (Capacity(0, False), "runs.hosts.silent", "state.queued.no_scheduler"),
        (Capacity(0, False, mistrusted=True), "runs.hosts.mistrusted", "state.queued.no_scheduler"),
    ],
)
def test_where_nothing_can_train_the_pages_say_what_is_lacking_and_promise_no_time(
    lab: Lab, client: Client, lang: str, capacity: Capacity, panel: str, note: str
) -> None:
    # how long a run takes is known
    lab.do(lab.machines.report, Ready({"flops": 1e6, "op_seconds": 1e-3}))
    lab.connect(machine("host-1"), slots=1)
    blocking = client.create(TINY)
    until(client, blocking, lambda record: record.host == "host-1")
    lab.do(lab.machines.say, blocking, started())
    until_state(client, blocking, "running")
    waiting = client.create(TINY)
    seconds = estimate.wait(waiting)
    assert seconds is not None
    assert seconds > 0
    assert estimate.lacking() == ""

    lab.report(capacity)
    app = open_app("runs", lang)
    assert not app.exception
    assert [warning.value for warning in app.warning] == [t(panel, lang)]
    assert of_hosts(app) == []
    assert estimate.wait(waiting) is None
    app = open_app("train", lang, run=waiting)
    assert not app.exception
    assert t(note, lang) in words(app)
    assert client.store.run(waiting).state == "queued"

    # when a machine is there, the page is told to draw itself again
    look = stream.RunPicture(waiting).look()
    lab.connect(machine("host-2"), slots=1)
    assert stream.RunPicture(waiting).look().phase != look.phase
    assert estimate.wait(waiting) == pytest.approx(seconds, rel=0.5)
    assert t(note, lang) not in words(open_app("train", lang, run=waiting))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_a_run_names_its_machine(lab: Lab, client: Client, lang: str) -> None:
    lab.connect(machine("host-1"), slots=1)
    run = client.create(TINY)
    until(client, run, lambda record: record.host == "host-1")
    lab.do(lab.machines.say, run, started(), epoch(1))
    until(client, run, lambda record: record.epoch == 1)
    app = open_app("train", lang, run=run)
    assert not app.exception
    assert t("figures.trains_on", lang, host="host-1") in unescaped(figures(app))

    lab.do(lab.machines.lose, run)
    until_state(client, run, "interrupted")
    app = open_app("train", lang, run=run)
    assert not app.exception
    assert t("figures.trained_on", lang, host="host-1") in unescaped(figures(app))
    assert t("state.interrupted.host.note", lang, host="host-1") in unescaped(words(app))
    assert t("state.interrupted.note", lang) not in words(app)


def test_pages_that_are_drawn_together_ask_the_supervisor_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.connect(machine("host-1"), slots=1)
    monkeypatch.setattr(session, "FRESH", 1e12)
    assert session.status() is session.status()
    before = session.status()
    lab.connect(slots=0)
    assert session.status() is not before
    assert session.status()["slots"] == 0
