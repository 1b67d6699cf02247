"""Recording of the events of all runs, in one transaction per tick, and removal of replaced checkpoints."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from rnnlab.errors import RunError
from rnnlab.events import CheckpointSaved, Event
from rnnlab.runs import origin, parking
from rnnlab.runs.disk import GuardedWriter
from rnnlab.runs.jobs import Job
from rnnlab.runs.limits import MEGABYTE, Limits
from rnnlab.runs.protocol import Parked, TrainOrder
from rnnlab.runs.store import checkpoint_folder
from rnnlab.runs.store_writer import StoreWriter

TICK = 0.02
"""Minimum seconds between two transactions with events."""


class Recorder:
    """Buffers the events of all runs and writes them.

    Args:
        home: the folder of all data.
        limits: limits, including the size of the checkpoints of a run.
        store: the store.
        writer: writer of transactions to the store.
        in_use: returns whether a checkpoint file is being read and must not be removed yet.
        cancel: called with the job of a run that has ended or was deleted while its worker still sent events.
    """

    def __init__(
        self,
        home: Path,
        limits: Limits,
        store: StoreWriter,
        writer: GuardedWriter,
        in_use: Callable[[Path], bool],
        cancel: Callable[[Job], None],
    ) -> None:
        self._home, self._limits = home, limits
        self._store, self._writer = store, writer
        self._in_use, self._cancel = in_use, cancel
        self._buffer: list[tuple[Job, Event | Parked]] = []
        self._superfluous: set[Path] = set()  # files that are no longer in the store

    def add(self, job: Job, event: Event | Parked) -> None:
        """Keep an event, or the report that a run is parked, for the next transaction."""
        self._buffer.append((job, event))

    def due_at(self) -> float | None:
        """Return when `flush` is due, by the monotonic clock; None if there is nothing to write."""
        return self._writer.wrote_at + TICK if self._buffer else None

    def flush(self) -> None:
        """Write all events that were added."""
        buffer, self._buffer = self._buffer, []
        if not buffer:
            return
        superfluous: set[Path] = set()
        saved: set[Path] = set()

        def work() -> None:
            superfluous.clear()  # on a full disk, `work` is called twice
            for job, event in buffer:
                self._record(job, event, superfluous, saved)

        try:
            self._writer.write(work)
        except RunError as error:
            if error.code == "store_busy":  # a reader takes too long: try again at the next tick
                self._buffer = buffer + self._buffer
            return  # disk_full: the runs are ended and marked as failed when there is space
        self._superfluous = (self._superfluous - saved) | superfluous
        self.remove_files()

    def remove_files(self) -> None:
        """Remove checkpoint files that are no longer in the store and are not being read."""
        for file in [file for file in self._superfluous if not self._in_use(file)]:
            self._superfluous.remove(file)
            with contextlib.suppress(OSError):
                file.unlink()

    def _record(self, job: Job, event: Event | Parked, superfluous: set[Path], saved: set[Path]) -> None:
        if job.cancelled:
            return
        try:
            if isinstance(event, Parked):
                parking.park(self._store, job, event, time.monotonic())
                return
            self._store.record(job.run, event)
        except RunError:
            self._cancel(job)
            return
        if not isinstance(event, CheckpointSaved) or not isinstance(job.order, TrainOrder):
            return
        folder = checkpoint_folder(self._home, job.run)
        try:
            size = (folder / event.name).stat().st_size
        except OSError:
            return
        limit = self._limits.checkpoints_mb * MEGABYTE
        removed = self._store.add_checkpoint(job.run, event, size, job.order.keep_every, limit)
        saved.add(folder / event.name)
        superfluous.discard(folder / event.name)
        superfluous.update(folder / name for name in removed)
        if job.order.start is not None:  # from now on it goes on from its own checkpoints
            superfluous.update(origin.kept_files(folder))
