"""The zygote: a warmed-up process with torch loaded that forks a worker for each job (torch).

``python -m rnnlab.runs.zygote FD``, started by `ForkingExecutor` with one end of a socket. It has a single thread and
has run real training steps, because the first ones are slow.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
from typing import NoReturn

from rnnlab.runs.process import leave_endings_to_the_supervisor
from rnnlab.runs.protocol import SUPERVISOR_TO_ZYGOTE, Exited, Fork, Forked, Kill, Lines, ZygoteReady, encode


class Zygote:
    """Forks workers and reports how they end.

    Args:
        connection: socket to the supervisor; when it closes, the zygote and its workers end.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = Lines()
        self._sockets: list[int] = []  # received sockets, in the order of their forks
        self._children: dict[int, str] = {}
        # a signal interrupts the wait of `turn`
        self._wakeup, self._wakeup_sender = socket.socketpair()
        for end in (self._wakeup, self._wakeup_sender):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup_sender.fileno(), warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._connection, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)

    def run(self) -> NoReturn:
        """Serve until the supervisor is gone."""
        while True:
            self.turn(None)

    def turn(self, timeout: float | None) -> None:
        """Wait at most `timeout` seconds, and handle the messages and signals that have arrived."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._wakeup:
                with contextlib.suppress(OSError):
                    self._wakeup.recv(4096)
                self._reap()
            else:
                self._read()

    def _read(self) -> None:
        try:
            data, sockets, _, _ = socket.recv_fds(self._connection, 65536, 64)
        except OSError:
            data, sockets = b"", []
        if not data:
            for pid in self._children:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            os._exit(0)
        self._sockets += sockets
        for line in self._lines.feed(data):
            match SUPERVISOR_TO_ZYGOTE.decode(line):
                case Fork(job=job):
                    self._fork(job, self._sockets.pop(0))
                case Kill(job=job):
                    for pid in [pid for pid, other in self._children.items() if other == job]:
                        os.kill(pid, signal.SIGKILL)

    def _fork(self, job: str, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(descriptor)
        os.close(descriptor)
        self._children[pid] = job
        self._connection.sendall(encode(Forked(job=job, pid=pid)))

    def _become_worker(self, descriptor: int) -> NoReturn:
        from rnnlab.runs import worker

        status = 1
        try:
            # close the sockets of the zygote, so that its end is noticed by the others
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for end in (self._connection, self._wakeup, self._wakeup_sender):
                end.close()
            for other in self._sockets:
                os.close(other)
            worker.serve(socket.socket(fileno=descriptor))
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            job = self._children.pop(pid, None)
            if job is not None:
                self._connection.sendall(encode(Exited(job=job, status=os.waitstatus_to_exitcode(status))))


def main(descriptor: int) -> NoReturn:
    """Warm up, report readiness, and serve."""
    leave_endings_to_the_supervisor()
    connection = socket.socket(fileno=descriptor)
    zygote = Zygote(connection)
    # torch makes a million objects, and the collector would look through them again and again: a sixth of the time
    gc.disable()
    from rnnlab.runs import warm, worker  # noqa: F401 - each worker has it

    warm.first_steps()
    _freeze()
    gc.enable()
    zygote.turn(0)  # a run may have been waiting for torch to load
    facts = warm.measure_speed()
    connection.sendall(encode(ZygoteReady(facts=facts)))
    zygote.run()


def _freeze() -> None:
    """Exclude the current objects from garbage collection, so that children do not copy the shared memory pages."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main(int(sys.argv[1]))
