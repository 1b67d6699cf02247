"""Authentication of new connections: the first line must be short, arrive quickly and contain the token."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import FIRST_LINE, Lines

GREETING_SECONDS = 5.0
"""Seconds from the connection to the end of the first line."""
MAX_STRANGERS = 32
"""Maximum number of unauthenticated connections; beyond it, the oldest is closed."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Stranger:
    lines: Lines = field(default_factory=lambda: Lines(FIRST_LINE))
    since: float = field(default_factory=time.monotonic)


class Door:
    """Accepts connections and passes on those whose first line is valid.

    Args:
        loop: event loop that waits for the sockets.
        listener: the listening socket.
        admit: called with a connection, its first line, and the lines that may follow; returns whether the connection
            is let in. If so, it belongs to the callee.
    """

    def __init__(
        self, loop: Loop, listener: socket.socket, admit: Callable[[socket.socket, bytes, Lines], bool]
    ) -> None:
        self._loop, self._listener, self._admit = loop, listener, admit
        self._strangers: dict[socket.socket, _Stranger] = {}  # the oldest first
        loop.watch(listener, self._accept)

    def tick(self, now: float) -> None:
        """Close the connections whose first line has not arrived in time."""
        for connection, stranger in list(self._strangers.items()):
            if now - stranger.since > GREETING_SECONDS:
                self._turn_away(connection, "it sent no token in time")

    def close(self) -> None:
        """Close the listening socket and all unauthenticated connections."""
        self._listener.close()
        for connection in self._strangers:
            connection.close()
        self._strangers.clear()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # no descriptor is left, if it is not gone already
            if self._strangers:
                self._turn_away(next(iter(self._strangers)), "this process has too many open files")
            return
        connection.setblocking(False)
        if len(self._strangers) >= MAX_STRANGERS:
            self._turn_away(next(iter(self._strangers)), "too many others wait without a token")
        self._strangers[connection] = _Stranger()
        self._loop.watch(connection, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        lines = self._strangers[connection].lines
        try:
            data = connection.recv(FIRST_LINE)
            line = next(lines.feed(data), None)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError) as error:
            self._turn_away(connection, str(error))
            return
        if line is not None:
            self._greet(connection, line, lines)
        elif not data:
            self._turn_away(connection, "it ended without a token")

    def _greet(self, connection: socket.socket, line: bytes, lines: Lines) -> None:
        del self._strangers[connection]
        self._loop.unwatch(connection)
        try:
            admitted = self._admit(connection, line, lines)
        except Exception:  # whatever the line was, it must not end the loop
            log.exception("a connection was closed because of its first line")
            admitted = False
        else:
            if not admitted:
                log.warning("a connection was closed: %s", "its first line shows no token")
        if not admitted:
            self._loop.unwatch(connection)
            connection.close()

    def _turn_away(self, connection: socket.socket, reason: str) -> None:
        log.warning("a connection was closed: %s", reason)
        del self._strangers[connection]
        self._loop.unwatch(connection)
        connection.close()
