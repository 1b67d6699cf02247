"""The store of all runs: one writer (the supervisor), many readers (pages, shell)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.events import (
    CheckpointSaved,
    EpochFinished,
    Event,
    RunDiverged,
    RunFailed,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    event_from_json,
)
from rnnlab.runs import links, schema
from rnnlab.runs.admission import cost_shape, fair_order
from rnnlab.runs.protocol import ENDED, LIVE, TRANSITIONS, RunState

T = TypeVar("T")

MAX_ANSWERS = 1000
"""Answers that are kept of one run."""
MAX_TITLE = 80
"""Characters of the title of a run."""


@dataclass(frozen=True)
class RunRecord:
    """What is known of one run beside its events."""

    id: str
    name: str  # of the recipe, or ""
    based_on: str  # the recipe it departs from, or ""
    config: TrainConfig
    state: RunState
    created_at: float
    started_at: float | None
    finished_at: float | None
    epoch: int  # the last one finished
    num_epochs: int
    perplexity: float | None  # of that epoch
    error: dict[str, Any] | None
    continuable: bool
    starred: bool
    owner: str
    version: int  # grows with every change
    queue_position: int | None  # 1: the next to start
    language: str
    title: str  # what somebody called it, or ""

    @property
    def live(self) -> bool:
        """Say whether the run waits, trains or pauses."""
        return self.state in LIVE


_COLUMNS = (
    "id, name, based_on, config, state, created_at, started_at, finished_at, epoch, num_epochs, perplexity, error,"
    " exists (select 1 from checkpoints where checkpoints.run = runs.id), starred, owner, version, language, title"
)

# what a reader meets for a moment: a writer at work, or one that died and whose successor has yet to roll back
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN})
_PASSING_READONLY = frozenset(
    {
        sqlite3.SQLITE_READONLY_ROLLBACK,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_CANTLOCK,
    }
)


class Store:
    """Reads runs, from any thread; the file need not exist yet.

    Args:
        path: the database.
        patience: seconds to wait for a writer, or for the successor of one that died.
    """

    def __init__(self, path: Path, patience: float = 10.0) -> None:
        self.path = path
        self._patience = patience
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @staticmethod
    def open_writer(path: Path) -> Writer:
        """Open the store for its one writer.

        Raises:
            RunError: ``store_too_new`` or ``store_unreadable``.
        """
        return Writer(path)

    def close(self) -> None:
        """Close every connection; a later read opens a new one."""
        with self._lock:
            connections, self._idle = self._idle, []
        for connection in connections:
            connection.close()

    def run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            RunError: ``run_unknown``.
        """
        rows = self._rows(f"select {_COLUMNS} from runs where id = ?", (run_id,))
        if not rows:
            raise _unknown(run_id)
        return self._records(rows)[0]

    def runs(self, limit: int = 200, states: Collection[RunState] | None = None) -> list[RunRecord]:
        """Return the newest runs, the last one first."""
        where, values = "", []
        if states is not None:
            where, values = f"where state in ({', '.join('?' * len(states))})", list(states)
        order = "order by created_at desc, id"
        return self._records(self._rows(f"select {_COLUMNS} from runs {where} {order} limit ?", (*values, limit)))

    def events_since(self, run_id: str, cursor: int = 0) -> list[tuple[int, Event]]:
        """Return (sequence number, event) of everything a run said after `cursor`."""
        rows = self._rows("select seq, body from events where run = ? and seq > ? order by seq", (run_id, cursor))
        return [(seq, event_from_json(body)) for seq, body in rows]

    def device(self, run_id: str) -> str | None:
        """Return the device on which a run started, or None where it has not; a run never changes it."""
        rows = self._rows(
            "select body from events where run = ? and kind = 'run_started' order by seq limit 1", (run_id,)
        )
        return str(json.loads(rows[0][0])["device"]) if rows else None

    def version(self, run_id: str) -> int:
        """Return a number that grows with every change of the run; 0 where there is no such run."""
        rows = self._rows("select version from runs where id = ?", (run_id,))
        return int(rows[0][0]) if rows else 0

    def text(self, text_id: str) -> str | None:
        """Return a text that was uploaded, or None."""
        rows = self._rows("select text from texts where id = ?", (text_id,))
        return str(rows[0][0]) if rows else None

    def text_title(self, text_id: str) -> str | None:
        """Return what its owner called a text that was uploaded, or None."""
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

    def answers(self, run_id: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return (question, answer) of everything that the checkpoints of a run were asked, the first one first."""
        rows = self._rows("select question, answer from answers where run = ? order by asked_at", (run_id,))
        return [(json.loads(question), json.loads(answer)) for question, answer in rows]

    def answer(self, run_id: str, question: str) -> dict[str, Any] | None:
        """Return what a checkpoint answered to `question` (JSON) before, or None."""
        rows = self._rows("select answer from answers where run = ? and question = ?", (run_id, question))
        answer: dict[str, Any] | None = json.loads(rows[0][0]) if rows else None
        return answer

    def link(self, code: str) -> dict[str, str] | None:
        """Return the parameters of the page that a short link leads to, or None where there is no such link."""
        rows = self._rows("select parameters from links where code = ?", (code.lower(),))
        parameters: dict[str, str] | None = json.loads(rows[0][0]) if rows else None
        return parameters

    def code_of(self, parameters: Mapping[str, str]) -> str | None:
        """Return the code under which these parameters are kept, or None."""
        rows = self._rows("select code from links where parameters = ?", (links.written(parameters),))
        return str(rows[0][0]) if rows else None

    def meta(self, key: str) -> Any:
        """Return a fact about this machine or store, or None."""
        rows = self._rows("select value from meta where key = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def epoch_seconds(self, config: TrainConfig) -> float | None:
        """Return how long an epoch of this shape took when it last ran here, or None."""
        rows = self._rows(
            "select body from events where kind = 'epoch_finished' and run = (select id from runs where shape = ? and"
            " epoch > 0 order by created_at desc limit 1) order by seq desc limit 9",
            (cost_shape(config),),
        )
        return statistics.median(float(json.loads(body)["seconds"]) for (body,) in rows) if rows else None

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._read(lambda connection: connection.execute(sql, values).fetchall())

    def _read(self, work: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
        deadline = time.monotonic() + self._patience
        while True:
            if not self.path.exists():
                return []
            connection = None
            try:
                with self._lock:
                    connection = self._idle.pop() if self._idle else None
                if connection is None:
                    connection = self._open()
                result = work(connection)
            except sqlite3.OperationalError as error:
                if connection is not None:
                    connection.close()
                code = getattr(error, "sqlite_errorcode", 0)
                young = "no such table" in str(error)  # the writer is creating it
                passing = code & 0xFF in _PASSING or code in _PASSING_READONLY or young
                if not passing or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                continue
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            with self._lock:
                self._idle.append(connection)
            return result

    def _open(self) -> sqlite3.Connection:
        connection = schema.connect_reader(self.path, self._patience)
        try:
            schema.check_version(connection.execute("pragma user_version").fetchone()[0], self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _records(self, rows: list[tuple[Any, ...]]) -> list[RunRecord]:
        order = self.queue() if any(row[4] == "queued" for row in rows) else []
        return [_record(row, order) for row in rows]

    def waiting(self) -> list[tuple[str, str]]:
        """Return (id, owner) of the runs that wait, the one that waits longest first."""
        rows = self._rows("select id, owner from runs where state = 'queued' order by queued_at, id")
        return [(str(run), str(owner)) for run, owner in rows]

    def queue(self) -> list[str]:
        """Return the ids of the runs that wait, in the order in which they will start."""
        running = self._rows("select owner from runs where state in ('running', 'paused')")
        return fair_order(self.waiting(), [str(owner) for (owner,) in running])


class Writer(Store):
    """The one that writes; every change lies within `atomic`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._connection = schema.connect_writer(path)

    def close(self) -> None:
        """Close the store."""
        super().close()
        self._connection.close()

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """Make everything within it happen together, or not at all."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            # a full disk has rolled back by itself
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    def create(
        self,
        run_id: str,
        config: TrainConfig,
        *,
        name: str = "",
        based_on: str = "",
        owner: str = "",
        language: str = "",
        now: float | None = None,
    ) -> None:
        """Add a run to the queue."""
        now = time.time() if now is None else now
        self._change(
            "insert into runs (id, name, based_on, config, shape, state, owner, language, created_at, queued_at,"
            " num_epochs) values (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)",
            run_id,
            name,
            based_on,
            config.to_json(),
            cost_shape(config),
            owner,
            language,
            now,
            now,
            config.num_epochs,
        )

    def record(self, run_id: str, event: Event) -> int:
        """Add what a run said, with all that follows from it, and return its sequence number.

        Raises:
            RunError: ``run_ended``: the run has come to its end before.
            RunError: ``run_unknown``.
        """
        state = self._state(run_id)
        if state in ENDED:
            raise RunError("run_ended", f"Run {run_id} has ended ({state}).", run=run_id, state=state)
        rows = self._rows("select coalesce(max(seq), 0) + 1 from events where run = ?", (run_id,))
        seq = int(rows[0][0])
        self._change("insert into events (run, seq, kind, body) values (?, ?, ?, ?)", run_id, seq, event.kind,
                     event.to_json())  # fmt: skip
        self._follow(run_id, event)
        self.touch(run_id)
        return seq

    def add_recorded(self, run_id: str, events: Sequence[Event]) -> None:
        """Let a run that waits have happened elsewhere: `events` are all it said, an end only as the last of them."""
        self.move(run_id, "running")
        self._connection.executemany(
            "insert into events (run, seq, kind, body) values (?, ?, ?, ?)",
            [(run_id, seq, event.kind, event.to_json()) for seq, event in enumerate(events, start=1)],
        )
        epochs = [event for event in events if isinstance(event, EpochFinished)]
        for event in (*epochs[-1:], *events[-1:]):
            self._follow(run_id, event)
        if self._state(run_id) not in ENDED:  # it was exported before its end
            self.move(run_id, "interrupted")
        self.touch(run_id)

    def _follow(self, run_id: str, event: Event) -> None:
        """Bring the record of a run up to what it has said."""
        match event:
            case EpochFinished():
                self._change(
                    "update runs set epoch = ?, perplexity = ? where id = ?", event.epoch, event.perplexity, run_id
                )
            case RunStarted() | RunResumed():
                self.move(run_id, "running")
            case RunPaused():
                self.move(run_id, "paused")
            case RunFinished():
                self.move(run_id, event.reason)
            case RunDiverged():
                self.move(run_id, "diverged")
            case RunFailed():
                self.move(
                    run_id, "failed", {"code": event.code, "message": event.message, "params": dict(event.params)}
                )
            case _:
                pass

    def add_checkpoint(self, run_id: str, event: CheckpointSaved, size: int, kept: bool, limit: int) -> list[str]:
        """Note a checkpoint and return the names of those that it makes superfluous.

        Args:
            size: of the file, in bytes.
            kept: whether it stays for the history; of the others only the latest does.
            limit: the bytes that all of them may take; beyond it the history is thinned out from its start.
        """
        gone = [
            str(name)
            for (name,) in self._rows(
                "select name from checkpoints where run = ? and kept = 0 and name != ?", (run_id, event.name)
            )
        ]
        self._change(
            "insert or replace into checkpoints (run, epoch, minibatch, name, kept, bytes, saved_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            run_id,
            event.epoch,
            event.minibatch,
            event.name,
            kept,
            size,
            time.time(),
        )
        kept_ones = self._rows(
            "select name, bytes from checkpoints where run = ? and kept = 1 order by epoch, minibatch", (run_id,)
        )
        total = sum(size for _, size in kept_ones)
        thin = 1 if len(kept_ones) > 2 else 0
        for name, bytes_ in kept_ones[thin:-1]:
            if total <= limit:
                break
            total -= bytes_
            gone.append(name)
        for name in gone:
            self._change("delete from checkpoints where run = ? and name = ?", run_id, name)
        return gone

    def move(self, run_id: str, state: RunState, error: dict[str, Any] | None = None) -> None:
        """Bring a run into another state.

        Raises:
            RunError: ``run_unknown``, or ``run_state``: the table of states does not lead there.
        """
        before = self._state(run_id)
        if before == state:
            return
        if state not in TRANSITIONS[before]:
            raise state_error(run_id, before, TRANSITIONS[before])
        now = time.time()
        self._change(
            "update runs set state = ?1, error = ?2, version = version + 1,"
            " started_at = case when ?1 = 'running' then coalesce(started_at, ?3) else started_at end,"
            " queued_at = case when ?1 = 'queued' then ?3 else queued_at end,"
            " finished_at = case when ?4 then ?3 when ?1 = 'queued' then null else finished_at end where id = ?5",
            state,
            None if error is None else json.dumps(error, ensure_ascii=False),
            now,
            state in ENDED,
            run_id,
        )

    def set_num_epochs(self, run_id: str, num_epochs: int) -> None:
        """Let a run go on to another number of epochs.

        Raises:
            ConfigError: more than are allowed.
        """
        config = self.run(run_id).config.change(num_epochs=num_epochs)
        self._change(
            "update runs set config = ?, num_epochs = ?, version = version + 1 where id = ?",
            config.to_json(),
            num_epochs,
            run_id,
        )

    def touch(self, run_id: str) -> None:
        """Let everybody who follows the run look again."""
        self._change("update runs set version = version + 1 where id = ?", run_id)

    def star(self, run_id: str, starred: bool) -> None:
        """Mark a run, or no longer."""
        self._change("update runs set starred = ?, version = version + 1 where id = ?", starred, run_id)

    def delete(self, run_id: str) -> None:
        """Remove a run with its events, checkpoints and answers from the store (files are the caller's)."""
        self._change("delete from runs where id = ?", run_id)

    def add_text(self, text_id: str, text: str, title: str) -> None:
        """Keep a text; the same text again only takes the new title."""
        self._change(
            "insert into texts (id, title, text, added_at) values (?, ?, ?, ?)"
            " on conflict (id) do update set title = excluded.title",
            text_id,
            title,
            text,
            time.time(),
        )

    def rename(self, run_id: str, title: str) -> None:
        """Call a run `title`; with "" it has the name of its recipe again."""
        self._change("update runs set title = ?, version = version + 1 where id = ?", title, run_id)

    def add_link(self, parameters: Mapping[str, str]) -> str:
        """Keep the parameters of a page and return their code; the oldest links make room for new ones."""
        known = self.code_of(parameters)
        if known is not None:
            return known
        written = links.written(parameters)
        code = next(code for code in links.codes(written) if self.link(code) is None)
        self._change("insert into links (code, parameters, made_at) values (?, ?, ?)", code, written, time.time())
        self._change(
            "delete from links where code in (select code from links order by made_at desc limit -1 offset ?)",
            links.MAX_LINKS,
        )
        return code

    def add_answer(self, run_id: str, question: str, answer: dict[str, Any]) -> None:
        """Keep what a checkpoint answered to `question` (JSON); of many answers the newest `MAX_ANSWERS`."""
        self._change(
            "insert or replace into answers (run, question, answer, asked_at) values (?, ?, ?, ?)",
            run_id,
            question,
            json.dumps(answer, ensure_ascii=False),
            time.time(),
        )
        self._change(
            "delete from answers where run = ?1 and question in"
            " (select question from answers where run = ?1 order by asked_at desc limit -1 offset ?2)",
            run_id,
            MAX_ANSWERS,
        )

    def set_meta(self, key: str, value: Any) -> None:
        """Keep a fact about this machine or store."""
        self._change("insert or replace into meta (key, value) values (?, ?)", key, json.dumps(value))

    def interrupt_all(self) -> list[str]:
        """Mark every run that has not ended as interrupted, and return their ids."""
        unfinished = [str(run) for (run,) in self._rows("select id from runs where state in ('queued', 'running',"
                                                        " 'paused')")]  # fmt: skip
        for run_id in unfinished:
            self.move(run_id, "interrupted")
        return unfinished

    def _state(self, run_id: str) -> RunState:
        rows = self._rows("select state from runs where id = ?", (run_id,))
        if not rows:
            raise _unknown(run_id)
        state: RunState = rows[0][0]
        return state

    def _change(self, sql: str, *values: Any) -> None:
        assert self._connection.in_transaction, "every change lies within atomic()"
        self._connection.execute(sql, values)

    def _read(self, work: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
        # the writer sees what it has just written
        return work(self._connection)


def check_title(title: object) -> str:
    """Return what a run may be called: one line of plain text.

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


def checkpoint_folder(home: Path, run_id: str) -> Path:
    """Return where the checkpoints of a run lie."""
    return home / "checkpoints" / run_id


def state_error(run_id: str, state: str, allowed: Collection[str]) -> RunError:
    """Return the refusal of a change that the state of a run does not admit."""
    names = ", ".join(sorted(allowed)) or "nothing"
    return RunError(
        "run_state",
        f"Run {run_id} is {state}; from there it can become: {names}.",
        run=run_id,
        state=state,
        allowed=names,
    )


def _unknown(run_id: str) -> RunError:
    shown = run_id[:40]
    return RunError("run_unknown", f"There is no run {shown!r}; the list of runs shows all there are.", run=shown)


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
        continuable=bool(row[12]) and "queued" in TRANSITIONS[state],
        starred=bool(row[13]),
        owner=row[14],
        version=row[15],
        queue_position=order.index(row[0]) + 1 if row[0] in order else None,
        language=row[16],
        title=row[17],
    )
