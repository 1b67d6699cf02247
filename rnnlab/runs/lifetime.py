"""The lifetime of the supervisor: until the app that started it has ended and no client is connected."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

from rnnlab.runs.loop import Loop

GRACE = 0.3
"""Seconds without a client after which the supervisor ends."""


class Lifetime:
    """Watches the app and the number of clients.

    Args:
        loop: event loop that waits for the end of standard input.
        stdin: file descriptor of standard input, which ends with the app; None: there is no app.
    """

    def __init__(self, loop: Loop, stdin: int | None) -> None:
        self._loop = loop
        self._app_gone = stdin is None
        self._alone_since: float | None = None
        if stdin is not None:
            self._watch(stdin)

    def over(self, clients: int, now: float) -> bool:
        """Return whether it is time to end, given the number of connected clients."""
        if not self._app_gone or clients:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        return self._alone_since is not None and now - self._alone_since >= GRACE

    def timeout(self, now: float) -> float | None:
        """Return the seconds after which to call `over` again; None: no limit."""
        return None if self._alone_since is None else max(0.02, self._alone_since + GRACE - now)

    def _watch(self, stdin: int) -> None:
        """Watch for the end of the app: however it ends, the system closes its end of our standard input."""
        if sys.platform == "win32":  # Windows cannot wait for a pipe and a socket in the same call
            self._watch_in_thread(stdin)
            return
        try:
            self._loop.watch(stdin, lambda: self._read(stdin))
        except (OSError, ValueError):  # a plain file
            self._watch_in_thread(stdin)

    def _watch_in_thread(self, stdin: int) -> None:
        ours, theirs = socket.socketpair()

        def wait() -> None:
            with contextlib.suppress(OSError):
                while os.read(stdin, 4096):
                    pass
            theirs.close()

        def end() -> None:
            self._end_of_app(ours)
            ours.close()

        self._loop.watch(ours, end)
        threading.Thread(target=wait, daemon=True).start()

    def _read(self, stdin: int) -> None:
        try:
            data = os.read(stdin, 4096)
        except OSError:
            data = b""
        if not data:
            self._end_of_app(stdin)

    def _end_of_app(self, file: socket.socket | int) -> None:
        self._loop.unwatch(file)
        self._app_gone = True
