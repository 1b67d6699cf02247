"""A job: one worker process and what it is for."""

from __future__ import annotations

import contextlib
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

from rnnlab.events import RunFailed
from rnnlab.runs.connections import Connection
from rnnlab.runs.protocol import AnswerOrder, Lines, TrainOrder


@dataclass(frozen=True)
class Inquiry:
    """A client that waits for the answer to a question.

    Attributes:
        connection: of the client.
        request: the id of its request.
        question: the key under which the store keeps the answer, JSON.
        checkpoint: the file that is read, and must not be removed before it is answered.
    """

    connection: Connection
    request: int
    question: str
    checkpoint: Path | None


@dataclass(eq=False)
class Job:
    """A worker process and what it is for: to train a run, or to answer one question to a checkpoint."""

    id: str
    run: str
    order: TrainOrder | AnswerOrder
    owner: str = ""
    inquiry: Inquiry | None = None  # None: it trains
    # the worker
    socket: socket.socket | None = None
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    pid: int | None = None
    status: int | None = None  # how the process ended
    closed: bool = False  # its socket
    final: bool = False  # it has sent its last message
    kill_reason: RunFailed | None = None
    cancelled: bool = False  # what it sends, and how it ends, no longer matters
    kill_at: float | None = None  # when it is killed unless it has exited
    # the time that counts against its limit
    paused: bool = False
    seconds: float = 0.0  # before `since`
    since: float | None = None  # None: it does not work now

    @property
    def trains(self) -> bool:
        """Whether it trains a run."""
        return self.inquiry is None

    def busy_seconds(self, now: float) -> float:
        """Return for how many seconds it has worked, pauses not counted."""
        return self.seconds + (now - self.since if self.since is not None else 0.0)


def failure_of(status: int) -> RunFailed:
    """Return why a process that ended with `status` failed its run; negative: by that signal."""
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
        message=f"The process of this run ended too early (exit status {status}).",
        params={"status": status},
    )
