"""The queue of jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import RunFailed
from rnnlab.runs import admission
from rnnlab.runs.admission import Limits
from rnnlab.runs.jobs import Job
from rnnlab.runs.protocol import TrainOrder, encode
from rnnlab.runs.store import Queries, RunRecord, checkpoint_folder
from rnnlab.runs.texts import Texts


class Scheduler:
    """Starts questions and runs when there are free slots; both have the same number of slots.

    Args:
        home: the folder of all data.
        limits: limits of runs and of the server.
        store: store with the waiting runs.
        texts: prepared training texts.
        start: starts the worker of a job, by its id.
        fail: marks a run that cannot be started as failed.
        processor_clock: whether the seconds of a training are processor time.
    """

    def __init__(
        self,
        home: Path,
        limits: Limits,
        store: Queries,
        texts: Texts,
        start: Callable[[str], None],
        fail: Callable[[str, RunFailed], None],
        processor_clock: bool = False,
    ) -> None:
        self.jobs: dict[str, Job] = {}  # started jobs, by id
        self._home, self._limits, self._store, self._texts = home, limits, store, texts
        self._start_worker, self._fail = start, fail
        self._processor_clock = processor_clock
        self._questions: list[Job] = []  # waiting questions
        self.closed = False  # whether nothing is started any more

    def ask(self, job: Job) -> None:
        """Add the job of a question; `start_waiting` starts it."""
        self._questions.append(job)

    def all_jobs(self) -> Iterator[Job]:
        """Yield every job, including waiting questions."""
        yield from list(self.jobs.values())
        yield from list(self._questions)

    def training(self, run: str) -> Job | None:
        """Return the job that trains a run, if there is one that has not sent its last event."""
        for job in self.jobs.values():
            if job.run == run and job.trains and not job.cancelled and not job.final:
                return job
        return None

    def reads(self, file: Path) -> bool:
        """Return whether a question needs a checkpoint file."""
        return any(job.inquiry is not None and job.inquiry.checkpoint == file for job in self.all_jobs())

    def remove(self, job: Job) -> None:
        """Remove a job that has ended or was not started."""
        self.jobs.pop(job.id, None)
        if job in self._questions:
            self._questions.remove(job)

    def start_waiting(self) -> None:
        """Start the questions and the runs for which there are slots."""
        if self.closed:
            return
        answering = sum(not job.trains for job in self.jobs.values())
        while self._questions and answering < self._limits.slots:
            self._start(self._questions.pop(0))
            answering += 1
        if self._questions:
            return
        training = [job for job in self.jobs.values() if job.trains]
        if len(training) >= self._limits.slots:
            return
        started = {job.run for job in training}
        waiting = [(run, owner) for run, owner in self._store.waiting() if run not in started]
        if not waiting:
            return
        try:
            admission.check_space(self._home, self._limits)
        except RunError:
            return  # the runs keep waiting
        free = self._limits.slots - len(training)
        for run in admission.fair_order(waiting, [job.owner for job in training])[:free]:
            try:
                record = self._store.run(run)
                order = self._order(record)
            except RNNLabError as error:
                self._fail(run, RunFailed(code=error.code, message=error.message, params=error.params))
                continue
            job = Job(id=new_job_id(), run=run, order=order, owner=record.owner)
            parked = self._store.parked().get(run)
            if parked is None:
                self._start(job)
            else:
                job.seconds = parked.seconds
                self._start(job, parked.lines)

    def _order(self, record: RunRecord) -> TrainOrder:
        checkpoints = self._store.checkpoints(record.id)
        return TrainOrder(
            run=record.id,
            config=record.config.to_json(),
            text=self._texts.prepared(record.config).train,
            checkpoint=str(checkpoints[-1][2]) if checkpoints else None,
            device=self._store.device(record.id),
            folder=str(checkpoint_folder(self._home, record.id)),
            keep_every=admission.checkpoint_epochs(record.config),
            memory_mb=self._limits.memory_mb,
            processor_clock=self._processor_clock,
        )

    def _start(self, job: Job, lines: str = "") -> None:
        self.jobs[job.id] = job
        job.unsent += encode(job.order) + lines.encode()
        self._start_worker(job.id)


def new_job_id() -> str:
    """Return a new unique id of a job."""
    return secrets.token_hex(6)
