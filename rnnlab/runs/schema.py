"""The tables of the store, the migrations from older versions, and the connections to it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from rnnlab import private
from rnnlab.errors import RunError

DATABASE = "runs.sqlite3"

MIGRATIONS: tuple[str, ...] = (
    """
    create table meta (key text primary key, value text not null) without rowid;
    create table texts (
        id text primary key, title text not null, text text not null, added_at real not null
    ) without rowid;
    create table runs (
        id text primary key,
        name text not null, based_on text not null, config text not null, shape text not null,
        state text not null check (state in
            ('queued', 'running', 'paused', 'finished', 'stopped', 'diverged', 'failed', 'interrupted')),
        owner text not null, language text not null, starred integer not null default 0,
        created_at real not null, queued_at real not null, started_at real, finished_at real,
        epoch integer not null default 0, num_epochs integer not null, perplexity real,
        error text, version integer not null default 1
    ) without rowid;
    create index runs_by_time on runs (created_at);
    create index runs_by_state on runs (state, queued_at);
    create index runs_by_shape on runs (shape, created_at);
    create table events (
        run text not null references runs (id) on delete cascade,
        seq integer not null, kind text not null, body text not null,
        primary key (run, seq)
    ) without rowid;
    create table checkpoints (
        run text not null references runs (id) on delete cascade,
        epoch integer not null, minibatch integer not null, name text not null,
        kept integer not null, bytes integer not null, saved_at real not null,
        primary key (run, name)
    ) without rowid;
    create table answers (
        run text not null references runs (id) on delete cascade,
        question text not null, answer text not null, asked_at real not null,
        primary key (run, question)
    ) without rowid;
    create trigger events_of_live_runs_only before insert on events
    when (select state from runs where id = new.run) in
        ('finished', 'stopped', 'diverged', 'failed', 'interrupted')
    begin
        select raise(abort, 'the run has ended');
    end;
    """,
    """
    alter table runs add column title text not null default '';
    create table links (
        code text primary key, parameters text not null unique, made_at real not null
    ) without rowid;
    create index links_by_time on links (made_at);
    """,
    # a deleted run is in tables of its own, so that no query finds it by mistake; `row` is its row in `runs`, as JSON;
    # the runs imported before there was a table of them are those without the events that no file contains
    """
    create table deleted_runs (id text primary key, deleted_at real not null, row text not null) without rowid;
    create table deleted_events (
        run text not null references deleted_runs (id) on delete cascade,
        seq integer not null, kind text not null, body text not null,
        primary key (run, seq)
    ) without rowid;
    create table deleted_checkpoints (
        run text not null references deleted_runs (id) on delete cascade,
        epoch integer not null, minibatch integer not null, name text not null,
        kept integer not null, bytes integer not null, saved_at real not null,
        primary key (run, name)
    ) without rowid;
    create table deleted_answers (
        run text not null references deleted_runs (id) on delete cascade,
        question text not null, answer text not null, asked_at real not null,
        primary key (run, question)
    ) without rowid;
    create table imports (
        run text primary key references runs (id) on delete cascade, imported_at real not null
    ) without rowid;
    create table deleted_imports (
        run text primary key references deleted_runs (id) on delete cascade, imported_at real not null
    ) without rowid;
    insert into imports select id, created_at from runs where epoch > 0 and not exists (
        select 1 from events where run = runs.id and kind in ('minibatch_finished', 'checkpoint_saved')
    );
    """,
    # an uploaded text belongs to the visitors who uploaded it; "" is the owner of the machine
    """
    alter table runs add column batch text not null default '';
    create table text_owners (
        text text not null references texts (id) on delete cascade,
        owner text not null, shared integer not null, added_at real not null,
        primary key (text, owner)
    ) without rowid;
    insert into text_owners select id, '', 0, added_at from texts;
    """,
    """
    alter table runs add column room text not null default '';
    create index runs_by_room on runs (room, created_at);
    create table rooms (
        code text primary key, title text not null, owner text not null, recipe text not null, config text not null,
        opened text not null, opened_at real not null, ended_at real,
        question text, focus text, focus_number integer not null default 0
    ) without rowid;
    create table room_members (
        room text not null references rooms (code) on delete cascade,
        visitor text not null, name text not null, joined_at real not null,
        primary key (room, visitor)
    ) without rowid;
    create table room_guesses (
        room text not null references rooms (code) on delete cascade,
        question integer not null, visitor text not null, value text not null, guessed_at real not null,
        primary key (room, question, visitor)
    ) without rowid;
    """,
    # a run that was saved and has no worker, though it is paused or queued: the lines for its next worker, and the
    # seconds that it has trained
    """
    create table parked (
        run text primary key references runs (id) on delete cascade,
        lines text not null, seconds real not null
    ) without rowid;
    """,
    # settings were added (dropout, weight decay, schedule), which older versions would take for damage
    "select 1;",
    # a link that a page made because its address was too long has the visitor of the page; one that was shared has none
    """
    alter table links add column visitor text;
    create index links_by_visitor on links (visitor, made_at);
    """,
    # the machine of a cluster on which a run trains
    "alter table runs add column host text not null default '';",
)
"""The scripts from each version of the store to the next; `PRAGMA user_version` holds the version."""

WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)
"""Whether to use a write-ahead log; earlier SQLite versions can corrupt it when two connections reset it at once."""


CHECK_SECONDS = 5.0
"""Time limit of the check, in seconds; damage beyond it is detected when the data is read."""

log = logging.getLogger(__name__)


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the store at `path` for its only writer; create or migrate it if necessary.

    Nothing is written before the store is known to be of this or an older version, and sound.

    Raises:
        RunError: ``store_too_new`` or ``store_unreadable``.
    """
    private.make_folder(path.parent)
    check_version(_version_in_header(path), path)
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    try:
        check_version(connection.execute("pragma user_version").fetchone()[0], path)
        _check_sound(connection, path)
        connection.execute(f"pragma journal_mode = {'wal' if WAL_IS_SAFE else 'truncate'}")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        _migrate(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
            raise _not_a_store(path) from error
        raise
    return connection


def connect_reader(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """Open the store at `path` for reading only.

    Raises:
        sqlite3.OperationalError: there is no such file.
    """
    # a pooled connection is used by one thread at a time, but not always by the thread that opened it
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("pragma query_only = on")
    return connection


def check_version(version: int, path: Path) -> None:
    """Check that this version of RNN Lab can read a store of the given `version`.

    Raises:
        RunError: ``store_too_new``.
    """
    if version > len(MIGRATIONS):
        raise RunError(
            "store_too_new",
            f"The data in {path.parent} was written by a newer version of RNN Lab (store {version}, this version reads"
            f" up to {len(MIGRATIONS)}). Update RNN Lab, or set RNNLAB_HOME to another folder.",
            path=str(path.parent),
            found=version,
            supported=len(MIGRATIONS),
        )


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error of SQLite means that the file is damaged, or not a database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def is_unreadable_value(error: sqlite3.Error) -> bool:
    """Return whether an error of SQLite means that a value is damaged, in a file that otherwise is not."""
    return any(words in str(error) for words in ("Could not decode to UTF-8", "malformed JSON"))


def damaged(path: Path) -> RunError:
    """Return the error for a store whose content cannot be read."""
    return RunError(
        "store_damaged",
        f"The stored runs in {path.parent} are damaged. Start RNN Lab again: it sets a damaged file aside and begins a"
        f" new one. If that does not help, move {path.name} away.",
        path=str(path.parent),
        name=path.name,
    )


def _version_in_header(path: Path) -> int:
    """Return the version of a store without opening it, which could change it; 0 if there is no store."""
    try:
        with open(path, "rb") as file:
            header = file.read(64)
    except OSError:
        return 0
    return int.from_bytes(header[60:]) if len(header) == 64 and header.startswith(b"SQLite format 3\0") else 0


def _check_sound(connection: sqlite3.Connection, path: Path) -> None:
    """Check the pages of a store, as far as that is possible within `CHECK_SECONDS`.

    Raises:
        RunError: ``store_unreadable``.
        sqlite3.DatabaseError: it is too damaged to be checked.
    """
    end = threading.Timer(CHECK_SECONDS, connection.interrupt)
    end.start()
    try:
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        end.cancel()
        end.join()
    if found != "ok":
        log.warning("%s is damaged: %s", path, found)
        raise _not_a_store(path)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("pragma user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        try:
            connection.executescript(f"begin immediate; {script} pragma user_version = {number}; commit;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("rollback")
            raise


def _not_a_store(path: Path) -> RunError:
    return RunError(
        "store_unreadable",
        f"{path} is not a store of RNN Lab, or it is damaged. Move it away, or set RNNLAB_HOME to another folder.",
        path=str(path),
    )
