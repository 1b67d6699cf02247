"""How long the supervisor lives: until the app that started it is gone and no other client is connected."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from rnnlab.runs.loop import Loop

GRACE = 0.3
"""Seconds without any client before the end."""


class Lifetime:
    """Watches the app and the number of clients.

    Args:
        loop: waits for the end of standard input.
        watch_stdin: whether the end of standard input is the end of the app; without it there is no app.
    """

    def __init__(self, loop: Loop, watch_stdin: bool) -> None:
        self._loop = loop
        self._app_gone = not watch_stdin
        self._alone_since: float | None = None
        if watch_stdin:
            self._watch_stdin()

    def over(self, clients: int, now: float) -> bool:
        """Return whether it is time to end, with so many clients connected now."""
        if not self._app_gone or clients:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        return self._alone_since is not None and now - self._alone_since >= GRACE

    def timeout(self, now: float) -> float | None:
        """Return in how many seconds `over` is to be asked again; None: whenever."""
        return None if self._alone_since is None else max(0.02, self._alone_since + GRACE - now)

    def _watch_stdin(self) -> None:
        """Notice the end of the app: the system closes its end of our standard input, however it ends."""
        try:
            self._loop.watch(0, self._read_stdin)
        except (OSError, ValueError):  # Windows cannot select on a pipe, and nobody waits at a plain file
            ours, theirs = socket.socketpair()

            def wait() -> None:
                with contextlib.suppress(OSError):
                    while os.read(0, 4096):
                        pass
                theirs.close()

            self._loop.watch(ours, lambda: self._end_of_app(ours))
            threading.Thread(target=wait, daemon=True).start()

    def _read_stdin(self) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if not data:
            self._end_of_app(0)

    def _end_of_app(self, file: socket.socket | int) -> None:
        self._loop.unwatch(file)
        self._app_gone = True
