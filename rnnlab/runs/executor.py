"""The interface between the supervisor and the executors, which run its workers.

`rnnlab.runs.forking` and `rnnlab.runs.spawning` run workers on this machine, `rnnlab.runs.cluster` on the machines of
a cluster; another implementation needs only this module. tests/runs/test_executors.py tests the contract; add the new
executor there.

**A job** is a worker process and the order that it carries out; its id is never used again. The order is sent over the
socket of the worker and does not concern the executor. The executor has to run ``rnnlab.runs.worker.serve(socket)`` at
the other end of a stream socket, in a process that can read and write the home (checkpoints are files there). That
process ends by itself when the order is carried out or its socket is closed.

**Construction**: ``SomeExecutor(loop, report)``. `loop` watches the sockets of the executor. `report` is called with
one of the reports below, and only within `start`, `kill`, `tick` or a callback of the loop: never in the constructor,
never in `close`, never in another thread. `report` may call `start` and `kill`.

**Nothing blocks**: each method returns at once. The loop waits, and calls `tick` again.

**The reports of one job**, in this order:

1. `Attached` once, with the supervisor's end of the socket, non-blocking. From then on the supervisor owns the socket:
   it watches, reads and closes it. The report may come before the worker exists; messages sent earlier then wait.
2. `Started` once. 1 and 2 may also come in the other order.
3. `Ended` or `Lost`, exactly one of them and once; it is the last report of the job. A job that is killed before it has
   a worker is reported as ended without the other two reports. At this report, everything that the worker sent can be
   read from the socket.

`Ready` and `Capacity` do not belong to a job: they may come at any time and any number of times, also before the first
`start`. An executor that never reports its capacity uses the cores of this machine, and the supervisor tells each
worker its share of them; otherwise the executor does that.

**Failure**: a worker that cannot be started is reported as `Ended` with a non-zero status. `Lost` names all jobs whose
common host died; after it, `start` must work again. When it is reported, none of their workers trains any more, or
will before a later `start` for the same run lets its worker train.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import HostState


@dataclass(frozen=True)
class Ready:
    """Torch is loaded, so that a job starts at once.

    `facts` are those of `rnnlab.runs.warm.measure_speed`, and "cores" if these are not the cores of this machine.
    """

    facts: dict[str, float]


@dataclass(frozen=True)
class Capacity:
    """How many jobs of each kind can run at the same time, and on which machines: now, until the next report.

    A cluster that is not `connected` is `mistrusted` if its certificates and ours have different authorities.
    """

    slots: int
    connected: bool = True
    hosts: tuple[HostState, ...] = ()
    mistrusted: bool = False


@dataclass(frozen=True)
class Attached:
    """The worker of a job can be reached over `socket`."""

    job: str
    socket: socket.socket


@dataclass(frozen=True)
class Started:
    """The worker of a job runs as process `pid` of this machine, or on another machine, `host`."""

    job: str
    pid: int | None
    host: str = ""


@dataclass(frozen=True)
class Ended:
    """The worker of a job has exited with `status`, or by signal number ``-status``."""

    job: str
    status: int


@dataclass(frozen=True)
class Lost:
    """The host of these jobs is gone, and their workers with it; another machine has a name."""

    jobs: tuple[str, ...]
    host: str = ""


Report = Ready | Capacity | Attached | Started | Ended | Lost


class Executor(Protocol):
    """Starts and ends workers according to the contract above; used from one thread."""

    def start(self, job: str) -> None:
        """Start a worker for a new job."""

    def kill(self, job: str) -> None:
        """End the worker of a job at once, even if it does not respond; its end is reported as usual.

        May be called at any time after `start`; no effect on a job that has ended or was killed before.
        """

    def tick(self) -> float | None:
        """Do what is due; return the seconds after which to call again at the latest, None for no limit."""

    def pids(self) -> list[int]:
        """Return the processes of this executor on this machine, to measure their memory."""

    def close(self) -> None:
        """End every process without reports; the messages of the workers can still be read from their sockets."""


ExecutorFactory = Callable[[Loop, Callable[[Report], None]], Executor]
"""Creates an executor from a loop and a function for its reports."""
