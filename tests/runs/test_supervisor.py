"""The parts of the supervisor: recording of events, and ends of processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.events import CheckpointSaved, RunStarted, TextGenerated
from rnnlab.runs.disk import Ballast, GuardedWriter
from rnnlab.runs.jobs import Job, failure_of
from rnnlab.runs.lifetime import GRACE, Lifetime
from rnnlab.runs.limits import Limits
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import TrainOrder
from rnnlab.runs.recorder import TICK, Recorder
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import checkpoint_folder
from rnnlab.runs.store_writer import StoreWriter
from tests.runs.lab import PATIENCE, TINY

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


def job_of(run: str) -> Job:
    order = TrainOrder(
        run=run,
        config=TINY.to_json(),
        text="",
        held_out="",
        checkpoint=None,
        start=None,
        further=False,
        device=None,
        folder="",
        keep_every=2,
        memory_mb=1024,
        processor_clock=False,
    )
    return Job(id=run, run=run, order=order)


class Parts:
    """A store with a recorder; `reading` are the files in use, `cancelled` the jobs that the recorder cancelled."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = StoreWriter(home / DATABASE)
        self.reading: set[Path] = set()
        self.cancelled: list[Job] = []
        self.writer = GuardedWriter(self.store, Ballast(home, 0.1), list, lambda: None)
        limits = Limits(slots=1)
        self.recorder = Recorder(
            home, limits, self.store, self.writer, lambda file: file in self.reading, self.cancelled.append
        )

    def run(self, run_id: str) -> Job:
        """Add a run that trains."""
        self.writer.write(lambda: self.store.create(run_id, TINY))
        return job_of(run_id)

    def save(self, job: Job, epoch: int) -> Path:
        """Report a checkpoint of a run, and return its file."""
        name = f"epoch-{epoch}"
        folder = checkpoint_folder(self.home, job.run)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * 10)
        self.recorder.add(job, CheckpointSaved(epoch=epoch, minibatch=0, name=name))
        self.recorder.flush()
        return folder / name


@pytest.fixture
def parts(sqlite_connections: list[sqlite3.Connection], tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path)
    yield parts
    parts.store.close()


def test_one_transaction_for_all_events_of_a_tick(parts: Parts, sqlite_connections: list[sqlite3.Connection]) -> None:
    jobs = [parts.run(run_id) for run_id in ("r1", "r2")]
    commits: list[str] = []
    sqlite_connections[0].set_trace_callback(
        lambda statement: commits.append(statement) if statement.lower() == "commit" else None
    )
    assert parts.recorder.due_at() is None
    for job in jobs:
        parts.recorder.add(job, STARTED)
    began = time.monotonic()
    number = 0
    while time.monotonic() < began + 4 * TICK:
        number += 1
        for job in jobs:
            parts.recorder.add(job, TextGenerated(epoch=number, prefix="a", text="ab"))
        due = parts.recorder.due_at()
        assert due is not None
        assert due <= time.monotonic() + TICK, "an event waits for longer than a tick"
        if time.monotonic() >= due:
            parts.recorder.flush()
    ticks = (time.monotonic() - began) / TICK
    assert 1 <= len(commits) <= ticks + 1
    parts.recorder.flush()
    assert [len(parts.store.events_since(job.run)) for job in jobs] == [number + 1, number + 1]


def test_events_of_a_deleted_run_cancel_its_job(parts: Parts) -> None:
    gone, other = parts.run("r1"), parts.run("r2")
    parts.writer.write(lambda: parts.store.delete("r1"))
    for job in (gone, other):
        parts.recorder.add(job, STARTED)
    parts.recorder.flush()
    assert parts.cancelled == [gone]
    assert len(parts.store.events_since("r2")) == 1


def test_a_checkpoint_stays_while_a_question_reads_it(parts: Parts) -> None:
    """A run that trains fast replaces its newest checkpoint many times before a worker has read it."""
    job = parts.run("r1")
    parts.recorder.add(job, STARTED)
    first = parts.save(job, 1)
    parts.reading.add(first)
    second, third = parts.save(job, 3), parts.save(job, 5)
    assert [path for _, _, path in parts.store.checkpoints("r1")] == [third]
    assert first.exists()
    assert not second.exists()
    # it is saved again under the same name while it is read, so the store has it and it is not removed
    assert parts.save(job, 1) == first
    parts.reading.clear()
    parts.recorder.remove_files()
    assert first.exists()
    last = parts.save(job, 7)
    assert not first.exists()
    assert last.exists()


def test_the_supervisor_ends_after_the_app_and_the_last_client(tmp_path: Path) -> None:
    loop = Loop()
    reader, writer = os.pipe()
    lifetime = Lifetime(loop, reader)
    os.write(writer, b"x")
    loop.turn(0.1)
    assert lifetime.timeout(0.0) is None
    assert not lifetime.over(0, 0.0)
    os.close(writer)
    loop.turn(PATIENCE)
    assert not lifetime.over(1, 1.0), "a client is connected"
    assert not lifetime.over(0, 2.0), "another may come at once"
    assert lifetime.timeout(2.0) == pytest.approx(GRACE)
    assert not lifetime.over(1, 2.1)
    assert not lifetime.over(0, 3.0)
    assert lifetime.over(0, 3.0 + 2 * GRACE)
    os.close(reader)
    # a thread reads a file that the loop cannot wait for, such as a pipe on Windows
    (tmp_path / "file").write_text("x")
    with open(tmp_path / "file", "rb") as file:
        lifetime = Lifetime(loop, file.fileno())
        loop.turn(PATIENCE)
        assert not lifetime.over(0, 0.0)
        assert lifetime.over(0, 2 * GRACE)
    loop.close()


def test_how_a_process_ended() -> None:
    killed = failure_of(-9)
    assert (killed.code, killed.params) == ("run_killed", {"signal": 9, "name": "SIGKILL"})
    assert failure_of(-60).params == {"signal": 60}
    assert (failure_of(3).code, failure_of(3).params) == ("run_exited", {"status": 3})
