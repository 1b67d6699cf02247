"""Workers started as processes of their own, one of them kept waiting with torch loaded.

For systems that cannot fork, or on which forking is not safe. A worker connects back over loopback TCP, shows a token
that it was given in its environment, and waits for its order.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Callable

from rnnlab.runs.executor import Attached, Ended, Ready, Report, Started
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import command, worker_environment
from rnnlab.runs.protocol import WORKER_TO_EXECUTOR, Lines

EXIT_POLL = 0.02  # seconds between two looks at which workers have exited
IDLE_POLL = 1.0  # the same while no job runs
SPARE_DELAY = 1.0  # seconds after a job has begun, in which no other worker slows it down by loading torch
GREETING_SECONDS = 60.0  # for which a connection may stay silent before it is closed
KILLED = -9


class SpawningExecutor:
    """Runs each job in a process of its own; the next job's process is started and warmed up ahead."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        self._loop, self._report = loop, report
        self._token = secrets.token_urlsafe(24)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        loop.watch(self._listener, self._accept)
        self._unassigned: dict[int, subprocess.Popen[bytes]] = {}  # workers without a job, by process
        self._connected: dict[int, socket.socket] = {}  # those of them that are ready
        self._waiting: list[str] = []  # jobs without a worker
        self._jobs: dict[str, subprocess.Popen[bytes]] = {}
        self._greeting: dict[socket.socket, tuple[Lines, float]] = {}  # since when
        self._spare_at: float | None = None  # when the next worker is started ahead
        self._spawn()

    def start(self, job: str) -> None:
        """Hand the job to the worker that waits, or to the next one that is ready."""
        self._waiting.append(job)
        self._assign()

    def kill(self, job: str) -> None:
        """End a worker at once."""
        if job in self._jobs:
            self._jobs[job].kill()
        elif job in self._waiting:
            self._waiting.remove(job)
            self._report(Ended(job, KILLED))

    def tick(self) -> float | None:
        """See which workers have exited."""
        for job, process in list(self._jobs.items()):
            status = process.poll()
            if status is not None:
                del self._jobs[job]
                _close_stdin(process)
                self._report(Ended(job, status))
        self._look_after_unassigned()
        if self._spare_at is not None and time.monotonic() >= self._spare_at:
            self._spare_at = None
            if not self._unassigned:
                self._spawn()
        for connection, (_, since) in list(self._greeting.items()):
            if time.monotonic() - since > GREETING_SECONDS:
                self._drop(connection)
        return EXIT_POLL if self._jobs or self._waiting or self._spare_at is not None else IDLE_POLL

    def pids(self) -> list[int]:
        """Return every worker."""
        return [process.pid for process in [*self._unassigned.values(), *self._jobs.values()]]

    def close(self) -> None:
        """End every process."""
        processes = [*self._unassigned.values(), *self._jobs.values()]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            _close_stdin(process)
        for connection in [self._listener, *self._connected.values(), *self._greeting]:
            connection.close()

    def _spawn(self) -> bool:
        """Start a worker; return whether the system lets us."""
        try:
            process = subprocess.Popen(
                command("rnnlab.runs.spawned", str(self._listener.getsockname()[1])),
                stdin=subprocess.PIPE,  # it ends when this is closed
                stdout=subprocess.DEVNULL,
                env={**worker_environment(), "RNNLAB_WORKER_TOKEN": self._token},
            )
        except OSError:
            return False
        self._unassigned[process.pid] = process
        return True

    def _look_after_unassigned(self) -> None:
        """Replace a ready worker that died; where one could not even get ready, fail the jobs that wait for it."""
        for pid, process in list(self._unassigned.items()):
            status = process.poll()
            if status is None or self._unassigned.pop(pid, None) is None:
                continue
            _close_stdin(process)
            connection = self._connected.pop(pid, None)
            if connection is not None:
                connection.close()
                self._assign()
            else:
                self._fail_waiting(status or 1)

    def _fail_waiting(self, status: int) -> None:
        jobs, self._waiting = self._waiting, []
        for job in jobs:
            self._report(Ended(job, status))

    def _assign(self) -> None:
        """Give waiting jobs to ready workers, start workers for the others, and soon one for the next job."""
        while self._waiting and self._connected:
            pid, connection = self._connected.popitem()
            process = self._unassigned.pop(pid)
            if process.poll() is not None:  # killed while it waited
                _close_stdin(process)
                connection.close()
                continue
            job = self._waiting.pop(0)
            self._jobs[job] = process
            self._report(Attached(job, connection))
            self._report(Started(job, pid))
        while len(self._unassigned) < len(self._waiting):
            if not self._spawn():
                self._fail_waiting(1)
        if not self._unassigned and self._spare_at is None:
            self._spare_at = time.monotonic() + SPARE_DELAY

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._greeting[connection] = (Lines(), time.monotonic())
        self._loop.watch(connection, lambda: self._greet(connection))

    def _greet(self, connection: socket.socket) -> None:
        """Read the first line of a connection: it is one of our workers if it shows the token."""
        try:
            data = connection.recv(4096)
            line = next(self._greeting[connection][0].feed(data), None)
            hello = None if line is None else WORKER_TO_EXECUTOR.decode(line)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError):
            self._drop(connection)
            return
        if hello is None:
            if not data:
                self._drop(connection)
            return
        if not secrets.compare_digest(hello.token.encode(), self._token.encode()) or hello.pid not in self._unassigned:
            self._drop(connection)
            return
        del self._greeting[connection]
        self._loop.unwatch(connection)
        self._connected[hello.pid] = connection
        self._report(Ready(hello.facts))
        self._assign()

    def _drop(self, connection: socket.socket) -> None:
        if self._greeting.pop(connection, None) is not None:
            self._loop.unwatch(connection)
        connection.close()


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
