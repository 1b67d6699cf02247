"""Reading the store of all runs, by any number of readers in any process beside the only writer (`store_writer`)."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import statistics
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RunError
from rnnlab.events import Event, event_from_json
from rnnlab.runs import links, schema
from rnnlab.runs.admission import cost_shape, fair_order
from rnnlab.runs.protocol import ENDED, LIVE, STATES, TRANSITIONS, RunState
from rnnlab.runs.rooms import RoomQueries

T = TypeVar("T")

RESTORABLE = 600.0
"""Seconds for which a deleted run can be restored."""
PARTIAL = ".part"
"""End of the name of a checkpoint that is being written."""
HELD = "held"
"""Key of the list of held runs in the table ``meta``."""
BEST = 2
"""Value of ``kept`` for the best checkpoint of early stopping; 1: kept for the history, 0: the latest."""
MAX_TITLE = 80
"""Longest title of a run, in characters."""


@dataclass(frozen=True)
class RunRecord:
    """A row of the table of runs: everything about a run except its events."""

    id: str
    name: str  # name of the recipe, or ""
    based_on: str  # recipe from which its settings differ, or ""
    config: TrainConfig
    state: RunState
    created_at: float
    started_at: float | None
    finished_at: float | None
    epoch: int  # last finished epoch
    num_epochs: int
    perplexity: float | None  # perplexity of that epoch
    error: dict[str, Any] | None
    continuable: bool
    starred: bool
    owner: str
    version: int  # grows with every change
    queue_position: int | None  # 1: starts next
    language: str
    title: str  # given by a user, or ""
    host: str = ""  # machine of the cluster that trained it last, or ""

    @property
    def live(self) -> bool:
        """Return whether the run is queued, running or paused."""
        return self.state in LIVE


@dataclass(frozen=True)
class DeletedRun:
    """A deleted run, as far as a list needs it."""

    id: str
    deleted_at: float
    name: str
    based_on: str
    title: str
    epoch: int
    owner: str


@dataclass(frozen=True)
class ParkedRun:
    """A run that was saved and has no worker, though it is paused or queued."""

    lines: str  # control messages for its next worker, each a line of the protocol
    seconds: float  # for which it has trained


_OLD_COLUMNS = (
    "id, name, based_on, config, state, created_at, started_at, finished_at, epoch, num_epochs, perplexity, error,"
    " exists (select 1 from checkpoints where checkpoints.run = runs.id), starred, owner, version, language, title"
)
_HOST = 9
"""The version of the store from which on `runs` has the column of the machine."""

# temporary errors: a writer is at work, or it died and its successor has not rolled back yet
_TRANSIENT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN})
_TRANSIENT_READONLY = frozenset(
    {
        sqlite3.SQLITE_READONLY_ROLLBACK,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_CANTLOCK,
    }
)


class Queries(RoomQueries, ABC):
    """The queries of a store; subclasses provide the connection.

    Args:
        path: path of the database.

    Raises:
        RunError: by every method: ``store_damaged``, and for readers ``store_too_new``, ``store_busy`` and
            ``store_inaccessible``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._has_host = False

    def _columns(self) -> str:
        """Return the columns of a `RunRecord`; a reader may open a store that no supervisor has migrated yet."""
        if not self._has_host:
            self._has_host = any(version >= _HOST for (version,) in self._rows("pragma user_version"))
        return f"{_OLD_COLUMNS}, {'host' if self._has_host else repr('')}"

    @abstractmethod
    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

    def run(self, run_id: str) -> RunRecord:
        """Return a run.

        Raises:
            RunError: ``run_unknown``.
        """
        rows = self._rows(f"select {self._columns()} from runs where id = ?", (run_id,))
        if not rows:
            raise unknown_run(run_id)
        return self._records(rows)[0]

    def runs(self, limit: int = 200, states: Collection[RunState] | None = None) -> list[RunRecord]:
        """Return the newest runs, the newest first."""
        where, values = "", []
        if states is not None:
            where, values = f"where state in ({', '.join('?' * len(states))})", list(states)
        query = f"select {self._columns()} from runs {where} order by created_at desc, id limit ?"
        return self._records(self._rows(query, (*values, limit)))

    def imported(self) -> frozenset[str]:
        """Return the ids of the runs that were imported from files."""
        if not self._has("imports"):
            return frozenset()
        return frozenset(str(run) for (run,) in self._rows("select run from imports"))

    def perplexities(self, run_id: str) -> dict[int, float | None]:
        """Return the perplexity of each finished epoch of a run; None if it overflowed."""
        rows = self._rows(
            "select json_extract(body, '$.epoch'), json_extract(body, '$.perplexity') from events"
            " where run = ? and kind = 'epoch_finished' order by seq",
            (run_id,),
        )
        return dict(rows)

    def deleted(self, run_id: str | None = None) -> list[DeletedRun]:
        """Return the deleted runs that can be restored, or the one with this id; the one deleted last comes first."""
        if not self._has("deleted_runs"):
            return []
        rows = self._rows(
            "select id, deleted_at, row from deleted_runs where id = coalesce(?, id) and deleted_at > 0"
            " order by deleted_at desc, id",
            (run_id,),
        )
        with self._decoding():
            return [DeletedRun(id, deleted_at, **_described(json.loads(row))) for id, deleted_at, row in rows]

    def events_since(self, run_id: str, cursor: int = 0) -> list[tuple[int, Event]]:
        """Return (sequence number, event) of every event of a run after number `cursor`."""
        rows = self._rows("select seq, body from events where run = ? and seq > ? order by seq", (run_id, cursor))
        with self._decoding():
            return [(seq, event_from_json(body)) for seq, body in rows]

    def device(self, run_id: str) -> str | None:
        """Return the device on which a run started, which never changes; None if the run has not started."""
        rows = self._rows(
            "select body from events where run = ? and kind = 'run_started' order by seq limit 1", (run_id,)
        )
        with self._decoding():
            return str(json.loads(rows[0][0])["device"]) if rows else None

    def version(self, run_id: str) -> int:
        """Return a number that grows with every change of the run; 0 if there is no such run."""
        rows = self._rows("select version from runs where id = ?", (run_id,))
        return int(rows[0][0]) if rows else 0

    def text(self, text_id: str) -> str | None:
        """Return an uploaded text, or None."""
        rows = self._rows("select text from texts where id = ?", (text_id,))
        return str(rows[0][0]) if rows else None

    def counts(self) -> dict[str, int]:
        """Return the number of runs by state."""
        rows = self._rows("select state, count(*) from runs group by state")
        counted = {str(state): int(count) for state, count in rows}
        return {state: counted.get(state, 0) for state in STATES}

    def groups(self) -> dict[str, str]:
        """Return for each run that trains, pauses or waits the batch it was started in, or its id if there is none."""
        rows = self._rows("select id, batch from runs where state in ('queued', 'running', 'paused')")
        return {str(run): str(batch) or str(run) for run, batch in rows}

    def live_groups(self, owner: str) -> list[str]:
        """Return for each run of a visitor that trains, pauses or waits its batch, or its id if it has none."""
        rows = self._rows(
            "select case when batch = '' then id else batch end from runs where owner = ? and state in"
            " ('queued', 'running', 'paused')",
            (owner,),
        )
        return [str(group) for (group,) in rows]

    def bytes(self) -> int:
        """Return the number of bytes of the store and of all checkpoints."""
        rows = self._rows(
            "select (select page_count from pragma_page_count()) * (select page_size from pragma_page_size())"
            " + (select coalesce(sum(bytes), 0) from checkpoints)"
        )
        return int(rows[0][0])

    def bytes_of(self, owner: str) -> int:
        """Return the number of bytes of a visitor's texts, events and checkpoints."""
        rows = self._rows(
            "select (select coalesce(sum(length(cast(texts.text as blob))), 0) from text_owners join texts"
            " on texts.id = text_owners.text where owner = ?)"
            " + (select coalesce(sum(length(body)), 0) from events join runs on runs.id = run where owner = ?)"
            " + (select coalesce(sum(bytes), 0) from checkpoints join runs on runs.id = run where owner = ?)",
            (owner, owner, owner),
        )
        return int(rows[0][0])

    def text_readers(self, text_id: str) -> set[str]:
        """Return the visitors who may read an uploaded text; with "" among them, everybody may."""
        rows = self._rows("select owner, shared from text_owners where text = ?", (text_id,))
        return {"" if shared else str(owner) for owner, shared in rows if owner or shared}

    def texts_of(self, owner: str) -> list[tuple[str, str]]:
        """Return (name, title) of the texts that a visitor uploaded, the newest first."""
        rows = self._rows(
            "select texts.id, title from text_owners join texts on texts.id = text_owners.text where owner = ?"
            " order by text_owners.added_at desc",
            (owner,),
        )
        return [(str(name), str(title)) for name, title in rows]

    def text_title(self, text_id: str) -> str | None:
        """Return the title of an uploaded text, or None."""
        rows = self._rows("select title from texts where id = ?", (text_id,))
        return str(rows[0][0]) if rows else None

    def checkpoints(self, run_id: str) -> list[tuple[int, int, Path]]:
        """Return (epoch, minibatch, file) of every checkpoint of a run, the earliest first."""
        folder = checkpoint_folder(self.path.parent, run_id)
        rows = self._rows(
            "select epoch, minibatch, name from checkpoints where run = ? order by epoch, minibatch, saved_at",
            (run_id,),
        )
        return [(epoch, minibatch, folder / name) for epoch, minibatch, name in rows]

    def best_epoch(self, run_id: str) -> int | None:
        """Return the epoch of the best checkpoint of a run, which early stopping keeps; None if there is none."""
        rows = self._rows("select max(epoch) from checkpoints where run = ? and kept = ?", (run_id, BEST))
        return None if rows[0][0] is None else int(rows[0][0])

    def finished_at(self, run_id: str) -> int | None:
        """Return the epoch with which a run finished the last time; None if it has not finished yet."""
        rows = self._rows(
            "select json_extract(body, '$.epoch') from events where run = ? and kind = 'run_finished'"
            " and json_extract(body, '$.reason') = 'finished' order by seq desc limit 1",
            (run_id,),
        )
        return int(rows[0][0]) if rows else None

    def answers(self, run_id: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return (question, answer) of every stored answer of the checkpoints of a run, the earliest first."""
        rows = self._rows("select question, answer from answers where run = ? order by asked_at", (run_id,))
        with self._decoding():
            return [(json.loads(question), json.loads(answer)) for question, answer in rows]

    def answer(self, run_id: str, question: str) -> dict[str, Any] | None:
        """Return the stored answer of a checkpoint to `question` (JSON), or None."""
        rows = self._rows("select answer from answers where run = ? and question = ?", (run_id, question))
        with self._decoding():
            answer: dict[str, Any] | None = json.loads(rows[0][0]) if rows else None
        return answer

    def link(self, code: str) -> dict[str, str] | None:
        """Return the page parameters that a short link stands for, or None if there is no such link."""
        rows = self._rows("select parameters from links where code = ?", (code.lower(),))
        with self._decoding():
            parameters: dict[str, str] | None = json.loads(rows[0][0]) if rows else None
        return parameters

    def code_of(self, parameters: Mapping[str, str]) -> str | None:
        """Return the code of the short link for these page parameters, or None."""
        rows = self._rows("select code from links where parameters = ?", (links.canonical(parameters),))
        return str(rows[0][0]) if rows else None

    def meta(self, key: str) -> Any:
        """Return a stored value about this machine or store, or None."""
        rows = self._rows("select value from meta where key = ?", (key,))
        with self._decoding():
            return json.loads(rows[0][0]) if rows else None

    def epoch_seconds(self, config: TrainConfig) -> float | None:
        """Return the seconds of an epoch in the last run with the same cost on this machine, or None."""
        rows = self._rows(
            "select body from events where kind = 'epoch_finished' and run = (select id from runs where shape = ? and"
            " epoch > 0 order by created_at desc limit 1) order by seq desc limit 9",
            (cost_shape(config),),
        )
        with self._decoding():
            return statistics.median(float(json.loads(body)["seconds"]) for (body,) in rows) if rows else None

    def waiting(self) -> list[tuple[str, str]]:
        """Return (id, owner) of the queued runs that start in their turn, the longest waiting first."""
        rows = self._rows(
            "select id, owner from runs where state = 'queued' and id not in"
            f" (select value from json_each(coalesce((select value from meta where key = '{HELD}'), '[]')))"
            " order by queued_at, id"
        )
        return [(str(run), str(owner)) for run, owner in rows]

    def held(self) -> frozenset[str]:
        """Return the ids of held runs: queued when the last client left, and started only on request."""
        return frozenset(self.meta(HELD) or ())

    def queue(self) -> list[str]:
        """Return the ids of the queued runs in the order in which they will start."""
        running = self._rows("select id, owner from runs where state in ('running', 'paused')")
        parked = self.parked()
        return fair_order(self.waiting(), [str(owner) for run, owner in running if run not in parked])

    def parked(self) -> dict[str, ParkedRun]:
        """Return the runs that are saved and have no worker, by id."""
        if not self._has("parked"):
            return {}
        return {run: ParkedRun(lines, seconds) for run, lines, seconds in self._rows("select * from parked")}

    def _has(self, table: str) -> bool:
        """Return whether the store has a table, which one of an older version lacks until the supervisor opens it."""
        return bool(self._rows("select 1 from sqlite_master where type = 'table' and name = ?", (table,)))

    def _records(self, rows: list[tuple[Any, ...]]) -> list[RunRecord]:
        order = self.queue() if any(row[4] == "queued" for row in rows) else []
        with self._decoding():
            return [_record(row, order) for row in rows]

    @contextlib.contextmanager
    def _decoding(self) -> Iterator[None]:
        """Raise ``store_damaged`` for content that the block cannot read."""
        try:
            yield
        except (ValueError, TypeError, KeyError, ConfigError) as error:
            raise schema.damaged(self.path) from error


class Store(Queries):
    """A read-only view of the store, usable from any thread; the file need not exist yet.

    Connections are opened when needed and kept for later queries. The store is a context manager, which closes them.

    Args:
        path: path of the database.
        timeout: seconds to wait for a writer, or for the successor of a writer that died.
    """

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        super().__init__(path)
        self._timeout = timeout
        self._idle: list[_Opened] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; a later query opens a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for opened in idle:
            opened.connection.close()

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._read(lambda connection: connection.execute(sql, values).fetchall())
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _read(self, query: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
        """Run `query` on an idle connection, and retry on temporary errors."""
        deadline = time.monotonic() + self._timeout
        while (file := self._file()) is not None:
            connection = None
            try:
                with self._lock:
                    pool = self._idle
                    opened = pool.pop() if pool else None
                if opened is not None and opened.file != file:  # it was set aside, or a backup was put in its place
                    opened.connection.close()
                    continue
                connection = self._open() if opened is None else opened.connection
                result = query(connection)
            except sqlite3.OperationalError as error:
                if connection is not None:
                    connection.close()
                if not _is_transient(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                continue
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            with self._lock:
                closed_meanwhile = pool is not self._idle
                if not closed_meanwhile:
                    pool.append(_Opened(connection, file))
            if closed_meanwhile:
                connection.close()
            return result
        return []

    def _file(self) -> tuple[int, int] | None:
        """Return the identity of the file at the path (device and inode); None if there is no file."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        connection = schema.connect_reader(self.path, self._timeout)
        try:
            schema.check_version(connection.execute("pragma user_version").fetchone()[0], self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _translated(self, error: sqlite3.Error) -> RunError:
        """Return an error of SQLite as one for people."""
        if schema.is_damage(error) or schema.is_unreadable_value(error):
            return schema.damaged(self.path)
        cannot_open = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN
        if isinstance(error, sqlite3.OperationalError) and _is_transient(error) and not cannot_open:
            return RunError("store_busy", "The stored runs are busy; try again.")
        message = f"The stored runs in {self.path.parent} cannot be read: {error}."
        return RunError("store_inaccessible", message, path=str(self.path.parent))


@dataclass(frozen=True)
class _Opened:
    """A connection with the identity of its file."""

    connection: sqlite3.Connection
    file: tuple[int, int]


def checkpoint_folder(home: Path, run_id: str) -> Path:
    """Return the folder of the checkpoints of a run."""
    return home / "checkpoints" / run_id


def file_name(epoch: int, minibatch: int) -> str:
    """Return the file name of the checkpoint after `epoch` epochs and `minibatch` minibatches of the next epoch."""
    return f"epoch-{epoch:05d}-{minibatch:06d}.safetensors"


def remove_partial(folder: Path) -> None:
    """Remove partly written checkpoints of killed processes."""
    for path in folder.glob("*"):
        if path.name.endswith(PARTIAL) or path.name.startswith(".tmp"):  # ours; those of safetensors
            with contextlib.suppress(OSError):
                path.unlink()


def check_title(title: object) -> str:
    """Return `title` as one line of plain text.

    Raises:
        RunError: ``title_invalid``.
    """
    text = " ".join(str(title).split())
    if not isinstance(title, str) or len(text) > MAX_TITLE or not text.isprintable():
        raise RunError(
            "title_invalid",
            f"A title is one line of at most {MAX_TITLE} characters.",
            allowed=MAX_TITLE,
        )
    return text


def unknown_run(run_id: str) -> RunError:
    """Return the error for an unknown run id."""
    shown = run_id[:40]
    return RunError("run_unknown", f"There is no run {shown!r}; existing runs are in the list of runs.", run=shown)


def state_error(run_id: str, state: str, allowed: Collection[str]) -> RunError:
    """Return the error for a change of state that is not allowed."""
    names = ", ".join(sorted(allowed)) or "nothing"
    return RunError(
        "run_state",
        f"Run {run_id} is {state}; it can only become: {names}.",
        run=run_id,
        state=state,
        allowed=names,
    )


def _described(row: dict[str, Any]) -> dict[str, Any]:
    """Return those columns of a row of `runs` that describe a deleted run."""
    return {name: row[name] for name in ("name", "based_on", "title", "epoch", "owner")}


def _is_transient(error: sqlite3.OperationalError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    being_created = "no such table" in str(error)
    return code & 0xFF in _TRANSIENT or code in _TRANSIENT_READONLY or being_created


def _record(row: tuple[Any, ...], order: list[str]) -> RunRecord:
    state: RunState = row[4]
    return RunRecord(
        id=row[0],
        name=row[1],
        based_on=row[2],
        config=TrainConfig.from_json(row[3]),
        state=state,
        created_at=row[5],
        started_at=row[6],
        finished_at=row[7],
        epoch=row[8],
        num_epochs=row[9],
        perplexity=row[10],
        error=json.loads(row[11]) if row[11] else None,
        continuable=bool(row[12]) and state in ENDED and "queued" in TRANSITIONS[state],
        starred=bool(row[13]),
        owner=row[14],
        version=row[15],
        queue_position=order.index(row[0]) + 1 if row[0] in order else None,
        language=row[16],
        title=row[17],
        host=row[18],
    )
