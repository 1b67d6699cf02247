"""The clients that are connected to the supervisor: their requests and the messages to them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from rnnlab.errors import RunError
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

MAX_UNREAD = 64 * 2**20  # bytes that a client may leave unread


@dataclass(eq=False)
class Connection:
    """A connection to a page server or shell."""

    socket: socket.socket
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    accepted: bool = False  # whether it has shown the token


class Connections:
    """Accepts clients that show the token, and forwards their requests.

    Args:
        loop: event loop that waits for the sockets.
        listener: socket that listens at the endpoint.
        endpoint: endpoint with the token.
        handle: called with a connection and each of its requests.
        closed: called with a connection that was closed.
    """

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        endpoint: Endpoint,
        handle: Callable[[Connection, Request], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._loop, self._listener, self._endpoint = loop, listener, endpoint
        self._handle, self._closed = handle, closed
        self._connections: dict[socket.socket, Connection] = {}
        loop.watch(listener, self._accept)

    def count(self) -> int:
        """Return the number of clients that have shown the token."""
        return sum(connection.accepted for connection in self._connections.values())

    def close(self) -> None:
        """Close every connection."""
        self._listener.close()
        for connection in list(self._connections.values()):
            connection.socket.close()

    def send(self, connection: Connection, message: Message) -> None:
        """Send a message; a client that leaves too much unread is disconnected."""
        if connection.socket not in self._connections:
            return
        connection.unsent += encode(message)
        if len(connection.unsent) > MAX_UNREAD:
            self._disconnect(connection)
        else:
            self._write(connection)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        client.setblocking(False)
        connection = Connection(client)
        self._connections[client] = connection
        self._loop.watch(client, lambda: self._read(connection), lambda: self._write(connection))

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._disconnect(connection)
            return
        try:
            for line in connection.lines.feed(data):
                if not self._receive(connection, line):
                    self._disconnect(connection)
                    return
        except ValueError:
            self._disconnect(connection)

    def _receive(self, connection: Connection, line: bytes) -> bool:
        """Handle a line; return False if the connection must be closed."""
        try:
            message = CLIENT_TO_SUPERVISOR.decode(line)
        except ValidationError as error:
            refusal = _refusal(line, error) if connection.accepted else None
            if refusal is not None:
                self.send(connection, refusal)
            return refusal is not None
        match message:
            case Hello() if not connection.accepted and self._endpoint.accepts(message):
                connection.accepted = True
                self.send(connection, Welcome(pid=os.getpid()))
                return True
            case Request() if connection.accepted:
                self._handle(connection, message)
                return True
            case _:
                return False

    def _disconnect(self, connection: Connection) -> None:
        if self._connections.pop(connection.socket, None) is not None:
            self._loop.unwatch(connection.socket)
            connection.socket.close()
            self._closed(connection)

    def _write(self, connection: Connection) -> None:
        if connection.socket in self._connections and not self._loop.send(connection.socket, connection.unsent):
            self._disconnect(connection)


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
