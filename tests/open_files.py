"""The open file descriptors and SQLite connections of this process."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_watched: list[sqlite3.Connection] = []
_watching = False


@cache
def _install() -> None:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if _watching and event == "sqlite3.connect/handle":
            connection = arguments[0]
            assert isinstance(connection, sqlite3.Connection)
            _watched.append(connection)

    sys.addaudithook(hook)


@contextlib.contextmanager
def nothing_stays_open() -> Iterator[None]:
    """Check that everything opened in the block is closed explicitly, not by the garbage collector."""
    global _watching
    _install()
    before = descriptors()
    _watched.clear()
    _watching = True  # keeps a reference to every new connection, so that only `close` closes it
    try:
        yield
        still_open = [connection for connection in _watched if is_open(connection)]
        after = descriptors()
    finally:
        _watching = False
        _watched.clear()
    assert not still_open
    assert len(after) == len(before), sorted(set(after.items()) ^ set(before.items()))


def is_open(connection: sqlite3.Connection) -> bool:
    """Return whether a connection is open; it may belong to another thread."""
    try:
        connection.total_changes  # noqa: B018 - fails on a closed connection alone
    except sqlite3.ProgrammingError as error:
        return "closed" not in str(error)
    return True


def descriptors(pid: int | None = None) -> dict[str, str]:
    """Return the open file descriptors of a process and their targets; empty if the system does not list them.

    Args:
        pid: the process; None for this one.
    """
    folder, found = Path(f"/proc/{'self' if pid is None else pid}/fd"), {}
    for name in os.listdir(folder) if folder.is_dir() else []:
        with contextlib.suppress(OSError):  # the descriptor of the listing itself
            found[name] = os.readlink(folder / name)
    return found
