"""The local socket, after the token: requests that no client of ours sends."""

from __future__ import annotations

import itertools
import json
import socket
from random import Random
from typing import Any

from rnnlab.runs.protocol import COMMANDS, GetStatus, Request, encode
from tests.fuzz import hostile
from tests.fuzz.lab import Door, Lab
from tests.made import PATIENCE, VERSE, finish

SLOW = ("ask_checkpoint", "compare_implementations", "wait_for_change")
"""Commands whose result takes a process or another's command; they are about runs and settings that do not exist."""


class Commands(Door):
    """The requests of a client that has shown the token."""

    name = "socket, after the token"
    share = 0.12

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._ids = itertools.count(1)
        self._socket: socket.socket | None = None
        self._rest = b""

    def close(self) -> None:
        """Disconnect."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def knock(self, chance: Random) -> bool:
        """Send a line, and read what comes back until the answer to a question that is surely answered."""
        line = self._line(chance)
        results = [answer["value"] for answer in self._exchange(line) if answer.get("kind") == "result"]
        if results:
            self._settle()
        return bool(results)

    def _settle(self) -> None:
        """Undo what was accepted, as training would change the store while others knock."""
        client = self.lab.client
        if self.lab.run in {deleted.id for deleted in client.store.deleted()}:
            client.restore(self.lab.run)
        for record in client.store.runs():
            if record.live:
                client.stop(record.id)
                finish(client, record.id)
            if record.id != self.lab.run:
                client.delete(record.id)

    def _exchange(self, line: bytes) -> list[dict[str, Any]]:
        if self._socket is None:
            self._socket, self._rest = self.lab.endpoint().dial(), b""
            self._socket.settimeout(PATIENCE)
            self._read()  # the welcome
        last = -next(self._ids)
        try:
            self._socket.sendall(line + b"\n" + encode(Request(id=last, command=GetStatus())))
            answers = []
            while (answer := self._read()).get("id") != last:
                answers.append(answer)
        except (ConnectionError, EOFError):  # it has closed the connection, which refuses everything
            self.close()
            return []
        return answers

    def _read(self) -> dict[str, Any]:
        assert self._socket is not None
        while b"\n" not in self._rest:
            data = self._socket.recv(2**16)
            if not data:
                raise EOFError
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _line(self, chance: Random) -> bytes:
        kind = chance.randrange(8)
        if kind == 0:
            deep = hostile.deep(chance)
            wrapped = f'{{"kind": "request", "id": 1, "command": {{"kind": "get_status", "memory": {deep}}}}}'
            return chance.choice((deep, wrapped)).encode()
        if kind == 1:
            return chance.randbytes(60).replace(b"\n", b"")
        request = {"kind": "request", "id": next(self._ids), "command": self._command(chance)}
        if kind == 2:
            request = hostile.changed(chance, request)
        line = hostile.dumped(request).encode("utf-8", "replace")
        return hostile.damaged(chance, line).replace(b"\n", b" ") if kind == 3 else line

    def _command(self, chance: Random) -> dict[str, Any]:
        command = chance.choice(COMMANDS)
        name = command.model_fields["kind"].default
        fields = {field: self._field(chance, name, field) for field in command.model_fields if field != "kind"}
        return {"kind": name, **fields}

    def _field(self, chance: Random, command: str, field: str) -> Any:
        if field == "run":
            return hostile.text(chance) if command in SLOW else chance.choice((self.lab.run, hostile.text(chance)))
        if field == "config" and command not in SLOW:
            # no epochs, so that one that is taken ends at once
            data = json.loads(VERSE.change(num_epochs=0).to_json())
            return chance.choice((hostile.dumped(hostile.changed(chance, data)), hostile.deep(chance)))
        if field == "data":
            return hostile.dumped(hostile.changed(chance, self.lab.exported))
        return hostile.value(chance)
