"""A full disk: some space is kept to be released, so that what happened can still be written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rnnlab.errors import RunError
from rnnlab.events import RunFailed
from rnnlab.runs.admission import MEGABYTE

T = TypeVar("T")

BALLAST = 512 * 1024
FAILED = RunFailed(code="disk_full", message="The disk is full: free some space, then continue the run.")


def is_full(error: Exception) -> bool:
    """Say whether `error` means that the disk is full."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return bool(code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def full_error() -> RunError:
    """Return the refusal of what cannot be kept."""
    return RunError("disk_full", "The disk is full: nothing can be kept. Free some space, then try again.")


class Ballast:
    """A file of 512 KB that is there to be removed.

    Args:
        home: where it lies.
        floor_mb: below this much free space it is not laid anew.
    """

    def __init__(self, home: Path, floor_mb: float) -> None:
        self._home, self._floor = home, floor_mb * MEGABYTE
        self._path = home / "ballast"

    def fill(self) -> None:
        """Lay the file, if there is enough space."""
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == BALLAST:
                return
            if shutil.disk_usage(self._home).free < self._floor + BALLAST:
                return
            with open(self._path, "wb") as file:
                file.write(os.urandom(BALLAST))  # not zeros: some file systems keep those in no space
                os.fsync(file.fileno())

    def release(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def spend(self, work: Callable[[], T]) -> T:
        """Do `work`; if the disk is full, release the file and do it again."""
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            if not is_full(error) or not self._path.exists():
                raise
            self.release()
            return work()
