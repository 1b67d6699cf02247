"""The processor cores are shared among the runs that train, and the number of cores changes no curve."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from rnnlab.events import RunPaused, RunStarted
from rnnlab.runs.client import Client
from tests.runs.lab import LONG, PATIENCE, TINY, curve, opened, pause, until, until_state, warm
from tests.runs.test_scheduler import Parts

LARGE = TINY.change(cell="gru", num_hiddens=128, batch_size=16, num_steps=20, num_epochs=4)
"""Large enough that its products are divided among threads."""


def until_threads(client: Client, wanted: dict[str, int]) -> None:
    """Wait until the workers have been told these numbers of threads."""
    deadline = time.monotonic() + PATIENCE
    while (threads := client.status()["threads"]) != wanted:
        assert time.monotonic() < deadline, threads
        time.sleep(0.01)  # nothing to await: no event of a run tells its share


def test_whoever_trains_alone_gets_every_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_CORES", "5")
    monkeypatch.setenv("RNNLAB_SLOTS", "3")
    with opened(tmp_path) as client:
        warm(client)
        first = client.create(LONG)
        until_state(client, first, "running")
        until_threads(client, {first: 5})
        second = client.create(LONG)
        until_state(client, second, "running")
        until_threads(client, {first: 3, second: 2})
        pause(client, first)
        until_threads(client, {first: 3, second: 5})
        client.resume(first)
        until_threads(client, {first: 3, second: 2})
        client.stop(first)
        until_threads(client, {second: 5})
        client.stop(second)


def test_the_number_of_cores_changes_no_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves, threads = [], []
    for cores in (1, 3):
        monkeypatch.setenv("RNNLAB_CORES", str(cores))
        with opened(tmp_path / str(cores)) as client:
            run_id = client.create(LARGE)
            until_state(client, run_id, "finished")
            curves.append(curve(client, run_id))
            if sys.platform == "linux":
                longer = client.create(LARGE.change(num_epochs=10_000))
                until_state(client, longer, "running")
                until(client, longer, lambda record: record.epoch > 1)
                threads.append(len(os.listdir(f"/proc/{client.status()['runs'][longer]}/task")))
    assert len(curves[0]) == 4
    assert curves[0] == curves[1]
    # one thread trains and one reads messages; a spawned worker has a third, which waits for the end of the supervisor
    own = 3 if os.environ.get("RNNLAB_ENGINE") == "spawn" else 2
    assert threads in ([], [own, own + 2])


def test_paused_runs_need_no_core_and_questions_need_one(tmp_path: Path) -> None:
    parts = Parts(tmp_path, cores=4)
    for run in ("one", "two"):
        parts.create(run)
    parts.scheduler.start_waiting()
    one, two = parts.job("one"), parts.job("two")
    assert parts.scheduler.shares() == {one: 2, two: 2}
    parts.ask("question")
    parts.scheduler.start_waiting()
    assert parts.scheduler.shares() == {one: 2, two: 1}
    with parts.store.atomic():
        parts.store.record("one", RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu"))
        parts.store.record("one", RunPaused(epoch=0, minibatch=1))
    one.paused_at = 1.0
    assert parts.scheduler.shares() == {two: 2}
    parts.end("question")
    assert parts.scheduler.shares() == {two: 4}
    parts.store.close()
    parts.client.socket.close()
