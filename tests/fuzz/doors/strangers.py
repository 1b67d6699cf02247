"""The local socket, before a client has shown the token."""

from __future__ import annotations

import contextlib
import json
import socket
from random import Random

from tests.fuzz import hostile
from tests.fuzz.lab import Door

WAIT = 5.0
"""Seconds within which the connection is closed."""
LONG = 2**20
"""More than the first line of any client has, in bytes: the connection ends although no line has."""


class Strangers(Door):
    """The first line of a connection: short, a greeting with the token, or the end of the connection."""

    name = "socket, before the token"
    share = 0.1

    def knock(self, chance: Random) -> bool:
        """Say something else, and expect that the connection is closed without an answer."""
        data = self._line(chance)
        with self._connect() as connection:
            try:
                connection.sendall(data)
                if len(data) < LONG:
                    connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(1)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            except TimeoutError:
                raise AssertionError(f"{len(data)} bytes without a line, and still connected") from None
        assert not answer, f"an answer to {data[:80]!r}"
        return False

    def _connect(self) -> socket.socket:
        address = self.lab.endpoint().address
        if isinstance(address, int):
            return socket.create_connection(("127.0.0.1", address), WAIT)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT)
        connection.connect(address)
        return connection

    def _line(self, chance: Random) -> bytes:
        hello = {"kind": "hello", "token": hostile.text(chance)}
        kind = chance.randrange(8)
        if kind == 0:
            return hostile.deep(chance).encode() + chance.choice((b"", b"\n"))
        if kind == 1:
            return chance.choice((b"x", b"[", b'"', b"{", b"\0")) * chance.choice((100, 5000, LONG))
        if kind == 2:
            return chance.randbytes(chance.randrange(200)) + b"\n"
        if kind == 3:
            request = {"kind": "request", "id": hostile.value(chance), "command": hostile.value(chance)}
            return hostile.dumped(request).encode("utf-8", "replace") + b"\n"
        if kind == 4:
            return b"\n" * chance.choice((1, 50_000))
        if kind == 5:
            return hostile.damaged(chance, json.dumps(hello).encode()) + b"\n"
        with contextlib.suppress(TypeError):
            hello = hostile.changed(chance, hello)
        return hostile.dumped(hello).encode("utf-8", "replace") + b"\n"
