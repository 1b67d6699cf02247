"""The workers of one machine of a cluster: the executor of a single machine, run in a thread and held by a lease."""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rnnlab import private
from rnnlab.cluster import LEASE_SECONDS, WORKER_SECONDS
from rnnlab.cluster.blobs import Blobs, attached, references
from rnnlab.events import CheckpointSaved
from rnnlab.runs.executor import Attached, Ended, ExecutorFactory, Lost, Ready, Report
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import (
    WORKER_TO_SUPERVISOR,
    AnswerOrder,
    EventReport,
    Exited,
    FileSaved,
    Lease,
    Lines,
    Message,
    Relay,
    Share,
    TrainOrder,
    encode,
)

_CHECKPOINT = re.compile(r"epoch-\d+-\d+\.safetensors")
_KILLED = -9
_TURN_SECONDS = 0.5  # longest wait of the loop, within which the end of the lease is noticed

News = Callable[[Message, bytes], None]
"""Called with a message for the bridge, and the bytes that belong to it."""


@dataclass(eq=False)
class _Work:
    """A job of this machine."""

    order: TrainOrder | AnswerOrder
    folder: Path
    used: set[str]  # the blobs that it reads
    socket: socket.socket | None = None
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    threads: int = 1  # its share of the cores, as it was told


class Host:
    """Starts workers on this machine, and passes on what they say.

    The methods may be called in any thread, and return at once; `news` and `ready` are called in the thread of the
    host.

    Args:
        make_executor: makes the executor of this machine.
        folder: the folder of the jobs and the blobs, which belongs to this host alone.
        cores: cores that the workers share.
        news: called with each message for the bridge.
        ready: called with the speed of this machine when torch is loaded.
        lease_seconds: time without `renew` after which all workers are ended.
    """

    def __init__(
        self,
        make_executor: ExecutorFactory,
        folder: Path,
        cores: int,
        news: News,
        ready: Callable[[dict[str, float]], None],
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.blobs = Blobs(folder / "blobs")
        self._make_executor, self._folder, self._cores = make_executor, folder / "jobs", cores
        self._news, self._ready, self._lease_seconds = news, ready, lease_seconds
        shutil.rmtree(self._folder, ignore_errors=True)  # of an agent that was killed
        private.make_folder(self._folder)
        self._work: dict[str, _Work] = {}
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wakeup, self._waker = socket.socketpair()
        for end in (self._wakeup, self._waker):
            end.setblocking(False)
        self._renewed_at = time.monotonic()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="host", daemon=True)
        self._thread.start()

    # from any thread

    def begin(self, job: str, order: TrainOrder | AnswerOrder) -> None:
        """Start a worker for a detached order whose blobs are all here.

        Raises:
            ValueError: the order names something else than blobs.
        """
        work = _Work(order, self._folder / job, references(order))
        self._call(lambda: self._begin(job, work))

    def relay(self, job: str, lines: str) -> None:
        """Pass lines on to a worker."""
        self._call(lambda: self._send(job, lines.encode()))

    def hang_up(self, job: str) -> None:
        """Close the socket of a worker, which then ends."""
        self._call(lambda: self._disconnect(job))

    def kill(self, job: str) -> None:
        """End a worker at once."""
        self._call(lambda: self._executor.kill(job))

    def end_all(self) -> None:
        """End all workers."""
        self._call(self._end_all)

    def missing(self, order: TrainOrder | AnswerOrder) -> list[str]:
        """Return the blobs of a detached order that are not here.

        Raises:
            ValueError: the order names something else than blobs.
        """
        return self.blobs.missing(references(order))

    def renew(self) -> None:
        """Let all workers go on for the time of a lease."""
        self._call(self._renew)

    def close(self) -> None:
        """End all workers, and wait until they have ended."""
        self._closing = True
        self._call(lambda: None)
        self._thread.join()
        self._waker.close()

    def _call(self, work: Callable[[], None]) -> None:
        self._calls.put(work)
        with contextlib.suppress(OSError):  # full: the thread is about to wake up
            self._waker.send(b"w")

    # in the thread of the host

    def _run(self) -> None:
        self._loop = Loop()
        self._loop.watch(self._wakeup, self._serve_calls)
        self._executor = self._make_executor(self._loop, self._report)
        while not self._closing:
            due = self._executor.tick()
            self._loop.turn(_TURN_SECONDS if due is None else min(due, _TURN_SECONDS))
            if self._work and time.monotonic() - self._renewed_at > self._lease_seconds:
                self._end_all()
        self._end_all()
        self._executor.close()
        self._loop.close()
        self._wakeup.close()

    def _serve_calls(self) -> None:
        with contextlib.suppress(OSError):
            self._wakeup.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                self._calls.get_nowait()()

    def _begin(self, job: str, work: _Work) -> None:
        self._work[job] = work
        self._renewed_at = time.monotonic()
        try:
            private.make_folder(work.folder)
            order = attached(work.order, self.blobs.text, self.blobs.path)
        except OSError:  # the blobs or the disk are gone
            self._forget(job, 1)
            return
        if isinstance(order, TrainOrder):
            order = order.model_copy(update={"folder": str(work.folder)})
        work.unsent += encode(order) + encode(Lease(seconds=WORKER_SECONDS))
        self._executor.start(job)
        self._share()

    def _send(self, job: str, data: bytes) -> None:
        work = self._work.get(job)
        if work is not None:
            work.unsent += data
            self._write(work)

    def _write(self, work: _Work) -> None:
        if work.socket is not None:
            self._loop.send(work.socket, work.unsent)

    def _renew(self) -> None:
        self._renewed_at = time.monotonic()
        for work in self._work.values():
            if not work.unsent:  # what is pending will be a sign too
                work.unsent += encode(Lease(seconds=WORKER_SECONDS))
                self._write(work)

    def _share(self) -> None:
        """Tell each training worker its share of the cores, if that has changed."""
        each, left = divmod(self._cores, max(1, len(self._work)))
        for place, work in enumerate(self._work.values()):
            threads = max(1, each + (place < left))
            if isinstance(work.order, TrainOrder) and threads != work.threads:
                work.threads = threads
                work.unsent += encode(Share(threads=threads))
                self._write(work)

    def _report(self, report: Report) -> None:
        match report:
            case Ready(facts=facts):
                self._ready(facts)
            case Attached(job=job, socket=connection):
                work = self._work[job]
                work.socket = connection
                self._loop.watch(connection, lambda: self._read(job), lambda: self._write(work))
                self._write(work)
            case Ended(job=job, status=status):
                self._forget(job, status)
            case Lost(jobs=jobs):  # the zygote was killed: its workers are killed too
                for job in jobs:
                    self._forget(job, _KILLED)
            case _:
                pass

    def _read(self, job: str, to_end: bool = False) -> None:
        work = self._work[job]
        while work.socket is not None:
            data = self._loop.receive(work.socket)
            if data is None:
                return
            if not data:
                self._disconnect(job)
                return
            try:
                self._pass_on(job, work, list(work.lines.feed(data)))
            except ValueError:  # a worker that sends something else is of no use
                self._executor.kill(job)
                self._disconnect(job)
                return
            if not to_end:
                return

    def _pass_on(self, job: str, work: _Work, lines: list[bytes]) -> None:
        """Pass lines on to the bridge; a checkpoint goes before the event that names it."""
        text = bytearray()
        for line in lines:
            if b'"checkpoint_saved"' in line:
                message = WORKER_TO_SUPERVISOR.decode(line)
                if isinstance(message, EventReport) and isinstance(message.event, CheckpointSaved):
                    self._relay(job, text)
                    self._pass_on_file(job, work.folder, message.event.name)
            text += line + b"\n"
        self._relay(job, text)

    def _relay(self, job: str, text: bytearray) -> None:
        if text:
            self._news(Relay(job=job, lines=text.decode()), b"")
            text.clear()

    def _pass_on_file(self, job: str, folder: Path, name: str) -> None:
        if not _CHECKPOINT.fullmatch(name):
            raise ValueError("this is not the name of a checkpoint")
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"a checkpoint cannot be read: {error}") from error
        self._news(FileSaved(job=job, name=name), data)
        (folder / name).unlink(missing_ok=True)  # its place is at home

    def _disconnect(self, job: str) -> None:
        work = self._work.get(job)
        if work is not None and work.socket is not None:
            self._loop.unwatch(work.socket)
            work.socket.close()
            work.socket = None

    def _forget(self, job: str, status: int) -> None:
        work = self._work.get(job)
        if work is None:
            return
        self._read(job, to_end=True)
        self._disconnect(job)
        del self._work[job]
        shutil.rmtree(work.folder, ignore_errors=True)
        self._news(Exited(job=job, status=status), b"")
        self._share()
        self.blobs.prune(set().union(*(other.used for other in self._work.values())))

    def _end_all(self) -> None:
        """End all workers, as the bridge is gone."""
        for job in list(self._work):
            self._disconnect(job)
            self._executor.kill(job)
