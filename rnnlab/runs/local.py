"""The engine on this machine: worker processes forked from a zygote with torch loaded, or started one by one.

Both engines take the same few words, and report back from within the supervisor's loop; neither ever blocks it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import Lines, encode

NICENESS = 5
"""Of everything that loads torch: the page comes first."""


def yield_to_the_app() -> None:
    """Lower this process's priority to `NICENESS`, where that is not done yet."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.nice(max(0, NICENESS - os.nice(0)))


@dataclass(frozen=True)
class Ready:
    """Torch is loaded and warm; `facts` says how fast this machine is."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Attached:
    """The worker of a job can be reached over `connection`."""

    job: str
    connection: socket.socket


@dataclass(frozen=True)
class Started:
    """The worker of a job runs as process `pid`."""

    job: str
    pid: int


@dataclass(frozen=True)
class Ended:
    """The worker of a job has exited with `status`, or by signal number ``-status``."""

    job: str
    status: int


@dataclass(frozen=True)
class Lost:
    """The process that all workers come from is gone, and these jobs with it."""

    jobs: tuple[str, ...]


Report = Ready | Attached | Started | Ended | Lost


class Engine(Protocol):
    """Starts and ends worker processes; what they are to do travels over their own sockets."""

    def start(self, job: str) -> None:
        """Start a worker; `Attached`, `Started` and at last `Ended` (or `Lost`) are reported."""

    def kill(self, job: str) -> None:
        """End a worker at once."""

    def tick(self) -> float | None:
        """Do what is due; return in how many seconds to call again, None for no need."""

    def pids(self) -> list[int]:
        """Return the processes of this engine."""

    def close(self) -> None:
        """End every process."""


def choose_engine(loop: Loop, report: Callable[[Report], None], spawn: bool = False) -> Engine:
    """Return the engine for this machine: one that forks where the system can, unless `spawn` forbids it."""
    fork = hasattr(os, "fork") and hasattr(socket, "send_fds") and not spawn
    return ForkEngine(loop, report) if fork else SpawnEngine(loop, report)


def worker_environment() -> dict[str, str]:
    """Return the environment of a process that loads torch: one thread, this package importable."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for an accelerator must not make forks unfit for it
    }


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs one of our modules, and nothing that happens to lie in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


class ForkEngine:
    """Workers forked from one zygote; it is revived when it has died."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        self._loop, self._report = loop, report
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lines = Lines()
        self._jobs: dict[str, int | None] = {}
        self._was_ready = False
        self._revive()

    def start(self, job: str) -> None:
        """Let the zygote fork a worker."""
        if self._socket is None:
            self._revive()
        assert self._socket is not None
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._jobs[job] = None
        self._report(Attached(job, ours))
        with theirs:
            try:
                socket.send_fds(self._socket, [encode({"fork": job})], [theirs.fileno()])
            except OSError:  # it hangs or is dying
                self._lose()

    def kill(self, job: str) -> None:
        """End a worker at once."""
        pid = self._jobs.get(job)
        if pid is not None and self._socket is not None:
            # the zygote knows whether the process is still there, its number could have a new bearer
            with contextlib.suppress(OSError):
                self._socket.send(encode({"kill": job}))

    def tick(self) -> float | None:
        """Nothing is ever due: the zygote reports by itself."""
        return None

    def pids(self) -> list[int]:
        """Return the zygote and its workers."""
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

    def _revive(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command("rnnlab.runs.zygote", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=worker_environment(),
                # loading torch must not slow the first page down; its workers inherit this
                preexec_fn=yield_to_the_app,
            )
        ours.setblocking(False)
        self._socket, self._lines, self._was_ready = ours, Lines(), False
        self._loop.watch(ours, self._read)

    def _read(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        for message in self._lines.feed(data):
            match message:
                case {"ready": dict(facts)}:
                    self._was_ready = True
                    self._report(Ready(facts))
                case {"forked": str(job), "pid": int(pid)}:
                    self._jobs[job] = pid
                    self._report(Started(job, pid))
                case {"ended": str(job), "status": int(status)}:
                    self._jobs.pop(job, None)
                    self._report(Ended(job, status))
                case _:
                    raise ValueError("the zygote said something unknown")

    def _lose(self) -> None:
        """Clean up after a zygote that died; start another one, unless it could not even get ready."""
        assert self._socket is not None
        assert self._process is not None
        self._loop.unwatch(self._socket)
        self._socket.close()
        self._socket = None
        self._process.kill()
        self._process.wait()
        self._process = None
        # its workers end at the end of their sockets, which the supervisor closes; this only makes sure
        for pid in filter(None, self._jobs.values()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        jobs, self._jobs = tuple(self._jobs), {}
        self._report(Lost(jobs))
        if self._was_ready:
            self._revive()


class SpawnEngine:
    """Workers started as processes of their own, one kept warm: for systems that cannot fork."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        self._loop, self._report = loop, report
        self._token = secrets.token_urlsafe(24)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        loop.watch(self._listener, self._accept)
        self._warm: dict[int, subprocess.Popen[bytes]] = {}  # by process number
        self._connected: dict[int, socket.socket] = {}
        self._waiting: list[str] = []  # jobs without a worker yet
        self._jobs: dict[str, subprocess.Popen[bytes]] = {}
        self._greeting: dict[socket.socket, tuple[Lines, float]] = {}
        self._spawn()

    def start(self, job: str) -> None:
        """Hand the job to the warm worker, or to the one that comes next."""
        self._waiting.append(job)
        self._pair()

    def kill(self, job: str) -> None:
        """End a worker at once."""
        if job in self._jobs:
            self._jobs[job].kill()
        elif job in self._waiting:
            self._waiting.remove(job)
            self._report(Ended(job, -9))

    def tick(self) -> float | None:
        """See which workers have exited."""
        for job, process in list(self._jobs.items()):
            status = process.poll()
            if status is not None:
                del self._jobs[job]
                self._report(Ended(job, status))
        for pid, process in list(self._warm.items()):
            status = process.poll()
            if status is not None:  # it could not even get ready: do not try for ever
                del self._warm[pid]
                connection = self._connected.pop(pid, None)
                if connection is not None:
                    connection.close()
                jobs, self._waiting = self._waiting, []
                for job in jobs:
                    self._report(Ended(job, status))
        for connection, (_, since) in list(self._greeting.items()):
            if time.monotonic() - since > 60:
                self._drop(connection)
        return 0.02 if self._jobs or self._waiting else 1.0

    def pids(self) -> list[int]:
        """Return every worker."""
        return [process.pid for process in [*self._warm.values(), *self._jobs.values()]]

    def close(self) -> None:
        """End every process."""
        processes = [*self._warm.values(), *self._jobs.values()]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        for connection in [self._listener, *self._connected.values(), *self._greeting]:
            connection.close()

    def _spawn(self) -> None:
        process = subprocess.Popen(
            command("rnnlab.runs.worker", str(self._listener.getsockname()[1])),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**worker_environment(), "RNNLAB_WORKER_TOKEN": self._token},
        )
        self._warm[process.pid] = process

    def _pair(self) -> None:
        while self._waiting and self._connected:
            job = self._waiting.pop(0)
            pid, connection = self._connected.popitem()
            self._jobs[job] = self._warm.pop(pid)
            self._report(Attached(job, connection))
            self._report(Started(job, pid))
        while len(self._warm) < max(1, len(self._waiting)):
            self._spawn()

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
        try:
            data = connection.recv(4096)
            messages = list(self._greeting[connection][0].feed(data))
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError):
            self._drop(connection)
            return
        if not data:
            self._drop(connection)
        for message in messages:
            pid = message.get("pid")
            known = secrets.compare_digest(str(message.get("hello")), self._token) and pid in self._warm
            if not known:
                self._drop(connection)
                return
            del self._greeting[connection]
            self._loop.unwatch(connection)
            self._connected[int(str(pid))] = connection
            self._report(Ready(dict(message.get("facts") or {})))
            self._pair()
            return

    def _drop(self, connection: socket.socket) -> None:
        if self._greeting.pop(connection, None) is not None:
            self._loop.unwatch(connection)
        connection.close()


def memory_pss_mb(pid: int) -> float | None:
    """Return the memory of a process in MB, shared pages counted by share; None where the system does not say."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return None
