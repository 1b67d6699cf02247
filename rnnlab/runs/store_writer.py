"""Writing to the store of all runs; used only by the supervisor."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
)
from rnnlab.runs import links, schema
from rnnlab.runs.admission import cost_shape
from rnnlab.runs.protocol import ENDED, TRANSITIONS, RunState
from rnnlab.runs.rooms import RoomChanges
from rnnlab.runs.store import BEST, HELD, ParkedRun, Queries, state_error, unknown_run

_PARTS = ("events", "checkpoints", "answers", "imports")
"""The tables whose rows belong to a run; for each there is one with the same columns for deleted runs."""
MAX_ANSWERS = 1000
"""Largest number of stored answers of the checkpoints of a run."""
_OLD_RUNS = "not starred and state not in ('queued', 'running', 'paused') and coalesce(finished_at, created_at) < ?"
_OLD_TEXTS = "added_at < ? and not exists (select 1 from runs where json_extract(config, '$.corpus') = texts.id)"
_OLD_ADDRESSES = "visitor is not null and made_at < ?"
_ADDRESSES_WITHOUT_TEXT = (
    "visitor is not null and json_extract(parameters, '$.corpus') like 'text-%'"
    " and json_extract(parameters, '$.corpus') not in (select id from texts)"
)


class StoreWriter(Queries, RoomChanges):
    """Access to the store for its only writer; every change must be made inside `atomic`.

    Queries use the connection of the writer, so that they see uncommitted changes. The writer is a context manager,
    which closes the connection.

    Args:
        path: path of the database, which is created or migrated if necessary.

    Attributes:
        damaged: whether damage was met, after which nothing should be written any more.

    Raises:
        RunError: ``store_too_new`` or ``store_unreadable``; every method ``store_damaged``.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.damaged = False
        self._connection = schema.connect_writer(path)

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """Make all changes in the block together, or none of them."""
        if self._connection.in_transaction:
            yield
            return
        with self._noting_damage():
            self._connection.execute("begin immediate")
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                # on a full disk SQLite has already rolled back
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    # runs

    def create(
        self,
        run_id: str,
        config: TrainConfig,
        *,
        name: str = "",
        based_on: str = "",
        owner: str = "",
        language: str = "",
        batch: str = "",
        now: float | None = None,
    ) -> None:
        """Add a run to the queue."""
        now = time.time() if now is None else now
        self._change(
            "insert into runs (id, name, based_on, config, shape, state, owner, language, created_at, queued_at,"
            " num_epochs, batch) values (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)",
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
            batch,
        )

    def record(self, run_id: str, event: Event) -> int:
        """Add an event of a run, update the run accordingly, and return the sequence number of the event.

        Raises:
            RunError: ``run_ended``: the run has already ended; ``run_unknown``.
        """
        state = self._state(run_id)
        if state in ENDED:
            raise RunError("run_ended", f"Run {run_id} has ended ({state}).", run=run_id, state=state)
        rows = self._rows("select coalesce(max(seq), 0) + 1 from events where run = ?", (run_id,))
        seq = int(rows[0][0])
        self._change(
            "insert into events (run, seq, kind, body) values (?, ?, ?, ?)", run_id, seq, event.kind, event.to_json()
        )
        self._apply(run_id, event)
        self.touch(run_id)
        return seq

    def add_recorded(self, run_id: str, events: Sequence[Event]) -> None:
        """Fill a queued run with imported events.

        Args:
            run_id: the run, which then has ended: as *interrupted* if the last event does not end it.
            events: all events of the run; only the last may end it.
        """
        self.move(run_id, "running")
        self._connection.executemany(
            "insert into events (run, seq, kind, body) values (?, ?, ?, ?)",
            [(run_id, seq, event.kind, event.to_json()) for seq, event in enumerate(events, start=1)],
        )
        epochs = [event for event in events if isinstance(event, EpochFinished)]
        for event in (*epochs[-1:], *events[-1:]):
            self._apply(run_id, event)
        if self._state(run_id) not in ENDED:
            self.move(run_id, "interrupted")
        self._change("insert into imports (run, imported_at) values (?, ?)", run_id, time.time())
        self.touch(run_id)

    def _apply(self, run_id: str, event: Event) -> None:
        """Update the row of a run after one of its events."""
        match event:
            case EpochFinished():
                self._change(
                    "update runs set epoch = ?, perplexity = ? where id = ?", event.epoch, event.perplexity, run_id
                )
            case RunStarted():
                self._change("delete from parked where run = ?", run_id)
                self.move(run_id, "running")
            case RunResumed():
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

    def move(
        self, run_id: str, state: RunState, error: dict[str, Any] | None = None, *, keep_place: bool = False
    ) -> None:
        """Change the state of a run.

        Args:
            run_id: the run.
            state: the new state.
            error: why it failed.
            keep_place: whether a run that is queued again keeps the place that it had, before all that came later.

        Raises:
            RunError: ``run_unknown``, or ``run_state``: the change is not in the table of transitions.
        """
        before = self._state(run_id)
        if before == state:
            return
        if state not in TRANSITIONS[before]:
            raise state_error(run_id, before, TRANSITIONS[before])
        self._change(
            "update runs set state = :state, error = :error, version = version + 1,"
            " started_at = case when :state = 'running' then coalesce(started_at, :now) else started_at end,"
            " queued_at = case when :state = 'queued' and not :keep_place then :now else queued_at end,"
            " finished_at = case when :ended then :now when :state = 'queued' then null else finished_at end"
            " where id = :run",
            state=state,
            error=None if error is None else json.dumps(error, ensure_ascii=False),
            now=time.time(),
            ended=state in ENDED,
            keep_place=keep_place,
            run=run_id,
        )
        if state in ENDED:
            self._change("delete from parked where run = ?", run_id)

    def interrupt_all(self) -> list[str]:
        """Mark every run that had a worker as interrupted, and return their ids; queued and parked runs stay so."""
        rows = self._rows("select id from runs where state in ('running', 'paused')")
        unfinished = [str(run) for (run,) in rows if run not in self.parked()]
        for run_id in unfinished:
            self.move(run_id, "interrupted")
        return unfinished

    def interrupt(self, run_id: str) -> None:
        """Mark a run as interrupted if its worker had begun; a queued run stays in the queue."""
        if self.version(run_id) and self._state(run_id) in ("running", "paused"):  # it may have been deleted
            self.move(run_id, "interrupted")

    def set_host(self, run_id: str, host: str) -> None:
        """Set the name of the machine on which a run trains."""
        self._change("update runs set host = ?, version = version + 1 where id = ?", host, run_id)

    # parked and held runs

    def park(self, run_id: str, parked: ParkedRun) -> None:
        """Keep what the next worker of a run needs; the run has a checkpoint and no worker."""
        self._change(
            "insert or replace into parked (run, lines, seconds) values (?, ?, ?)", run_id, parked.lines, parked.seconds
        )

    def hold(self) -> None:
        """Hold all queued runs; see `held`."""
        rows = self._rows("select id from runs where state = 'queued'")
        self.set_meta(HELD, sorted(str(run) for (run,) in rows))

    def release(self, run_ids: Collection[str]) -> None:
        """Release held runs."""
        self.set_meta(HELD, sorted(self.held() - frozenset(run_ids)))

    def set_num_epochs(self, run_id: str, num_epochs: int) -> None:
        """Change the number of epochs of a run.

        Raises:
            ConfigError: the number is larger than allowed.
        """
        config = self.run(run_id).config.change(num_epochs=num_epochs)
        self._change(
            "update runs set config = ?, num_epochs = ?, version = version + 1 where id = ?",
            config.to_json(),
            num_epochs,
            run_id,
        )

    def touch(self, run_id: str) -> None:
        """Increase the version of a run, so that its followers read it again."""
        self._change("update runs set version = version + 1 where id = ?", run_id)

    def star(self, run_id: str, starred: bool) -> None:
        """Add or remove the star of a run."""
        self._change("update runs set starred = ?, version = version + 1 where id = ?", starred, run_id)

    def rename(self, run_id: str, title: str) -> None:
        """Set the title of a run; "" shows the name of its recipe again."""
        self._change("update runs set title = ?, version = version + 1 where id = ?", title, run_id)

    def delete(self, run_id: str) -> None:
        """Delete a run with its events, checkpoints and answers; the caller deletes the files."""
        self._change("delete from runs where id = ?", run_id)

    def discard(self, run_id: str, now: float | None = None) -> None:
        """Delete a run so that it can be restored; the files of its checkpoints have to stay.

        Raises:
            RunError: ``run_unknown``.
        """
        if self._state(run_id) in ("running", "paused"):  # the caller kills its worker
            self.move(run_id, "interrupted")
        cursor = self._connection.execute("select * from runs where id = ?", (run_id,))
        row = dict(zip((name for name, *_ in cursor.description), cursor.fetchone(), strict=True))
        self._change("delete from deleted_runs where id = ?", run_id)
        self._change(
            "insert into deleted_runs (id, deleted_at, row) values (?, ?, ?)",
            run_id,
            time.time() if now is None else now,
            json.dumps(row, ensure_ascii=False),
        )
        for table in _PARTS:
            self._change(f"insert into deleted_{table} select * from {table} where run = ?", run_id)
        self.delete(run_id)

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back, with its events, checkpoints and answers.

        Raises:
            RunError: ``run_unknown``: it cannot be restored any more.
        """
        rows = self._rows("select row from deleted_runs where id = ? and deleted_at > 0", (run_id,))
        if not rows:
            raise unknown_run(run_id)
        row = json.loads(rows[0][0])
        # events can be added to a live run only; whoever followed the run has to read it again
        live = {**row, "state": "running", "version": row["version"] + 1}
        self._change(f"insert into runs ({', '.join(live)}) values ({', '.join('?' * len(live))})", *live.values())
        for table in _PARTS:
            self._change(f"insert into {table} select * from deleted_{table} where run = ?", run_id)
        self._change("update runs set state = ? where id = ?", row["state"], run_id)
        self._change("delete from deleted_runs where id = ?", run_id)

    def expired(self, before: float) -> bool:
        """Return whether a run was deleted before a time, or given up but not purged."""
        return bool(self._rows("select 1 from deleted_runs where deleted_at < ? limit 1", (before,)))

    def give_up(self, before: float) -> list[str]:
        """Mark the runs that were deleted before a time, so that they cannot be restored, and return their ids."""
        self._change("update deleted_runs set deleted_at = 0 where deleted_at < ?", before)
        return [str(run) for (run,) in self._rows("select id from deleted_runs where deleted_at = 0")]

    def purge(self) -> None:
        """Delete the runs for good that were given up; the files of their checkpoints are gone."""
        self._change("delete from deleted_runs where deleted_at = 0")

    def has_old(self, before: float) -> bool:
        """Return whether `prune` would delete anything."""
        return bool(self._rows(f"select 1 from runs where {_OLD_RUNS} limit 1", (before,))) or bool(
            self._rows(f"select 1 from texts where {_OLD_TEXTS} limit 1", (before,))
        )

    def prune(self, before: float) -> None:
        """Discard the ended runs without a star that ended before a time, and delete the texts added before it.

        The addresses of pages about a deleted text go too, as they may hold passages of it.
        """
        for (run,) in self._rows(f"select id from runs where {_OLD_RUNS}", (before,)):
            self.discard(str(run))
        self._change(f"delete from texts where {_OLD_TEXTS}", before)
        self._change(f"delete from links where {_ADDRESSES_WITHOUT_TEXT}")

    # checkpoints and answers

    def add_checkpoint(self, run_id: str, event: CheckpointSaved, size: int, keep_every: int, limit: int) -> list[str]:
        """Add a checkpoint and return the names of the checkpoints that it replaces, whose files the caller deletes.

        Args:
            run_id: the run.
            event: report of the worker about the checkpoint.
            size: size of the file in bytes.
            keep_every: epochs between two checkpoints that are kept for the history. Of the others, only the latest is
                kept, and the best of early stopping.
            limit: total size of the history in bytes; beyond it the earliest but the first are removed.
        """
        if event.best:  # the best so far belongs to the history again, or is superfluous
            self._change(
                "update checkpoints set kept = (minibatch = 0 and epoch % ? = 0) where run = ? and kept = ?",
                keep_every,
                run_id,
                BEST,
            )
        removed = [
            str(name)
            for (name,) in self._rows(
                "select name from checkpoints where run = ? and kept = 0 and name != ?", (run_id, event.name)
            )
        ]
        kept = BEST if event.best else int(event.minibatch == 0 and event.epoch % keep_every == 0)
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
        history = self._rows(
            "select name, bytes from checkpoints where run = ? and kept = 1 order by epoch, minibatch", (run_id,)
        )
        total = sum(bytes_ for _, bytes_ in history)
        first = 1 if len(history) > 2 else 0
        for name, bytes_ in history[first:-1]:
            if total <= limit:
                break
            total -= bytes_
            removed.append(name)
        for name in removed:
            self._change("delete from checkpoints where run = ? and name = ?", run_id, name)
        return removed

    def add_answer(self, run_id: str, question: str, answer: dict[str, Any]) -> None:
        """Store the answer of a checkpoint to `question` (JSON); the newest `MAX_ANSWERS` of a run are kept."""
        self._change(
            "insert or replace into answers (run, question, answer, asked_at) values (?, ?, ?, ?)",
            run_id,
            question,
            json.dumps(answer, ensure_ascii=False),
            time.time(),
        )
        self._change(
            "delete from answers where run = :run and question in"
            " (select question from answers where run = :run order by asked_at desc limit -1 offset :kept)",
            run=run_id,
            kept=MAX_ANSWERS,
        )

    # texts, links, facts

    def add_text(self, text_id: str, text: str, title: str, owner: str = "", shared: bool = False) -> None:
        """Store an uploaded text of a visitor; if it is already stored, only its title, owners and sharing change.

        A title changes only if the text belongs to nobody else.
        """
        now = time.time()
        self._change(
            "insert into texts (id, title, text, added_at) values (?, ?, ?, ?) on conflict (id) do update set"
            " title = excluded.title where not exists (select 1 from text_owners where text = texts.id and owner <> ?)",
            text_id,
            title,
            text,
            now,
            owner,
        )
        self._change(
            "insert into text_owners (text, owner, shared, added_at) values (?, ?, ?, ?)"
            " on conflict (text, owner) do update set shared = excluded.shared",
            text_id,
            owner,
            int(shared),
            now,
        )

    def add_link(self, parameters: Mapping[str, str]) -> str:
        """Store a short link that is shared for these page parameters, and return its code.

        The same parameters have the same code. Beyond `MAX_LINKS` those that were shared longest ago are deleted.
        """
        code = self._put_link(parameters, None)
        self._keep_links("visitor is null", links.MAX_LINKS)
        return code

    def add_address(self, parameters: Mapping[str, str], visitor: str) -> str:
        """Store a short link as the address of a page of a visitor, and return its code.

        Beyond `MAX_ADDRESSES_OF_VISITOR` the visitor's oldest is deleted, beyond `MAX_ADDRESSES` the oldest of all.
        """
        known = self.code_of(parameters)
        if known is not None and self.is_shared(known):
            return known
        code = self._put_link(parameters, visitor)
        self._keep_links("visitor = ?", links.MAX_ADDRESSES_OF_VISITOR, visitor)
        self._keep_links("visitor is not null", links.MAX_ADDRESSES)
        return code

    def is_shared(self, code: str) -> bool:
        """Return whether a short link was shared; otherwise it is the address of a page, or unknown."""
        return bool(self._rows("select 1 from links where code = ? and visitor is null", (code,)))

    def has_old_addresses(self, before: float) -> bool:
        """Return whether `prune_addresses` would delete anything."""
        return bool(self._rows(f"select 1 from links where {_OLD_ADDRESSES} limit 1", (before,)))

    def prune_addresses(self, before: float) -> None:
        """Delete the addresses of pages that were made before a time."""
        self._change(f"delete from links where {_OLD_ADDRESSES}", before)

    def _put_link(self, parameters: Mapping[str, str], visitor: str | None) -> str:
        known = self.code_of(parameters)
        if known is not None:
            self._change("update links set made_at = ?, visitor = ? where code = ?", time.time(), visitor, known)
            return known
        text = links.canonical(parameters)
        code = next(code for code in links.codes(text) if self.link(code) is None)
        self._change(
            "insert into links (code, parameters, made_at, visitor) values (?, ?, ?, ?)",
            code,
            text,
            time.time(),
            visitor,
        )
        return code

    def _keep_links(self, which: str, count: int, *values: str) -> None:
        newest = f"select code from links where {which} order by made_at desc limit -1 offset ?"
        self._change(f"delete from links where code in ({newest})", *values, count)

    def set_meta(self, key: str, value: Any) -> None:
        """Store a value about this machine or store."""
        self._change("insert or replace into meta (key, value) values (?, ?)", key, json.dumps(value))

    def _state(self, run_id: str) -> RunState:
        rows = self._rows("select state from runs where id = ?", (run_id,))
        if not rows:
            raise unknown_run(run_id)
        state: RunState = rows[0][0]
        return state

    def _change(self, sql: str, *values: Any, **named: Any) -> None:
        assert self._connection.in_transaction, "every change must be made inside atomic()"
        self._connection.execute(sql, named or values)

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._noting_damage():
            return self._connection.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def _noting_damage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            self.damaged = self.damaged or schema.is_damage(error)
            if not self.damaged and not schema.is_unreadable_value(error):
                raise
            raise schema.damaged(self.path) from error
