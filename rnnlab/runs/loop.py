"""The event loop of the supervisor: waits for many sockets in one thread."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable


class Loop:
    """Waits for sockets and makes callbacks, which must not block."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: set[socket.socket | int] = set()

    def watch(
        self, file: socket.socket | int, read: Callable[[], None], write: Callable[[], None] | None = None
    ) -> None:
        """Call `read` whenever `file` can be read, and `write` when it can take the rest of a `send`."""
        self._selector.register(file, selectors.EVENT_READ, (read, write))
        self._watched.add(file)

    def unwatch(self, file: socket.socket | int) -> None:
        """Stop watching `file`, if it is watched."""
        if file in self._watched:
            self._watched.remove(file)
            self._selector.unregister(file)

    def close(self) -> None:
        """Stop watching everything."""
        self._watched.clear()
        self._selector.close()

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds, and make the callbacks of the ready sockets."""
        for key, events in self._selector.select(timeout):
            read, write = key.data
            # an earlier callback may have closed this socket
            if events & selectors.EVENT_WRITE and write is not None and key.fileobj in self._watched:
                write()
            if events & selectors.EVENT_READ and key.fileobj in self._watched:
                read()

    @staticmethod
    def receive(connection: socket.socket) -> bytes | None:
        """Return what has arrived: None if nothing has, b"" if the other end is closed or broken."""
        try:
            return connection.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def send(self, connection: socket.socket, unsent: bytearray) -> bool:
        """Send as much of `unsent` as the socket takes, and remove that part; return whether the connection is open."""
        try:
            while unsent:
                del unsent[: connection.send(unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            unsent.clear()
            return False
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        key = self._selector.get_key(connection)
        if key.events != events:
            self._selector.modify(connection, events, key.data)
        return True
