"""The home: the folder of all data, and its files."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from rnnlab import private
from rnnlab.errors import RunError
from rnnlab.runs import incoming, schema
from rnnlab.runs.store_writer import StoreWriter

_FOLDERS = ("checkpoints", "corpora", incoming.FOLDER)
_OURS = (f"{schema.DATABASE}*", "supervisor.*", "ballast", *_FOLDERS)
"""Names of the files and folders that the project creates in a home."""

log = logging.getLogger(__name__)


def open_store(home: Path) -> StoreWriter:
    """Open the store of a home for its only writer; set a damaged one aside and begin a new one.

    Raises:
        RunError: ``store_too_new``.
        OSError: a damaged store cannot be set aside.
    """
    path = home / schema.DATABASE
    try:
        return StoreWriter(path)
    except RunError as error:
        if error.code != "store_unreadable":
            raise
    set_aside(home)
    return StoreWriter(path)


def set_aside(home: Path) -> Path:
    """Rename a damaged store and the files that SQLite keeps beside it; return the new path.

    Raises:
        OSError: it cannot be renamed.
    """
    store = home / schema.DATABASE
    name = f"{store.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    aside = next(home / name for name in names if not (home / name).exists())
    # the store is renamed last, as SQLite would apply its journal to a new store
    for suffix in ("-wal", "-shm", "-journal", ""):
        if (home / f"{store.name}{suffix}").exists():
            (home / f"{store.name}{suffix}").rename(f"{aside}{suffix}")
    log.warning("%s was damaged and set aside as %s; a new one begins", store, aside.name)
    return aside


def damaged_stores(home: Path) -> list[str]:
    """Return the names of the damaged stores that were set aside and still lie in `home`, the latest first."""
    found = [path.name for path in home.glob(f"{schema.DATABASE}.damaged-*")]
    return sorted((name for name in found if not name.endswith(("-wal", "-shm", "-journal"))), reverse=True)


def tighten(home: Path) -> None:
    """Make `home` and its files private where the system allows it; failures are logged."""
    shared = home.stat().st_mode & stat.S_ISVTX or home == Path(os.path.expanduser("~"))
    if shared and private.is_private(home) is False:
        log.warning("%s holds other things too, so its rights are left as they are", home)
    else:
        private.close(home)
    for pattern in _OURS:
        _close_all(home.glob(pattern))
    # a folder that is private was created by this version, with private contents
    for name in _FOLDERS:
        _close_all((home / name).glob("*"))


def _close_all(paths: Iterable[Path]) -> None:
    for path in paths:
        if private.close(path) and path.is_dir():
            _close_all(path.glob("*"))
