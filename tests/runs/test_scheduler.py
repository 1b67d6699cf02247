"""What starts when: the turns of questions and runs, and which paused runs give their slot back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.errors import RunError
from rnnlab.events import RunFailed, RunPaused, RunStarted
from rnnlab.runs.connections import Connection
from rnnlab.runs.jobs import Inquiry, Job
from rnnlab.runs.limits import Limits
from rnnlab.runs.protocol import SUPERVISOR_TO_WORKER, AnswerOrder, Lines, Resume, Step, TrainOrder, encode
from rnnlab.runs.scheduler import Scheduler, new_job_id
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import ParkedRun
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.runs.texts import Texts
from tests.runs.lab import TINY

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


class Parts:
    """A scheduler with a store; `started` are the runs and questions that it started, in order."""

    def __init__(self, home: Path, **limits: float) -> None:
        self.store = StoreWriter(home / DATABASE)
        self.started: list[str] = []
        self.failed: dict[str, RunFailed] = {}
        self.scheduler = Scheduler(
            home,
            Limits(slots=2, queue=5, disk_floor_mb=0.1, **limits),  # type: ignore[arg-type]
            self.store,
            Texts((), self.store),
            lambda job: self.started.append(self.name(self.scheduler.jobs[job])),
            self.failed.__setitem__,
        )
        ours, theirs = socket.socketpair()
        theirs.close()
        self.client = Connection(ours, Lines())

    @staticmethod
    def name(job: Job) -> str:
        return job.run if job.inquiry is None else job.inquiry.question

    def create(self, run: str, owner: str = "", now: float | None = None) -> None:
        with self.store.atomic():
            self.store.create(run, TINY, owner=owner, now=now)

    def ask(self, question: str) -> None:
        order = AnswerOrder(
            config=TINY.to_json(), text="", held_out="", checkpoint=None, device=None, question={}, memory_mb=1
        )
        self.scheduler.ask(Job(new_job_id(), "", order, inquiry=Inquiry(self.client, 1, question, None)))

    def job(self, name: str) -> Job:
        (job,) = [job for job in self.scheduler.jobs.values() if self.name(job) == name]
        return job

    def train(self, name: str) -> Job:
        """Let a started run begin."""
        with self.store.atomic():
            self.store.record(name, STARTED)
        job = self.job(name)
        job.began = True
        return job

    def pause(self, name: str, at: float) -> Job:
        job = self.train(name)
        with self.store.atomic():
            self.store.record(name, RunPaused(epoch=0, minibatch=1))
        job.paused_at = at
        return job

    def end(self, name: str) -> None:
        """Let a started run or question end, and start what may start then."""
        job = self.job(name)
        if job.trains:
            with self.store.atomic():
                if self.store.run(name).state == "queued":
                    self.store.record(name, STARTED)
                self.store.move(name, "stopped")
        self.scheduler.remove(job)
        self.scheduler.start_waiting()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path, pause_seconds=60.0)
    yield parts
    parts.store.close()
    parts.client.socket.close()


def test_questions_and_runs_take_turns(parts: Parts) -> None:
    for number in range(4):
        parts.create(f"run{number}", now=1000.0 + number)
    for number in range(5):
        parts.ask(f"question{number}")
    parts.scheduler.start_waiting()
    # each has its own slots
    assert parts.started == ["question0", "run0", "question1", "run1"]
    parts.end("run0")
    assert parts.started[4:] == ["run2"], "questions wait, and the run starts nevertheless"
    parts.end("question1")
    assert parts.started[5:] == ["question2"]
    parts.end("run1")
    parts.end("question0")
    assert parts.started[6:] == ["run3", "question3"]


def test_questions_cannot_keep_a_run_from_starting(parts: Parts) -> None:
    """As long as they are asked faster than they are answered, some wait at any time."""
    for number in range(7):
        parts.ask(f"question{number}")
        parts.scheduler.start_waiting()
    parts.create("run")
    parts.scheduler.start_waiting()
    assert parts.started == ["question0", "question1", "run"]


def test_runs_cannot_keep_a_question_from_being_answered(parts: Parts) -> None:
    for number in range(5):
        parts.create(f"run{number}")
    parts.scheduler.start_waiting()
    parts.ask("question")
    parts.scheduler.start_waiting()
    assert parts.started[2:] == ["question"]


def test_a_run_that_cannot_start_does_not_end_the_turns(parts: Parts) -> None:
    with parts.store.atomic():
        parts.store.create("bad", TINY.change(corpus="no-such-corpus"), now=1000.0)
    parts.create("good")
    parts.ask("question0")
    parts.ask("question1")
    parts.scheduler.start_waiting()
    assert parts.started == ["question0", "question1", "good"]
    assert parts.failed["bad"].code == "corpus_unknown"


def test_not_more_questions_wait_than_runs_may_and_those_of_a_lost_client_go(parts: Parts) -> None:
    for number in range(5):
        parts.ask(f"question{number}")
    with pytest.raises(RunError) as caught:
        parts.ask("one too many")
    assert (caught.value.code, caught.value.params) == ("questions_full", {"waiting": 5})
    parts.scheduler.forget(Connection(parts.client.socket, Lines()))
    assert len(list(parts.scheduler.all_jobs())) == 5
    parts.scheduler.start_waiting()
    parts.scheduler.forget(parts.client)
    assert [parts.name(job) for job in parts.scheduler.all_jobs()] == ["question0", "question1"]


def test_nothing_starts_any_more_when_it_is_closed(parts: Parts) -> None:
    parts.create("run")
    parts.ask("question")
    parts.scheduler.closed = True
    parts.scheduler.start_waiting()
    assert parts.started == []


def test_only_a_long_pause_while_others_wait_costs_the_slot(parts: Parts) -> None:
    for run in ("long", "short"):
        parts.create(run)
    parts.scheduler.start_waiting()
    long, short = parts.pause("long", at=100.0), parts.pause("short", at=150.0)
    assert parts.scheduler.to_park(1000.0) == [], "nobody waits"
    parts.create("waiting")
    assert parts.scheduler.to_park(159.0) == []
    assert parts.scheduler.to_park(160.0) == [long]
    assert parts.scheduler.to_park(1000.0) == [long], "one waits, so one goes, the one that was paused first"
    parts.create("another")
    parts.create("a third")
    assert parts.scheduler.to_park(1000.0) == [long, short]
    long.parking = True
    assert parts.scheduler.to_park(1000.0) == [short]
    # a slot that becomes free anyway is counted
    short.paused_at = None
    assert parts.scheduler.to_park(1000.0) == []


def test_a_free_slot_is_used_first(parts: Parts) -> None:
    parts.create("paused")
    parts.scheduler.start_waiting()
    parts.pause("paused", at=0.0)
    parts.create("waiting")
    assert parts.scheduler.to_park(1000.0) == []
    parts.scheduler.start_waiting()
    assert parts.started == ["paused", "waiting"]


def test_a_run_that_was_parked_gets_its_messages_and_has_its_time(parts: Parts) -> None:
    parts.create("run")
    lines = encode(Step(unit="epoch")).decode() + encode(Resume()).decode()
    with parts.store.atomic():
        parts.store.park("run", ParkedRun(lines, 12.5))
    parts.scheduler.start_waiting()
    job = parts.job("run")
    assert job.busy_seconds(0.0) == 12.5
    order, *messages = [SUPERVISOR_TO_WORKER.decode(line) for line in Lines().feed(bytes(job.unsent))]
    assert isinstance(order, TrainOrder)
    assert messages == [Step(unit="epoch"), Resume()]
