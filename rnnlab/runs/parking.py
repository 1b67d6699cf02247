"""Parked runs: runs with a checkpoint and no worker, which resume later.

A run is parked when it was paused for long while others wait, so that its slot is of use to them, and when the
supervisor is told to end. It goes on with the very minibatch before which it was saved: a paused run when it is
resumed, any other in its turn. It keeps its place, and so comes before all runs of its owner that were queued later.
"""

from __future__ import annotations

from rnnlab.events import RunFinished
from rnnlab.runs.jobs import Job
from rnnlab.runs.protocol import (
    SUPERVISOR_TO_WORKER,
    ControlMessage,
    Parked,
    Pause,
    Resume,
    Set,
    Step,
    Stop,
    encode,
)
from rnnlab.runs.store import ParkedRun
from rnnlab.runs.store_writer import StoreWriter


def park(store: StoreWriter, job: Job, message: Parked, now: float) -> None:
    """Record that the run of a job is parked, with the messages that arrived meanwhile.

    Call this in a transaction that also has the events before.
    """
    lines = encode(Step(unit=message.step)).decode() if message.step is not None else ""
    store.park(job.run, ParkedRun(lines, job.busy_seconds(now)))
    if not message.paused:
        store.move(job.run, "queued", keep_place=True)
    for control_message in job.later:
        control(store, job.run, control_message)


def control(store: StoreWriter, run: str, message: ControlMessage) -> None:
    """Apply a control message to a parked run, or keep it for the next worker. Call this in a transaction."""
    parked = store.parked().get(run)
    if parked is None:  # it was stopped in the meantime
        return
    if isinstance(message, Stop):
        epoch, minibatch, _ = store.checkpoints(run)[-1]
        store.record(run, RunFinished(reason="stopped", epoch=epoch, minibatch=minibatch))
        return
    store.park(run, ParkedRun(_with(parked.lines, message), parked.seconds))
    if isinstance(message, Resume | Step):
        store.move(run, "queued", keep_place=True)


def _with(lines: str, message: ControlMessage) -> str:
    """Add a message to the lines for a worker, replacing earlier messages that it supersedes."""
    before = [SUPERVISOR_TO_WORKER.decode(line.encode()) for line in lines.splitlines()]
    kept = [old for old in before if not _replaces(message, old)]
    return b"".join(map(encode, [*kept, message])).decode()


def _replaces(new: ControlMessage, old: object) -> bool:
    if isinstance(new, Set):
        return isinstance(old, Set) and old.name == new.name
    return isinstance(old, Pause | Resume | Step)
