"""The contract of executors, tested for each of them with real workers. See `rnnlab.runs.executor`."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnlab.events import EpochFinished, Event, RunFinished, RunStarted
from rnnlab.runs import forking
from rnnlab.runs.executor import Attached, Ended, ExecutorFactory, Lost, Ready, Report, Started
from rnnlab.runs.forking import ForkingExecutor
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import WORKER_TO_SUPERVISOR, EventReport, Lines, Stop, TrainOrder, encode
from rnnlab.runs.spawning import SpawningExecutor
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from tests.runs.lab import LONG, PATIENCE, TINY, exists, has_ended

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd: Linux only")

EXECUTORS: dict[str, ExecutorFactory] = {"forking": ForkingExecutor, "spawning": SpawningExecutor}
TEXT = prepare(load(TINY.corpus).text, TINY.preprocessing, TINY.num_chars).train


class Host:
    """The part of a supervisor that an executor needs: a loop and a list of its reports."""

    def __init__(self, make: ExecutorFactory) -> None:
        self.loop = Loop()
        self.reports: list[Report] = []
        self.executor = make(self.loop, self.reports.append)
        self.numbers = iter(range(10**6))

    def start(self) -> str:
        """Start a job with a new id."""
        job = f"job-{next(self.numbers)}"
        self.executor.start(job)
        return job

    def until(self, done: Callable[[], bool]) -> None:
        """Turn the loop as a supervisor does, until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, self.reports
            due = self.executor.tick()
            self.loop.turn(0.1 if due is None else min(due, 0.1))

    def settle(self) -> None:
        """Turn the loop for as long as an executor could need to report something twice."""
        deadline = time.monotonic() + 0.2
        self.until(lambda: time.monotonic() > deadline)

    def of(self, job: str) -> list[Report]:
        """Return the reports of a job in order."""
        return [
            report
            for report in self.reports
            if (isinstance(report, Lost) and job in report.jobs) or getattr(report, "job", None) == job
        ]

    def socket_of(self, job: str) -> socket.socket:
        """Wait for the socket of the worker of a job, and return it."""

        def attached() -> list[Attached]:
            return [report for report in self.of(job) if isinstance(report, Attached)]

        self.until(lambda: bool(attached()))
        return attached()[0].socket

    def pid_of(self, job: str) -> int:
        """Wait for the process number of a job, and return it."""

        def pids() -> list[int | None]:
            return [report.pid for report in self.of(job) if isinstance(report, Started)]

        self.until(lambda: bool(pids()))
        (pid,) = pids()
        assert pid is not None
        return pid

    def end_of(self, job: str) -> Ended | Lost:
        """Wait for the last report of a job, and return it."""
        self.until(lambda: any(isinstance(report, Ended | Lost) for report in self.of(job)))
        last = self.of(job)[-1]
        assert isinstance(last, Ended | Lost)
        return last

    def check(self, job: str) -> None:
        """Check the order and the number of the reports of a job that has ended."""
        kinds = [type(report) for report in self.of(job)]
        assert kinds[-1] in (Ended, Lost)
        before = kinds[:-1]
        assert len(set(before)) == len(before)
        assert set(before) <= {Attached, Started}


class Worker:
    """The supervisor's end of the socket of a worker."""

    def __init__(self, host: Host, job: str) -> None:
        self.host, self.socket, self.lines = host, host.socket_of(job), Lines()
        self.events: list[Event] = []

    def send(self, *messages: TrainOrder | Stop) -> None:
        """Send a few short messages, which fit into the buffer of the socket."""
        assert not self.socket.getblocking()
        for message in messages:
            self.socket.sendall(encode(message))

    def read(self) -> None:
        """Read the messages that have been sent."""
        with contextlib.suppress(BlockingIOError):
            while data := self.socket.recv(1 << 16):
                for line in self.lines.feed(data):
                    message = WORKER_TO_SUPERVISOR.decode(line)
                    assert isinstance(message, EventReport)
                    self.events.append(message.event)

    def until(self, kind: type) -> None:
        """Wait for an event of a kind."""

        def there() -> bool:
            self.read()
            return any(isinstance(event, kind) for event in self.events)

        self.host.until(there)


def train(folder: Path, long: bool = False) -> TrainOrder:
    config = LONG if long else TINY
    return TrainOrder(
        run="r",
        config=config.to_json(),
        text=TEXT,
        held_out="",
        checkpoint=None,
        start=None,
        further=False,
        device=None,
        folder=str(folder),
        keep_every=2,
        memory_mb=4096,
        processor_clock=False,
    )


@pytest.fixture(scope="module", params=EXECUTORS)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "forking" and not forking.available():
        pytest.skip("this system cannot fork")
    host = Host(EXECUTORS[request.param])
    assert host.reports == [], "nothing is reported from the constructor"
    yield host
    pids = host.executor.pids()
    count = len(host.reports)
    host.executor.close()
    assert len(host.reports) == count, "nothing is reported from close"
    assert all(has_ended(pid) for pid in pids), "a process was left"
    host.loop.close()


def check_a_job_that_finishes(host: Host, folder: Path) -> None:
    """Check the reports and the events of a job from its start to its end."""
    job = host.start()
    worker = Worker(host, job)
    worker.send(train(folder))
    assert host.end_of(job) == Ended(job, 0)
    # everything that the worker sent can be read after the report of its end
    worker.read()
    assert isinstance(worker.events[0], RunStarted)
    assert isinstance(worker.events[-1], RunFinished)
    assert [event.epoch for event in worker.events if isinstance(event, EpochFinished)] == [1, 2, 3]
    host.settle()
    host.check(job)
    assert {type(report) for report in host.of(job)} == {Attached, Started, Ended}
    assert any(isinstance(report, Ready) for report in host.reports)
    facts = next(report.facts for report in host.reports if isinstance(report, Ready))
    assert facts["flops"] > 0
    assert facts["op_seconds"] > 0
    worker.socket.close()


def test_a_job_that_finishes(host: Host, tmp_path: Path) -> None:
    check_a_job_that_finishes(host, tmp_path)


def test_two_jobs_at_once_and_one_is_killed(host: Host, tmp_path: Path) -> None:
    jobs = [host.start(), host.start()]
    workers = [Worker(host, job) for job in jobs]
    for worker in workers:
        worker.send(train(tmp_path, long=True))
        worker.until(EpochFinished)
    pids = [host.pid_of(job) for job in jobs]
    assert len(set(pids)) == 2
    assert set(pids) <= set(host.executor.pids())
    os.kill(pids[0], signal.SIGSTOP)  # also a worker that does not respond
    host.executor.kill(jobs[0])
    host.executor.kill(jobs[0])
    assert host.end_of(jobs[0]) == Ended(jobs[0], -signal.SIGKILL)
    assert not exists(pids[0])
    # killing an ended or unknown job has no effect; the other job continues and can be controlled
    host.executor.kill(jobs[0])
    host.executor.kill("nothing")
    workers[1].events.clear()
    workers[1].until(EpochFinished)
    workers[1].send(Stop())
    assert host.end_of(jobs[1]) == Ended(jobs[1], 0)
    workers[1].read()
    assert workers[1].events[-1].kind == "run_finished"
    host.settle()
    for job, worker in zip(jobs, workers, strict=True):
        host.check(job)
        worker.socket.close()


def test_a_job_that_is_killed_at_once_ends_once(host: Host) -> None:
    job = host.start()
    host.executor.kill(job)
    host.end_of(job)
    host.settle()
    host.check(job)
    for report in host.of(job):
        if isinstance(report, Attached):
            report.socket.close()


def check_a_worker_whose_socket_is_closed(host: Host, tmp_path: Path) -> None:
    """Check that closing the socket of a worker ends it."""
    job = host.start()
    worker = Worker(host, job)
    worker.send(train(tmp_path, long=True))
    worker.until(EpochFinished)
    worker.socket.close()
    host.end_of(job)
    host.settle()
    host.check(job)


def test_a_worker_ends_when_its_socket_is_closed(host: Host, tmp_path: Path) -> None:
    check_a_worker_whose_socket_is_closed(host, tmp_path)


def test_it_works_again_after_its_own_process_was_killed(host: Host, tmp_path: Path) -> None:
    """The process is the zygote, on which all jobs depend, or the spare worker for the next job."""
    host.until(lambda: any(isinstance(report, Ready) for report in host.reports))
    running = host.start()
    worker = Worker(host, running)
    worker.send(train(tmp_path, long=True))
    worker.until(EpochFinished)
    count = sum(isinstance(report, Ready) for report in host.reports)
    if isinstance(host.executor, SpawningExecutor):  # wait for the spare worker
        host.until(lambda: sum(isinstance(report, Ready) for report in host.reports) > count)
    # processes without a job
    killed = set(host.executor.pids()) - {host.pid_of(running)}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert all(has_ended(pid) for pid in killed)
    job = host.start()
    second = Worker(host, job)
    with contextlib.suppress(OSError):
        second.send(train(tmp_path))
    if isinstance(host.executor, ForkingExecutor):
        assert isinstance(host.end_of(running), Lost)
    else:
        worker.send(Stop())
        assert host.end_of(running) == Ended(running, 0)
    if isinstance(host.end_of(job), Lost):  # the zygote may have died after the request
        second.socket.close()
        job = host.start()
        second = Worker(host, job)
        second.send(train(tmp_path))
    assert host.end_of(job) == Ended(job, 0)
    host.settle()
    for ended in (running, job):
        host.check(ended)
    for connection in (worker.socket, second.socket):
        connection.close()
