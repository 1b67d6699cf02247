"""The queue of jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import RunFailed
from rnnlab.runs import admission, origin
from rnnlab.runs.connections import Connection
from rnnlab.runs.jobs import Job
from rnnlab.runs.limits import Limits
from rnnlab.runs.protocol import TrainOrder, encode
from rnnlab.runs.store import Queries, RunRecord, checkpoint_folder
from rnnlab.runs.texts import Texts
from rnnlab.text.preparation import for_sample


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
        self.slots = limits.slots  # as many runs, and as many questions, run at the same time
        self.closed = False  # whether nothing is started any more

    def ask(self, job: Job) -> None:
        """Add the job of a question; `start_waiting` starts it.

        Raises:
            RunError: ``questions_full``: as many wait as runs may.
        """
        if len(self._questions) >= self._limits.queue:
            raise RunError(
                "questions_full",
                f"{len(self._questions)} questions are already waiting, which is the limit. Try again soon.",
                waiting=len(self._questions),
            )
        self._questions.append(job)

    def forget(self, connection: Connection) -> None:
        """Remove the waiting questions of a disconnected client."""
        self._questions = [job for job in self._questions if job.inquiry and job.inquiry.connection is not connection]

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
        """Start the questions and the runs for which there are slots.

        They take turns, a question first: however many questions wait, a run waits for at most one of them. Questions
        start in the order in which they were asked, runs in their fair order.
        """
        if self.closed:
            return
        runs = self._startable()
        more = True
        while more:
            more = self._start_question()
            for run in islice(runs, 1):
                self._start_run(run)
                more = True

    def shares(self) -> dict[Job, int]:
        """Return the number of threads of each training job: the cores are shared among the jobs that compute.

        The oldest jobs get the cores that are left over.
        """
        busy = [job for job in self.jobs.values() if not job.final and not job.cancelled and job.paused_at is None]
        each, left = divmod(self._limits.cores, max(1, len(busy)))
        return {job: max(1, each + (place < left)) for place, job in enumerate(busy) if job.trains}

    def to_park(self, now: float) -> list[Job]:
        """Return the jobs of long-paused runs whose slots are needed by waiting runs."""
        training = [job for job in self.jobs.values() if job.trains]
        leaving = [job for job in training if job.parking or job.final or job.cancelled]
        since = {
            job: job.paused_at
            for job in training
            if job not in leaving and job.paused_at is not None and now - job.paused_at >= self._limits.pause_seconds
        }
        if not since:
            return []
        free = self.slots - len(training) + len(leaving)
        return sorted(since, key=since.__getitem__)[: max(0, len(self._waiting()) - free)]

    def _waiting(self) -> list[tuple[str, str]]:
        """Return (id, owner) of the runs that wait for a slot."""
        started = {job.run for job in self.jobs.values() if job.trains}
        return [(run, owner) for run, owner in self._store.waiting() if run not in started]

    def _startable(self) -> Iterator[str]:
        """Yield the runs for which there are slots, in the order in which they start."""
        training = [job for job in self.jobs.values() if job.trains]
        free = self.slots - len(training)
        waiting = self._waiting() if free > 0 else []
        if not waiting:
            return
        try:
            admission.check_space(self._home, self._limits)
        except RunError:
            return  # the runs keep waiting
        order = admission.fair_order(waiting, [job.owner for job in training])
        if self._limits.visitor_running:
            running = [(job.run, job.owner) for job in training]
            owners, groups = dict(waiting), self._store.groups()
            order = admission.within_turns(order, owners, running, groups, self._limits.visitor_running)
        yield from order[:free]

    def _start_question(self) -> bool:
        """Start the question that has waited longest, if there is a slot; return whether one was started."""
        answering = sum(not job.trains for job in self.jobs.values())
        if not self._questions or answering >= self.slots:
            return False
        self._start(self._questions.pop(0))
        return True

    def _start_run(self, run: str) -> None:
        """Start a run, or mark it as failed if that is not possible."""
        try:
            record = self._store.run(run)
            order = self._order(record)
        except RNNLabError as error:
            self._fail(run, RunFailed(code=error.code, message=error.message, params=error.params))
            return
        job = Job(id=new_job_id(), run=run, order=order, owner=record.owner)
        parked = self._store.parked().get(run)
        if parked is not None:
            job.seconds = parked.seconds
        self._start(job, parked.lines if parked is not None else "")

    def _order(self, record: RunRecord) -> TrainOrder:
        checkpoints = self._store.checkpoints(record.id)
        text, folder = self._texts.prepared(record.config), checkpoint_folder(self._home, record.id)
        return TrainOrder(
            run=record.id,
            config=record.config.to_json(),
            text=text.train,
            held_out=for_sample(text.held_out, record.config),
            checkpoint=str(checkpoints[-1][2]) if checkpoints else None,
            start=None if checkpoints else origin.weights(self._store, record.config, folder, self._texts.prepared),
            further=bool(checkpoints) and checkpoints[-1][:2] == (self._store.finished_at(record.id), 0),
            device=self._store.device(record.id),
            folder=str(folder),
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
