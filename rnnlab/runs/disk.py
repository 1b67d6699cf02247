"""Writing to the store, even on a full disk: reserved space is released to record the failures."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from rnnlab.errors import RunError
from rnnlab.events import RunFailed
from rnnlab.runs.limits import MEGABYTE
from rnnlab.runs.store_writer import StoreWriter

T = TypeVar("T")

BALLAST = 512 * 1024
FAILED = RunFailed(code="disk_full", message="The disk is full: free some space, then continue the run.")


def is_full(error: Exception) -> bool:
    """Return whether `error` means that the disk is full."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return bool(code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def full_error() -> RunError:
    """Return the error for a request whose result cannot be written."""
    return RunError("disk_full", "The disk is full, so nothing can be saved. Free some space, then try again.")


def unsaved(error: OSError) -> RunError:
    """Return the error for a file of weights that could not be written because of `error`."""
    if is_full(error):
        return full_error()
    reason = error.strerror or str(error)
    return RunError("checkpoint_unwritable", f"A checkpoint could not be saved: {reason}.", reason=reason)


class Ballast:
    """A file of 512 KB that is removed when the disk is full.

    Args:
        home: the folder of the file.
        floor_mb: the free space below which the file is not written again.
    """

    def __init__(self, home: Path, floor_mb: float) -> None:
        self._home, self._floor = home, floor_mb * MEGABYTE
        self._path = home / "ballast"

    def fill(self) -> None:
        """Write the file, if there is enough space."""
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == BALLAST:
                return
            if shutil.disk_usage(self._home).free < self._floor + BALLAST:
                return
            with open(self._path, "wb") as file:
                file.write(os.urandom(BALLAST))  # not zeros, for which some file systems reserve no space
                os.fsync(file.fileno())

    def release(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def run(self, work: Callable[[], T]) -> T:
        """Call `work`; if the disk is full, remove the file and call it again."""
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            if not is_full(error) or not self._path.exists():
                raise
            self.release()
            return work()


class GuardedWriter:
    """Writes to the store in transactions; on a full disk it ends all runs and records their failure.

    Args:
        store: the store.
        ballast: reserved space that is released on a full disk.
        cancel_all: cancels every job and returns the runs that were training.
        written: called after each transaction.
    """

    def __init__(
        self,
        store: StoreWriter,
        ballast: Ballast,
        cancel_all: Callable[[], Iterable[str]],
        written: Callable[[], None],
    ) -> None:
        self.wrote_at = 0.0  # time of the last transaction, by the monotonic clock
        self._store, self._ballast = store, ballast
        self._cancel_all, self._written = cancel_all, written
        self._unwritten: dict[str, RunFailed] = {}  # failures to write when there is space again

    def write(self, work: Callable[[], object]) -> None:
        """Call `work` in one transaction; on a full disk, release the ballast, call it again, and end all runs.

        Raises:
            RunError: ``disk_full``: the changes could not be written even then; ``store_busy``.
        """
        try:
            with self._store.atomic():
                work()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                self.wrote_at = time.monotonic()
                raise RunError("store_busy", "The stored runs are busy; try again.") from error
            if not is_full(error):
                raise
            self._write_on_full_disk(work)
        self.wrote_at = time.monotonic()
        self._written()

    def fail(self, run: str, failed: RunFailed) -> None:
        """Mark a run as failed, now or as soon as there is space again."""

        def work() -> None:
            with contextlib.suppress(RunError):  # the run has already ended or was deleted
                self._store.record(run, failed)

        try:
            self.write(work)
        except RunError:
            self._unwritten[run] = failed

    def interrupt(self, run: str) -> None:
        """Mark a run that trains as interrupted; on a disk that stays full, as failed as soon as there is space."""
        try:
            self.write(lambda: self._store.interrupt(run))
        except RunError:
            self._unwritten[run] = FAILED

    def recover(self) -> None:
        """Write failures that could not be written before, and reserve space again if there is enough."""
        if self._unwritten:
            self._write_failures()
            self._written()
        self._ballast.fill()

    def _write_on_full_disk(self, work: Callable[[], object]) -> None:
        self._ballast.release()
        try:
            with self._store.atomic():
                work()
            written = True
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
            written = False
        self._unwritten |= dict.fromkeys(self._cancel_all(), FAILED)
        self._write_failures()
        if not written:
            raise full_error()

    def _write_failures(self) -> None:
        try:
            with self._store.atomic():
                for run, failed in self._unwritten.items():
                    with contextlib.suppress(RunError):  # the run has already ended or was deleted
                        if self._store.run(run).state == "queued":
                            self._store.move(run, "running")
                        self._store.record(run, failed)
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
        else:
            self._unwritten.clear()
