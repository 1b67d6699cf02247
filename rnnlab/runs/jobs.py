"""A job: one worker process and what it is for."""

from __future__ import annotations

import contextlib
import signal
import socket
from dataclasses import dataclass, field
from typing import Any

from rnnlab.events import RunFailed
from rnnlab.runs.desk import Visitor
from rnnlab.runs.protocol import Lines


@dataclass
class Job:
    """A worker process and what it is for: a training run, or one question to a checkpoint."""

    id: str
    run: str
    order: dict[str, Any]
    owner: str = ""
    question: str | None = None  # JSON; None: a training run
    visitor: Visitor | None = None  # who asked, and by which number
    request: Any = None
    again: dict[str, Any] | None = None  # what to ask once more if the newest checkpoint was replaced meanwhile
    connection: socket.socket | None = None
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    pid: int | None = None
    status: int | None = None  # how the process ended
    closed: bool = False  # its socket did
    final: bool = False  # it has said its last event, or answered
    doom: RunFailed | None = None  # why it was killed
    dropped: bool = False  # nobody wants to hear of it any more
    kill_at: float | None = None
    paused: bool = False
    seconds: float = 0.0  # trained before the moment below
    since: float | None = None

    def trained(self, now: float) -> float:
        """Return for how many seconds it has trained, pauses not counted."""
        return self.seconds + (now - self.since if self.since is not None else 0.0)


def how_it_ended(status: int) -> RunFailed:
    """Say why a process that ended with `status` failed its run; negative: by that signal."""
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
