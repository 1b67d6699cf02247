"""Runs that are paused for long give their slot back, and go on as if they had not."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnlab.events import CheckpointSaved, RunPaused, RunStarted
from rnnlab.runs import parking
from rnnlab.runs.client import Client
from rnnlab.runs.executor import Ended, Report
from rnnlab.runs.limits import Limits
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import (
    SUPERVISOR_TO_WORKER,
    ControlMessage,
    EventReport,
    Lines,
    Message,
    Park,
    Parked,
    Pause,
    Resume,
    Set,
    Step,
    Stop,
    TrainOrder,
    encode,
)
from rnnlab.runs.supervisor import Supervisor
from tests.runs.lab import (
    LONG,
    TINY,
    Simulated,
    curve,
    events,
    has_ended,
    opened,
    pause,
    pid_of,
    step,
    until,
    until_state,
    visitor,
)

WHOLE = TINY.change(num_epochs=60, sampling="random", optimizer="adam", learning_rate=0.01, pred_period=20)


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A home with a single slot, which a pause of a moment costs if another run waits."""
    monkeypatch.setenv("RNNLAB_SLOTS", "1")
    monkeypatch.setenv("RNNLAB_PAUSE_SECONDS", "0.05")
    with opened(tmp_path) as client:
        yield client


def paused_within_an_epoch(client: Client, run_id: str) -> tuple[int, int]:
    """Pause a run after the first minibatch of some epoch, and return its position."""
    until(client, run_id, lambda record: record.epoch >= 1)
    pause(client, run_id)
    step(client, run_id, "epoch")
    step(client, run_id, "minibatch")
    last = events(client, run_id, "run_paused")[-1]
    assert last.minibatch == 1
    return last.epoch, last.minibatch


def test_a_long_pause_gives_the_slot_to_a_run_that_waits(busy: Client) -> None:
    first = busy.create(WHOLE)
    position = paused_within_an_epoch(busy, first)
    pid = pid_of(busy, first)
    assert first in busy.status()["runs"], "nobody waits, so it keeps its worker"
    second = busy.create(LONG)
    until_state(busy, second, "running")
    if hasattr(os, "pidfd_open"):
        assert has_ended(pid)
    assert busy.store.run(first).state == "paused"
    assert busy.status()["runs"] == {second: pid_of(busy, second)}
    # it is next, before what was queued meanwhile
    third = busy.create(TINY)
    busy.resume(first)
    record = busy.store.run(first)
    assert (record.state, record.queue_position, record.continuable) == ("queued", 1, False)
    assert busy.store.run(third).queue_position == 2
    busy.stop(second)
    whole = busy.create(WHOLE)
    for run_id in (first, third, whole):
        assert until_state(busy, run_id, "finished", "failed").state == "finished"
    started = [(event.epoch, event.minibatch) for event in events(busy, first, "run_started")]
    assert started == [(0, 0), position]
    assert curve(busy, first) == curve(busy, whole)
    assert [event.epoch for event in events(busy, first, "epoch_finished")] == list(range(1, 61))
    assert (busy.store.run(first).finished_at or 0) < (busy.store.run(third).started_at or 0)


def test_its_place_is_before_the_later_runs_of_its_owner(busy: Client) -> None:
    paused = visitor(busy, "ann").create(LONG)
    until(busy, paused, lambda record: record.epoch >= 1)
    pause(busy, paused)
    runs = [visitor(busy, owner).create(LONG) for owner in ("bob", "ann", "bob", "cy")]
    until_state(busy, runs[0], "running")
    busy.resume(paused)
    order = sorted(
        (busy.store.run(run_id).queue_position or 0, run_id) for run_id in (paused, *runs) if run_id != runs[0]
    )
    # ann and cy have no running run, bob has one
    assert [run_id for _, run_id in order] == [paused, runs[3], runs[1], runs[2]]


def test_paused_runs_cannot_block_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "2")
    monkeypatch.setenv("RNNLAB_PAUSE_SECONDS", "0.05")
    with opened(tmp_path) as client:
        blocking = [client.create(LONG) for _ in range(2)]
        for run_id in blocking:
            until(client, run_id, lambda record: record.epoch >= 1)
            pause(client, run_id)
        others = [client.create(TINY) for _ in range(3)]
        for run_id in others:
            assert until_state(client, run_id, "finished", "failed").state == "finished"
        assert {client.store.run(run_id).state for run_id in blocking} == {"paused"}
        # their checkpoints answer, they can be stopped, deleted and brought back
        assert client.generate(blocking[0], "the", 3).startswith("the")
        client.stop(blocking[0])
        assert client.store.run(blocking[0]).state == "stopped"
        for run_id in blocking:
            client.delete(run_id)
            client.restore(run_id)
        assert {client.store.run(run_id).continuable for run_id in blocking} == {True}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process by a signal")
def test_a_parked_run_outlives_the_supervisor(busy: Client) -> None:
    paused = busy.create(LONG)
    position = paused_within_an_epoch(busy, paused)
    other = busy.create(LONG)
    until_state(busy, other, "running")
    os.kill(busy.status()["pid"], signal.SIGKILL)
    until_state(busy, other, "interrupted")
    assert busy.store.run(paused).state == "paused"
    busy.resume(paused)
    until_state(busy, paused, "running")
    last = events(busy, paused, "run_started")[-1]
    assert (last.epoch, last.minibatch) == position


class Workers(Simulated):
    """An executor with simulated workers."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        super().__init__(report)
        self.sockets: list[socket.socket] = []
        self.jobs: list[str] = []

    def start(self, job: str) -> None:
        self.jobs.append(job)
        self.sockets.append(self.attach(job))

    def close(self) -> None:
        for end in self.sockets:
            end.close()


class Stage:
    """A supervisor in this process with one slot, and the worker of the first run, which is paused."""

    def __init__(self, home: Path) -> None:
        made: list[Workers] = []

        def make(loop: Loop, report: Callable[[Report], None]) -> Workers:
            made.append(Workers(loop, report))
            return made[0]

        limits = Limits(slots=1, disk_floor_mb=0.1, pause_seconds=0.0)
        self.supervisor = Supervisor(home, limits, watch_stdin=False, make_executor=make)
        self.supervisor._lifetime.over = lambda clients, now: False  # type: ignore[method-assign]
        self.store = self.supervisor.store
        (self.workers,) = made
        self.create("first")
        self.say(RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu"))

    def create(self, run: str) -> None:
        self.supervisor.write(lambda: self.store.create(run, TINY))
        self.turn()

    def turn(self) -> None:
        self.supervisor.turn(0.0)
        self.supervisor.flush()

    def say(self, *messages: RunStarted | RunPaused | CheckpointSaved | Parked, worker: int = 0) -> None:
        """Send messages of a worker."""
        for message in messages:
            sent: Message = message if isinstance(message, Parked) else EventReport(event=message)
            self.workers.sockets[worker].sendall(encode(sent))
        self.turn()

    def heard(self, worker: int = 0) -> list[object]:
        """Return what a worker was sent."""
        self.workers.sockets[worker].settimeout(0.0)
        try:
            data = self.workers.sockets[worker].recv(1 << 20)
        except BlockingIOError:
            return []
        return [SUPERVISOR_TO_WORKER.decode(line) for line in Lines().feed(data)]

    def control(self, message: ControlMessage) -> None:
        """Do what a command does."""
        job = self.supervisor.training("first")
        if job is not None:
            self.supervisor.control(job, message)
        else:
            self.supervisor.write(lambda: parking.control(self.store, "first", message))
        self.turn()

    def end(self, worker: int = 0) -> None:
        """Let a worker exit."""
        self.workers.sockets[worker].close()
        self.workers.report(Ended(self.workers.jobs[worker], 0))
        self.turn()

    def state(self) -> str:
        return self.store.run("first").state

    def parked(self) -> list[object]:
        """Return what the next worker of the first run will be sent."""
        lines = self.store.parked()["first"].lines
        return [SUPERVISOR_TO_WORKER.decode(line.encode()) for line in lines.splitlines()]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.supervisor.close()


PAUSED = RunPaused(epoch=0, minibatch=2)
SAVED = CheckpointSaved(epoch=0, minibatch=2, name="epoch-00000-000002.safetensors")


def until_parking(stage: Stage) -> None:
    """Let the first run be paused and the second wait, until the first is told to give its slot back."""
    folder = stage.supervisor.home / "checkpoints" / "first"
    folder.mkdir(parents=True)
    (folder / SAVED.name).write_bytes(b"x")
    stage.say(PAUSED, SAVED)
    assert isinstance(stage.heard()[0], TrainOrder)
    stage.create("second")
    assert stage.heard() == [Park()]


def test_it_is_told_once(stage: Stage) -> None:
    until_parking(stage)
    for _ in range(3):
        stage.turn()
    assert stage.heard() == []
    stage.say(Parked(paused=True))
    assert stage.state() == "paused"
    assert len(stage.workers.jobs) == 1, "its process has not ended"
    stage.end()
    assert len(stage.workers.jobs) == 2
    assert stage.store.run("second").state == "queued"
    assert isinstance(stage.heard(1)[0], TrainOrder)


@pytest.mark.parametrize(
    ("asked", "state", "kept"),
    [
        ([Resume()], "queued", [Resume()]),
        ([Step(unit="epoch")], "queued", [Step(unit="epoch")]),
        ([Resume(), Pause()], "queued", [Pause()]),
        ([Pause()], "paused", [Pause()]),
        ([Set(name="clip_norm", value=1.0), Set(name="clip_norm", value=None)], "paused",
         [Set(name="clip_norm", value=None)]),
        ([Set(name="clip_norm", value=1.0), Set(name="learning_rate", value=2.0), Resume()], "queued",
         [Set(name="clip_norm", value=1.0), Set(name="learning_rate", value=2.0), Resume()]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [True, False], ids=["while it is saved", "afterwards"])
def test_what_is_asked_of_it_meanwhile_is_not_lost(
    stage: Stage, asked: list[ControlMessage], state: str, kept: list[ControlMessage], before: bool
) -> None:
    """A page shows it as paused all the time, and its buttons work."""
    until_parking(stage)
    if before:
        for message in asked:
            stage.control(message)
        assert stage.heard() == [], "its worker ends"
    stage.say(Parked(paused=True))
    if not before:
        for message in asked:
            stage.control(message)
    assert stage.state() == state
    assert stage.parked() == kept


@pytest.mark.parametrize("before", [True, False], ids=["while it is saved", "afterwards"])
def test_it_can_be_stopped_meanwhile(stage: Stage, before: bool) -> None:
    until_parking(stage)
    if before:
        stage.control(Stop())
    stage.say(Parked(paused=True))
    if not before:
        stage.control(Stop())
    assert stage.state() == "stopped"
    assert stage.store.parked() == {}
    last = stage.store.events_since("first")[-1][1]
    assert (last.kind, last.epoch, last.minibatch) == ("run_finished", 0, 2)  # type: ignore[union-attr]
    stage.control(Resume())
    assert stage.state() == "stopped"


def test_a_run_that_was_resumed_at_the_last_moment_goes_on_in_its_turn(stage: Stage) -> None:
    """Its worker had read the command before it was told to save the run."""
    until_parking(stage)
    stage.say(Parked(paused=False, step="period"))
    assert stage.state() == "queued"
    assert stage.parked() == [Step(unit="period")]
    assert stage.store.queue() == ["first", "second"]
    stage.end()
    order, *messages = stage.heard(1)
    assert isinstance(order, TrainOrder)
    assert (order.run, order.checkpoint) == ("first", str(stage.store.checkpoints("first")[-1][2]))
    assert messages == [Step(unit="period")]
