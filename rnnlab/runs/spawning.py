"""Workers started as separate processes, with a spare worker kept ready with torch loaded.

For systems that cannot fork, or on which forking is not safe. A worker connects back over loopback TCP, shows the token
from its environment, and waits for its order.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Callable

from rnnlab.runs.door import Door
from rnnlab.runs.executor import Attached, Ended, Ready, Report, Started
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import command, worker_environment
from rnnlab.runs.protocol import WORKER_TO_EXECUTOR, Lines

EXIT_POLL = 0.02  # seconds between two checks for workers that have exited
IDLE_POLL = 1.0  # the same while no job runs
SPARE_DELAY = 1.0  # seconds after the start of a job before a spare worker loads torch, which would slow the job down
KILLED = -9


class SpawningExecutor:
    """Runs each job in a separate process; the process of the next job is started and warmed up in advance."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        self._loop, self._report = loop, report
        self._token = secrets.token_urlsafe(24)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self._door = Door(loop, listener, self._admit)
        self._unassigned: dict[int, subprocess.Popen[bytes]] = {}  # workers without a job, by process number
        self._connected: dict[int, socket.socket] = {}  # sockets of the ready workers without a job
        self._waiting: list[str] = []  # jobs without a worker
        self._jobs: dict[str, subprocess.Popen[bytes]] = {}
        self._spare_at: float | None = None  # when to start the spare worker
        self._spawn()

    def start(self, job: str) -> None:
        """Assign the job to the spare worker, or to the next worker that becomes ready."""
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
        """Report workers that have exited, start the spare worker when due, and close silent connections."""
        for job, process in list(self._jobs.items()):
            status = process.poll()
            if status is not None:
                del self._jobs[job]
                _close_stdin(process)
                self._report(Ended(job, status))
        self._check_unassigned()
        if self._spare_at is not None and time.monotonic() >= self._spare_at:
            self._spare_at = None
            if not self._unassigned:
                self._spawn()
        self._door.tick(time.monotonic())
        return EXIT_POLL if self._jobs or self._waiting or self._spare_at is not None else IDLE_POLL

    def pids(self) -> list[int]:
        """Return the process numbers of all workers."""
        return [process.pid for process in [*self._unassigned.values(), *self._jobs.values()]]

    def close(self) -> None:
        """End every process."""
        processes = [*self._unassigned.values(), *self._jobs.values()]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            _close_stdin(process)
        self._door.close()
        for connection in self._connected.values():
            connection.close()

    def _spawn(self) -> bool:
        """Start a worker; return whether the system allows it."""
        try:
            process = subprocess.Popen(
                command("rnnlab.runs.spawned", str(self._port)),
                stdin=subprocess.PIPE,  # the worker ends when this is closed
                stdout=subprocess.DEVNULL,
                env={**worker_environment(), "RNNLAB_WORKER_TOKEN": self._token},
            )
        except OSError:
            return False
        self._unassigned[process.pid] = process
        return True

    def _check_unassigned(self) -> None:
        """Replace a ready worker that died; if a worker died before it was ready, fail the waiting jobs."""
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
        """Assign waiting jobs to ready workers, start workers for the others, and schedule a spare worker."""
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

    def _admit(self, connection: socket.socket, line: bytes, lines: Lines) -> bool:
        """Accept a worker whose first line contains the token."""
        try:
            hello = WORKER_TO_EXECUTOR.decode(line)
        except ValueError:
            return False
        if not secrets.compare_digest(hello.token.encode("utf-8", "replace"), self._token.encode()):
            return False
        if hello.pid not in self._unassigned or hello.pid in self._connected:
            return False
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connected[hello.pid] = connection
        self._report(Ready(hello.facts))
        self._assign()
        return True


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
