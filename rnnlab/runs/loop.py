"""Waiting for many sockets at once, in one thread."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable


class Loop:
    """Waits for sockets, and calls who waits for them; nothing in it blocks."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: set[socket.socket | int] = set()

    def watch(
        self, file: socket.socket | int, read: Callable[[], None], write: Callable[[], None] | None = None
    ) -> None:
        """Call `read` whenever `file` can be read, and `write` when it takes again what `send` could not send."""
        self._selector.register(file, selectors.EVENT_READ, (read, write))
        self._watched.add(file)

    def unwatch(self, file: socket.socket | int) -> None:
        """No longer do so."""
        if file in self._watched:
            self._watched.remove(file)
            self._selector.unregister(file)

    def close(self) -> None:
        """Wait for nobody any more."""
        self._watched.clear()
        self._selector.close()

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds, and call whoever it concerns."""
        for key, events in self._selector.select(timeout):
            read, write = key.data
            # one that was called just now may have closed another
            if events & selectors.EVENT_WRITE and write is not None and key.fileobj in self._watched:
                write()
            if events & selectors.EVENT_READ and key.fileobj in self._watched:
                read()

    def send(self, connection: socket.socket, unsent: bytearray) -> bool:
        """Send what goes through now; return whether the other end is still there."""
        try:
            while unsent:
                del unsent[: connection.send(unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            unsent.clear()
            return False
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        key = self._selector.get_key(connection)
        if key.events != wanted:
            self._selector.modify(connection, wanted, key.data)
        return True
