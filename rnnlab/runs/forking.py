"""Workers forked from the zygote, a process with torch loaded: they start at once and share its memory.

Forking is safe because the zygote has a single thread and has not used an accelerator. It is not safe on macOS: the
libraries that torch loads there (Accelerate, Metal) do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable

from rnnlab.runs.executor import Attached, Ended, Lost, Ready, Report, Started
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import command, end_child, lower_priority, worker_environment
from rnnlab.runs.protocol import ZYGOTE_TO_SUPERVISOR, Exited, Fork, Forked, Kill, Lines, ZygoteReady, encode


def available() -> bool:
    """Return whether this system can fork and pass a socket to another process."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


class ForkingExecutor:
    """Runs workers that are forked from one zygote; a zygote that dies is replaced."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        self._loop, self._report = loop, report
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lines = Lines()
        self._jobs: dict[str, int | None] = {}  # process of each job, once known
        self._was_ready = False
        self._start_zygote()

    def start(self, job: str) -> None:
        """Let the zygote fork a worker."""
        if self._socket is None:
            self._start_zygote()
        assert self._socket is not None
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._jobs[job] = None
        self._report(Attached(job, ours))
        with theirs:
            try:
                socket.send_fds(self._socket, [encode(Fork(job=job))], [theirs.fileno()])
            except OSError:  # the zygote hangs or is dying
                self._replace_zygote()

    def kill(self, job: str) -> None:
        """End a worker at once."""
        if job in self._jobs and self._socket is not None:
            # the zygote kills it: it forks before it reads this, and knows whether the process number is still valid
            with contextlib.suppress(OSError):
                self._socket.send(encode(Kill(job=job)))

    def tick(self) -> float | None:
        """Return None, because the zygote reports by itself and nothing is ever due."""
        return None

    def pids(self) -> list[int]:
        """Return the process numbers of the zygote and its workers."""
        zygote = [self._process.pid] if self._process is not None else []
        return zygote + [pid for pid in self._jobs.values() if pid is not None]

    def close(self) -> None:
        """End every process."""
        for pid in reversed(self.pids()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        if self._socket is not None:
            self._socket.close()

    def _start_zygote(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command("rnnlab.runs.zygote", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=worker_environment(),
                # loading torch must not slow the first page down; workers inherit the priority
                preexec_fn=lower_priority,
            )
        ours.setblocking(False)
        self._socket, self._lines, self._was_ready = ours, Lines(), False
        self._loop.watch(ours, self._read)

    def _read(self) -> None:
        assert self._socket is not None
        data = self._loop.receive(self._socket)
        if data is None:
            return
        if not data:
            self._replace_zygote()
            return
        try:
            messages = [ZYGOTE_TO_SUPERVISOR.decode(line) for line in self._lines.feed(data)]
        except ValueError:  # a zygote that sends something else is of no use
            self._replace_zygote()
            return
        for message in messages:
            match message:
                case ZygoteReady(facts=facts):
                    self._was_ready = True
                    self._report(Ready(facts))
                case Forked(job=job, pid=pid):
                    self._jobs[job] = pid
                    self._report(Started(job, pid))
                case Exited(job=job, status=status):
                    self._jobs.pop(job, None)
                    self._report(Ended(job, status))

    def _replace_zygote(self) -> None:
        """Clean up after a zygote that died, and start another zygote unless this one never became ready."""
        assert self._socket is not None
        assert self._process is not None
        end_child(self._loop, self._socket, self._process)
        self._socket = self._process = None
        # the workers end when the supervisor closes their sockets; killing them makes sure
        for pid in filter(None, self._jobs.values()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        jobs, self._jobs = tuple(self._jobs), {}
        self._report(Lost(jobs))
        if self._was_ready:
            self._start_zygote()
