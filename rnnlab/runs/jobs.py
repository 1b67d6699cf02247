"""A job: a worker process and its purpose."""

from __future__ import annotations

import contextlib
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

from rnnlab.events import RunFailed
from rnnlab.runs.connections import Connection
from rnnlab.runs.protocol import AnswerOrder, ControlMessage, Lines, TrainOrder


@dataclass(frozen=True)
class Inquiry:
    """A client that waits for the answer to a question.

    Attributes:
        connection: connection of the client.
        request: id of its request.
        question: key of the answer in the store, JSON.
        checkpoint: file that is read; it must not be removed before the answer.
    """

    connection: Connection
    request: int
    question: str
    checkpoint: Path | None


@dataclass(eq=False)
class Job:
    """A worker process that trains a run or answers a question to a checkpoint."""

    id: str
    run: str
    order: TrainOrder | AnswerOrder
    owner: str = ""
    inquiry: Inquiry | None = None  # None: the job trains a run
    # the worker
    socket: socket.socket | None = None
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    pid: int | None = None
    status: int | None = None  # exit status of the process
    closed: bool = False  # whether its socket is closed
    final: bool = False  # whether it has sent its last message
    kill_reason: RunFailed | None = None
    interrupted: bool = False  # whether its machine is gone, so that it can be continued on another
    cancelled: bool = False  # whether its messages and its end are ignored
    kill_at: float | None = None  # time at which it is killed if it has not exited
    parking: bool = False  # whether it was told to save its run and end
    later: list[ControlMessage] = field(default_factory=list)  # what came after that, for its next worker
    # the time that counts towards its limit
    threads: int = 1  # its share of the processor cores, as its worker was told
    began: bool = False  # whether it has begun to train
    paused_at: float | None = None  # since when it is paused
    seconds: float = 0.0  # working time before `since`
    since: float | None = None  # start of the current working time; None: it is not working

    @property
    def trains(self) -> bool:
        """Return whether the job trains a run."""
        return self.inquiry is None

    def busy_seconds(self, now: float) -> float:
        """Return the seconds that it has worked, without pauses."""
        return self.seconds + (now - self.since if self.since is not None else 0.0)


def failure_of(status: int) -> RunFailed:
    """Return the failure of a run whose process ended with `status`; a negative status is a signal number."""
    if status < 0:
        number = -status
        with contextlib.suppress(ValueError):
            name = signal.Signals(number).name
            return RunFailed(
                code="run_killed",
                message=f"The process of this run was killed (signal {number}, {name}).",
                params={"signal": number, "name": name},
            )
        return RunFailed(
            code="run_killed", message=f"The process was killed (signal {number}).", params={"signal": number}
        )
    return RunFailed(
        code="run_exited",
        message=f"The process of this run ended unexpectedly (exit status {status}).",
        params={"status": status},
    )
