"""The clients that are connected to the supervisor: their requests and the messages to them."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from rnnlab.errors import RunError
from rnnlab.runs import protocol
from rnnlab.runs.door import Door
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import (
    CLIENT_TO_SUPERVISOR,
    COMMANDS,
    ErrorData,
    Hello,
    Lines,
    Message,
    Refusal,
    Request,
    Welcome,
    encode,
)

MAX_UNREAD = 16 * 2**20
"""Bytes that a client may leave unread; the largest answer is half of that."""
STALLED_SECONDS = 30.0
"""Seconds within which a client must read some of the pending data."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Connection:
    """A connection to a page server or shell that has shown the token."""

    socket: socket.socket
    lines: Lines
    unsent: bytearray = field(default_factory=bytearray)
    moved_at: float = 0.0  # when the client last took something of what is unsent, by the monotonic clock


class Connections:
    """Accepts clients that show the token, and forwards their requests.

    Whatever one client sends or causes ends its own connection at most.

    Args:
        loop: event loop that waits for the sockets.
        listener: socket that listens at the endpoint.
        endpoint: endpoint with the token.
        admitted: called with a connection that has shown the token, and its first message.
        handle: called with a connection and each of its requests.
        closed: called with a connection that was closed.
    """

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        endpoint: Endpoint,
        admitted: Callable[[Connection, Hello], None],
        handle: Callable[[Connection, Request], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._loop, self._endpoint = loop, endpoint
        self._admitted, self._handle, self._closed = admitted, handle, closed
        self._connections: dict[socket.socket, Connection] = {}
        self._door = Door(loop, listener, self._admit)

    def count(self) -> int:
        """Return the number of clients that have shown the token."""
        return len(self._connections)

    def tick(self, now: float) -> None:
        """Close connections that present no token in time, and clients that do not read."""
        self._door.tick(now)
        for connection in list(self._connections.values()):
            if connection.unsent and now - connection.moved_at > STALLED_SECONDS:
                self._disconnect(connection, "it reads nothing")

    def send_all(self, message: Message) -> None:
        """Send a message to every client."""
        for connection in list(self._connections.values()):
            self.send(connection, message)

    def close(self) -> None:
        """Close every connection."""
        self._door.close()
        for connection in list(self._connections.values()):
            connection.socket.close()

    def send(self, connection: Connection, message: Message) -> None:
        """Send a message; a client that leaves too much unread is disconnected."""
        if connection.socket not in self._connections:
            return
        if not connection.unsent:
            connection.moved_at = time.monotonic()
        connection.unsent += encode(message)
        self._write(connection)
        if len(connection.unsent) > MAX_UNREAD:
            self._disconnect(connection, "it leaves too much unread")

    def _admit(self, client: socket.socket, line: bytes, lines: Lines) -> bool:
        """Accept a client whose first line contains the token."""
        try:
            hello = CLIENT_TO_SUPERVISOR.decode(line)
        except ValueError:
            return False
        if not isinstance(hello, Hello) or not self._endpoint.accepts(hello):
            return False
        lines.limit = protocol.MAX_LINE
        connection = Connection(client, lines)
        self._connections[client] = connection
        self._loop.watch(client, lambda: self._read(connection), lambda: self._write(connection))
        self.send(connection, Welcome(pid=os.getpid()))
        self._admitted(connection, hello)
        self._take(connection, b"")  # requests may have come with the token
        return True

    def _read(self, connection: Connection) -> None:
        data = self._loop.receive(connection.socket)
        if data is None:
            return
        if data:
            self._take(connection, data)
        else:
            self._disconnect(connection)

    def _take(self, connection: Connection, data: bytes) -> None:
        """Handle the requests that `data` completes."""
        try:
            for line in connection.lines.feed(data):
                if not self._receive(connection, line):
                    self._disconnect(connection, "it sent something that is not a request")
                if connection.socket not in self._connections:
                    return
        except ValueError as error:
            self._disconnect(connection, str(error))
        except Exception:  # the other clients, and all runs, go on
            log.exception("an unexpected error")
            self._disconnect(connection, "of an unexpected error")

    def _receive(self, connection: Connection, line: bytes) -> bool:
        """Handle a line; return False if the connection must be closed."""
        try:
            message = CLIENT_TO_SUPERVISOR.decode(line)
        except ValidationError as error:
            refusal = _refusal(line, error)
            if refusal is not None:
                self.send(connection, refusal)
            return refusal is not None
        if isinstance(message, Request):
            self._handle(connection, message)
        return isinstance(message, Request)

    def _disconnect(self, connection: Connection, reason: str = "") -> None:
        if self._connections.pop(connection.socket, None) is not None:
            if reason:
                log.warning("a client was disconnected: %s", reason)
            self._loop.unwatch(connection.socket)
            connection.socket.close()
            connection.unsent.clear()
            self._closed(connection)

    def _write(self, connection: Connection) -> None:
        if connection.socket not in self._connections:
            return
        before = len(connection.unsent)
        if not self._loop.send(connection.socket, connection.unsent):
            self._disconnect(connection)
        elif len(connection.unsent) < before:
            connection.moved_at = time.monotonic()


class _AnyCommand(BaseModel):
    kind: str


class _AnyRequest(BaseModel):
    """The part of a request that is needed to refuse it."""

    id: int
    command: _AnyCommand


def _refusal(line: bytes, error: ValidationError) -> Refusal | None:
    """Return the refusal of a line that is an invalid request, or None if it is not a request at all."""
    try:
        request = _AnyRequest.model_validate_json(line)
    except ValidationError:
        return None
    name = request.command.kind[:40]
    if all(name != command.model_fields["kind"].default for command in COMMANDS):
        refused = RunError("command_unknown", f"There is no command {name!r}.", command=name)
    else:
        reason = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in reason["loc"][3:])
        message = f"The command {name!r} cannot be read: {where}: {reason['msg']}."
        refused = RunError("command_invalid", message, command=name)
    return Refusal(id=request.id, error=ErrorData.of(refused))
