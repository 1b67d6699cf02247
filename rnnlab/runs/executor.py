"""The interface between the supervisor and whatever runs its workers.

`rnnlab.runs.forking` and `rnnlab.runs.spawning` run workers on this machine; another implementation (a cluster's queue,
say) needs nothing but this module. tests/runs/test_executors.py tests the contract; add the new one there.

**A job** is a worker process and the one order it carries out; it is named by an id that is never used again. What the
worker is to do travels over its socket and is no concern of the executor: it has to run
``rnnlab.runs.worker.serve(socket)`` at the other end of a stream socket, in a process that can read and write the home
(checkpoints are files there). That process ends by itself when the order is carried out, or when its socket closes.

**Construction**: ``SomeExecutor(loop, report)``. `loop` watches the sockets of the executor; `report` is called with
one of the reports below, and only from within `start`, `kill`, `tick` or a callback of the loop: never from the
constructor, never from `close`, never from another thread. `report` may call `start` and `kill`.

**Nothing blocks**: each method returns at once. Waiting is done by the loop, and by `tick` being called again.

**The reports of one job**, in this order:

1. `Attached` once, with the supervisor's end of the socket, non-blocking. From then on the supervisor owns it: it
   watches it, reads it and closes it. It may be reported before the worker exists; what is sent then waits.
2. `Started` once. 1 and 2 may also come in the other order.
3. `Ended` or `Lost`, exactly one of them and once; after it nothing more is reported of the job. A job that is killed
   before it has a worker is reported as ended without the other two. When it is reported, whatever the worker sent can
   be read from the socket.

`Ready` is no report of a job: it may come at any time, any number of times, also before the first `start`.

**Failure**: a worker that cannot be started is reported as `Ended` with a status that is not 0. `Lost` names all jobs
whose common host died; after it, `start` must work again.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rnnlab.runs.loop import Loop


@dataclass(frozen=True)
class Ready:
    """Torch is loaded, so that a job starts at once; `facts` are those of `rnnlab.runs.warm.measure_speed`."""

    facts: dict[str, float]


@dataclass(frozen=True)
class Attached:
    """The worker of a job can be reached over `socket`."""

    job: str
    socket: socket.socket


@dataclass(frozen=True)
class Started:
    """The worker of a job runs, as process `pid`, or None where it does not run on this machine."""

    job: str
    pid: int | None


@dataclass(frozen=True)
class Ended:
    """The worker of a job has exited with `status`, or by signal number ``-status``."""

    job: str
    status: int


@dataclass(frozen=True)
class Lost:
    """The host of these jobs is gone, and their workers with it."""

    jobs: tuple[str, ...]


Report = Ready | Attached | Started | Ended | Lost


class Executor(Protocol):
    """Starts and ends workers, as the text above says; used from one thread."""

    def start(self, job: str) -> None:
        """Start a worker for a new job."""

    def kill(self, job: str) -> None:
        """End the worker of a job at once, also one that does not respond; its end is reported as usual.

        May be called at any time after `start`; no effect on a job that has ended, or was killed before.
        """

    def tick(self) -> float | None:
        """Do what is due, and return in how many seconds at most to call again; None: whenever."""

    def pids(self) -> list[int]:
        """Return the processes of this executor on this machine, for the memory that they take."""

    def close(self) -> None:
        """End every process, without any report; what the workers have sent can still be read from their sockets."""


ExecutorFactory = Callable[[Loop, Callable[[Report], None]], Executor]
"""What `rnnlab.runs.supervisor` is given: a loop and where to report."""
