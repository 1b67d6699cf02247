"""The desk: who is connected to the supervisor, what they ask, and their answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import Endpoint, Lines, encode

MAX_UNREAD = 64 * 2**20  # bytes that a visitor may leave unread


@dataclass(eq=False)
class Visitor:
    """A page server or a shell that is connected."""

    connection: socket.socket
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    known: bool = False  # it has shown the token


class Desk:
    """Lets in who shows the token, and passes on what they ask.

    Args:
        obey: called with the visitor and each of its messages.
        left: called with a visitor that is gone.
    """

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        endpoint: Endpoint,
        obey: Callable[[Visitor, dict[str, Any]], None],
        left: Callable[[Visitor], None],
    ) -> None:
        self._loop, self._listener, self._endpoint = loop, listener, endpoint
        self._obey, self._left = obey, left
        self._visitors: dict[socket.socket, Visitor] = {}
        loop.watch(listener, self._accept)

    def present(self) -> int:
        """Return how many are there."""
        return sum(visitor.known for visitor in self._visitors.values())

    def close(self) -> None:
        """Send everybody away."""
        self._listener.close()
        for visitor in list(self._visitors.values()):
            visitor.connection.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        visitor = Visitor(connection)
        self._visitors[connection] = visitor
        self._loop.watch(connection, lambda: self._read(visitor), lambda: self._write(visitor))

    def _read(self, visitor: Visitor) -> None:
        try:
            data = visitor.connection.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(visitor)
            return
        try:
            for message in visitor.lines.feed(data):
                if not visitor.known:
                    if not self._endpoint.accepts(message):
                        self._drop(visitor)
                        return
                    visitor.known = True
                    self.send(visitor, {"hello": os.getpid()})
                    continue
                self._obey(visitor, message)
        except ValueError:
            self._drop(visitor)

    def _drop(self, visitor: Visitor) -> None:
        if self._visitors.pop(visitor.connection, None) is not None:
            self._loop.unwatch(visitor.connection)
            visitor.connection.close()
            self._left(visitor)

    def send(self, visitor: Visitor, message: dict[str, Any]) -> None:
        """Send a message; who leaves too much unread is sent away."""
        if visitor.connection not in self._visitors:
            return
        visitor.unsent += encode(message)
        if len(visitor.unsent) > MAX_UNREAD:
            self._drop(visitor)
        else:
            self._write(visitor)

    def _write(self, visitor: Visitor) -> None:
        if visitor.connection in self._visitors and not self._loop.send(visitor.connection, visitor.unsent):
            self._drop(visitor)
