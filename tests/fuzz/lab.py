"""A server with a home of its own, and what is counted at each of its doors."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ClassVar, Self

from rnnlab.errors import RNNLabError
from rnnlab.events import RunFinished, TextGenerated
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.export import export_run
from rnnlab.runs.schema import DATABASE, connect_reader
from tests.browser.server import Server
from tests.made import VERSE, epoch, finish

COUNTED = ("runs", "texts", "links", "deleted_runs", "imports", "checkpoints", "answers")
"""The tables in which nothing may change by what is refused; `meta` has measurements."""


class Lab:
    """A server, its supervisor, and a finished run.

    Args:
        home: the home of the server.
        trains: whether the run is trained, and has a checkpoint; otherwise it is imported, which takes no time.

    Attributes:
        client: a client of the supervisor, besides that of the server.
        run: the id of the run.
        exported: the run as the data of its file.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __init__(self, home: Path, trains: bool = True) -> None:
        self._stack = ExitStack()
        self.home = home
        self.server = Server(home)
        self._stack.callback(self.server.stop)
        self.client = self._stack.enter_context(Client(home))
        self.run = finish(self.client, self.client.create(VERSE)) if trains else self.client.import_run(_finished())
        self.exported = export_run(self.client.store, self.run)
        self._reader = connect_reader(home / DATABASE)
        self._stack.callback(self._reader.close)
        self._seen: tuple[int, str] = (-1, "")
        self._read = dict.fromkeys(self._logs(), 0)
        self.pid = self.endpoint().pid

    def _logs(self) -> tuple[Path, Path]:
        return self.server.log, self.home / "supervisor.log"

    def endpoint(self) -> Endpoint:
        """Return where the supervisor is found."""
        endpoint = Endpoint.read(self.home)
        assert endpoint is not None
        return endpoint

    def state(self) -> str:
        """Return a digest of all that people have stored; equal if nothing has changed."""
        (version,) = self._reader.execute("pragma data_version").fetchone()
        if version != self._seen[0]:
            self._seen = version, self._digest()
        return self._seen[1]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for table in COUNTED:
            for row in self._rows(table):
                digest.update(repr(row).encode("utf-8", "replace"))
        return digest.hexdigest()

    def _rows(self, table: str) -> Iterable[tuple[object, ...]]:
        cursor: sqlite3.Cursor = self._reader.execute(f"select * from {table} order by 1")
        return cursor

    def complaints(self) -> list[str]:
        """Return what the processes have raised since the last call: the last line of each traceback."""
        found = []
        for path in self._logs():
            with path.open(encoding="utf-8", errors="replace") as file:
                file.seek(self._read[path])
                text = file.read()
                self._read[path] = file.tell()
            if "Traceback" in text:
                found.append(f"{path.name}: {text.strip().splitlines()[-1][:200]}")
        if self.server.process.poll() is not None:
            found.append("the server has ended")
        try:
            pid = self.client.status()["pid"]
        except RNNLabError as error:
            found.append(f"the supervisor does not answer: {error}")
        else:
            if pid != self.pid:
                found.append("the supervisor has ended")
                self.pid = pid
        return found


def _finished() -> str:
    """Return a small run as the text of its file."""
    events = [
        epoch(1),
        TextGenerated(epoch=1, prefix="the", text="the sea"),
        epoch(2),
        RunFinished(reason="finished", epoch=2, minibatch=0),
    ]
    return json.dumps(
        {
            "format": "rnnlab-run",
            "version": 1,
            "config": json.loads(VERSE.to_json()),
            "made": {},
            "corpus": {"name": VERSE.corpus, "vocab_size": 30},
            "events": [event.model_dump(mode="json") for event in events],
        }
    )


class Door(ABC):
    """A door of the app, and hostile inputs for it.

    Attributes:
        name: its name in the table.
        share: its share of the inputs.
        only_reads: whether nothing that comes in here may change the store, even if it is accepted.
    """

    name: ClassVar[str]
    share: ClassVar[float]
    only_reads: ClassVar[bool] = False

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    @abstractmethod
    def knock(self, chance: Random) -> bool:
        """Bring an input and return whether it was accepted; raise `RNNLabError` if it was refused with a reason."""

    def close(self) -> None:  # noqa: B027 - most doors need no leaving
        """Leave the door."""


@dataclass
class Tally:
    """What came of the inputs at a door."""

    door: str
    tried: int = 0
    refused: int = 0
    tracebacks: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def knock(door: Door, seed: int, numbers: Iterable[int]) -> Tally:
    """Bring the inputs with these numbers to a door."""
    tally, lab = Tally(door.name), door.lab
    lab.complaints()
    before = lab.state()
    for number in numbers:
        refused, raised = False, []
        try:
            refused = not door.knock(Random(f"{seed}.{door.name}.{number}"))
        except RNNLabError:
            refused = True
        except Exception as error:
            raised = [traceback.format_exception(error)[-2].strip() + " " + repr(error)[:300]]
        tally.tried += 1
        tally.refused += refused
        for complaint in [*raised, *lab.complaints()]:
            tally.tracebacks.append(f"{door.name} {number}: {complaint}")
        after = lab.state()
        if after != before and (refused or door.only_reads):
            tally.changed.append(f"{door.name} {number}: {'refused' if refused else 'read'}, and the store has changed")
        before = after
    door.close()
    return tally
