"""Workers on the machines of a cluster, reached through a bridge, the only process of this machine that loads Dask.

The bridge, ``python -m rnnlab.cluster.bridge``, is started with one end of a socket, and chooses the machine of each
job. A bridge that dies is replaced; the machines end its workers when it no longer renews their lease.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rnnlab.runs.executor import Attached, Capacity, Ended, Lost, Ready, Report, Started
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import command, end_child, module_environment
from rnnlab.runs.protocol import (
    BRIDGE_TO_SUPERVISOR,
    ClusterState,
    Exited,
    Hang,
    HostFacts,
    Kill,
    Lines,
    Message,
    Placed,
    Relay,
    Vanished,
    encode,
)

RESTART_SECONDS = 2.0  # least time between two starts of a bridge
END_SECONDS = 1.5  # time of a bridge to end after its socket was closed
KILLED = -9
NO_MACHINE = "the cluster"
"""The host in the report of jobs that are lost with the bridge."""


@dataclass(eq=False)
class _Ends:
    """This executor's end of the socket of a job."""

    socket: socket.socket
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    known: bool = False  # whether the bridge has got its order
    last: Ended | Lost | None = None  # its last report, which waits until everything before it has been sent


def typical_speed(machines: Iterable[HostFacts]) -> dict[str, float]:
    """Return the speed and the cores of the machine in the middle, by the rate of its products; {} if none is known.

    It is not known on which machine a run will train when the time that it takes is estimated.
    """
    known = sorted((facts for facts in machines if facts.speed), key=lambda facts: (facts.speed["flops"], facts.name))
    if not known:
        return {}
    middle = known[(len(known) - 1) // 2]
    return {**middle.speed, "cores": float(middle.cores)}


class ClusterExecutor:
    """Runs workers on the machines of a cluster.

    Args:
        loop: event loop of the supervisor.
        report: called with each report.
        address: address of the scheduler of the cluster, such as ``tls://HOST:8786``.
        tls: folder with the certificates.
    """

    def __init__(self, loop: Loop, report: Callable[[Report], None], address: str, tls: str) -> None:
        self._loop, self._report = loop, report
        self._arguments = (address, tls)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lines = Lines()
        self._unsent = bytearray()
        self._jobs: dict[str, _Ends] = {}
        self._placed: set[str] = set()
        self._started_at = 0.0
        self._speed: dict[str, float] = {}  # as last reported
        self._begun = False  # whether the supervisor knows that there is a cluster
        self._start_bridge()

    def start(self, job: str) -> None:
        """Open the socket of a job; its first line, the order, lets the bridge choose a machine."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        ends = self._jobs[job] = _Ends(theirs)
        self._loop.watch(theirs, lambda: self._read_job(job), lambda: self._flush(job))
        self._report(Attached(job, ours))
        if self._socket is None:
            self._end(job, ends, Lost((job,), NO_MACHINE))

    def kill(self, job: str) -> None:
        """End a worker at once."""
        ends = self._jobs.get(job)
        if ends is None:
            return
        if ends.known:
            self._send(Kill(job=job))
        else:
            self._end(job, ends, Ended(job, KILLED))

    def tick(self) -> float | None:
        """Report that no machine is there yet, once; replace a bridge that has died."""
        if not self._begun:
            self._begun = True
            self._report(Capacity(0, connected=False))
        if self._socket is None and time.monotonic() - self._started_at >= RESTART_SECONDS:
            self._start_bridge()
        return None if self._socket is not None else RESTART_SECONDS

    def pids(self) -> list[int]:
        """Return the process number of the bridge."""
        return [self._process.pid] if self._process is not None else []

    def close(self) -> None:
        """Close the socket of the bridge, which tells the machines to end their workers; else their lease ends."""
        if self._socket is not None:
            self._loop.unwatch(self._socket)
            self._socket.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            self._process.wait()
        for ends in self._jobs.values():
            self._loop.unwatch(ends.socket)
            ends.socket.close()
        self._jobs = {}

    def _start_bridge(self) -> None:
        self._started_at = time.monotonic()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command("rnnlab.cluster.bridge", str(theirs.fileno()), *self._arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=module_environment(),
            )
        ours.setblocking(False)
        self._socket, self._lines, self._unsent = ours, Lines(), bytearray()
        self._loop.watch(ours, self._read, self._write)

    def _send(self, message: Message) -> None:
        self._unsent += encode(message)
        self._write()

    def _write(self) -> None:
        if self._socket is not None:
            self._loop.send(self._socket, self._unsent)

    def _read(self) -> None:
        assert self._socket is not None
        data = self._loop.receive(self._socket)
        if data is None:
            return
        try:
            messages = [BRIDGE_TO_SUPERVISOR.decode(line) for line in self._lines.feed(data)]
        except ValueError:  # a bridge that sends something else is of no use
            data, messages = b"", []
        if not data:
            self._lose_bridge()
            return
        for message in messages:
            self._receive(message)

    def _receive(self, message: Relay | Placed | Exited | Vanished | ClusterState) -> None:
        match message:
            case ClusterState(connected=connected, hosts=hosts, mistrusted=mistrusted):
                accepted = [host.facts for host in hosts if not host.refused]
                speed = typical_speed(accepted)
                if speed and speed != self._speed:
                    self._speed = speed
                    self._report(Ready(speed))
                slots = sum(facts.cores for facts in accepted)
                self._report(Capacity(slots, connected, tuple(hosts), mistrusted))
            case Vanished(host=host, jobs=jobs):
                for job in jobs:
                    if (ends := self._jobs.get(job)) is not None:
                        self._end(job, ends, Lost((job,), host))
            case Placed(job=job, host=host):
                if job in self._jobs and job not in self._placed:
                    self._placed.add(job)
                    self._report(Started(job, None, host))
            case Relay(job=job, lines=lines):
                if (ends := self._jobs.get(job)) is not None:
                    ends.unsent += lines.encode()
                    self._flush(job)
            case Exited(job=job, status=status):
                if (ends := self._jobs.get(job)) is not None:
                    self._end(job, ends, Ended(job, status))

    def _read_job(self, job: str) -> None:
        """Pass on what the supervisor has sent to a worker."""
        ends = self._jobs[job]
        data = self._loop.receive(ends.socket)
        if data is None:
            return
        if not data:  # the supervisor has closed the socket
            self._loop.unwatch(ends.socket)
            ends.unsent.clear()
            if ends.known:
                self._send(Hang(job=job))
            else:
                ends.last = Ended(job, KILLED)
            if ends.last is not None:
                self._finish(job, ends)
            return
        lines = b"".join(line + b"\n" for line in ends.lines.feed(data))
        if lines:
            ends.known = True
            self._send(Relay(job=job, lines=lines.decode()))

    def _flush(self, job: str) -> None:
        ends = self._jobs[job]
        with contextlib.suppress(KeyError):  # the supervisor has closed the socket
            self._loop.send(ends.socket, ends.unsent)
        if not ends.unsent and ends.last is not None:
            self._finish(job, ends)

    def _end(self, job: str, ends: _Ends, last: Ended | Lost) -> None:
        """Report the end of a job as soon as everything that its worker sent can be read."""
        ends.last = ends.last or last
        self._flush(job)

    def _finish(self, job: str, ends: _Ends) -> None:
        assert ends.last is not None
        self._jobs.pop(job, None)
        self._placed.discard(job)
        self._loop.unwatch(ends.socket)
        ends.socket.close()
        self._report(ends.last)

    def _lose_bridge(self) -> None:
        """Clean up after a bridge that died; the next `tick` starts another."""
        assert self._socket is not None
        assert self._process is not None
        end_child(self._loop, self._socket, self._process)
        self._socket = self._process = None
        self._report(Capacity(0, connected=False))
        for job, ends in list(self._jobs.items()):
            self._end(job, ends, Lost((job,), NO_MACHINE))
