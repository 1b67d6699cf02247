"""The supervisor from within: how often it writes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rnnlab.events import RunStarted, TextGenerated
from rnnlab.runs.admission import Limits
from rnnlab.runs.jobs import Job, how_it_ended
from rnnlab.runs.supervisor import TICK, Supervisor
from tests.runs.lab import TINY

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


def test_one_transaction_for_all_that_was_said_in_a_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_ENGINE", "spawn")
    supervisor = Supervisor(tmp_path, Limits(slots=1, disk_floor_mb=0.1), watch_stdin=False)
    try:
        monkeypatch.setattr(supervisor, "pump", lambda: None)
        jobs = []
        for run_id in ("r1", "r2"):
            supervisor.write(lambda run_id=run_id: supervisor.store.create(run_id, TINY))  # type: ignore[misc]
            jobs.append(Job(id=run_id, run=run_id, order={}))
        commits: list[str] = []
        supervisor.store._connection.set_trace_callback(
            lambda statement: commits.append(statement) if statement.lower() == "commit" else None
        )
        began = time.monotonic()
        for job in jobs:
            supervisor._hear(job, {"event": STARTED.model_dump()})
        number = 0
        while time.monotonic() < began + 4 * TICK:
            number += 1
            for job in jobs:
                text = TextGenerated(epoch=number, prefix="a", text="ab")
                supervisor._hear(job, {"event": text.model_dump()})
            supervisor._turn(0.0)
        ticks = (time.monotonic() - began) / TICK
        assert 1 <= len(commits) <= ticks + 2
        supervisor.flush()
        assert [len(supervisor.store.events_since(job.run)) for job in jobs] == [number + 1, number + 1]
        # nothing is kept waiting for longer than a tick
        supervisor._hear(jobs[0], {"event": TextGenerated(epoch=1, prefix="a", text="ab").model_dump()})
        assert supervisor._timeout() <= TICK
    finally:
        supervisor.jobs.clear()
        supervisor.close()


def test_how_a_process_ended() -> None:
    killed = how_it_ended(-9)
    assert (killed.code, killed.params) == ("run_killed", {"signal": 9, "name": "SIGKILL"})
    assert how_it_ended(-60).params == {"signal": 60}
    assert (how_it_ended(3).code, how_it_ended(3).params) == ("run_exited", {"status": 3})
