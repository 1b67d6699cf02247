"""The supervisor: it starts, controls and ends runs, and is the only writer of the store.

Started as ``python -m rnnlab.runs.supervisor HOME``. It has a single thread with an event loop and never blocks. It
ends when the app that started it has ended and no client is connected.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rnnlab import private
from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import RunDiverged, RunFailed, RunFinished, RunPaused, RunResumed, RunStarted
from rnnlab.runs import disk, endpoint, incoming
from rnnlab.runs.commands import Commands
from rnnlab.runs.connections import Connection, Connections
from rnnlab.runs.disk import Ballast, GuardedWriter
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.engines import choose_executor
from rnnlab.runs.executor import Attached, Capacity, Ended, ExecutorFactory, Lost, Ready, Report, Started
from rnnlab.runs.home import damaged_stores, open_store, set_aside, tighten
from rnnlab.runs.jobs import Job, failure_of
from rnnlab.runs.lifetime import Lifetime
from rnnlab.runs.limits import Limits
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import log_to_stderr, memory_pss_mb
from rnnlab.runs.protocol import (
    WORKER_TO_SUPERVISOR,
    Answer,
    AnswerFailure,
    ControlMessage,
    Ending,
    ErrorData,
    EventReport,
    Hello,
    HomeBusy,
    Message,
    Park,
    Parked,
    Refusal,
    Result,
    Share,
    StartFailure,
    SupervisorReady,
    encode,
)
from rnnlab.runs.recorder import Recorder
from rnnlab.runs.scheduler import Scheduler
from rnnlab.runs.store import checkpoint_folder, remove_partial
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.runs.texts import Texts

EXIT_SECONDS = 5.0  # time for a worker to exit after its last message
SILENT_SECONDS = 0.5  # the same after it has closed its socket
RECOVERY_PERIOD = 1.0  # seconds between two checks whether the disk has space again

log = logging.getLogger(__name__)


class Supervisor:
    """Holds the store, the workers and the connected clients.

    Args:
        environment: the folder of all data, and how processes are started and reached; a path is the home of an
            environment without other settings.
        limits: limits of runs and of the server.
        watch_stdin: whether the end of standard input means that the app has ended.
        make_executor: creates the executor; by default chosen by the environment and the system.

    Raises:
        RunError: the store cannot be used.
    """

    def __init__(
        self,
        environment: Environment | Path,
        limits: Limits,
        watch_stdin: bool = True,
        make_executor: ExecutorFactory | None = None,
    ) -> None:
        if isinstance(environment, Path):
            environment = Environment(environment)
        self.environment = environment
        self.home = home = environment.home
        self.limits = limits
        self._ready = False  # whether torch is loaded
        self._loop = Loop()
        self._recovered_at = 0.0
        self._told = 0  # how often it was told to end
        self._passed_on = False  # whether the app said that it was told to end
        self._saving_until: float | None = None  # since it was told, when the wait for its runs ends
        self._left = False  # whether it ends because nobody is there any more
        self._ending = False
        self._capacity: Capacity | None = None  # of a cluster

        ballast = Ballast(home, limits.disk_floor_mb)
        self.store: StoreWriter = ballast.run(lambda: open_store(home))
        self.texts = Texts(environment.corpus_folders, self.store)
        self._commands = Commands(self)
        self._writer = GuardedWriter(self.store, ballast, self._cancel_all, self._commands.answer_waiters)
        self._scheduler = Scheduler(
            home,
            limits,
            self.store,
            self.texts,
            lambda job: self._executor.start(job),
            self._writer.fail,
            environment.processor_clock,
        )
        self._recorder = Recorder(home, limits, self.store, self._writer, self._scheduler.reads, self._cancel)
        try:
            interrupted: list[str] = []
            self.write(lambda: interrupted.extend(self.store.interrupt_all()))
            self._writer.recover()
        except BaseException:
            self.store.close()
            raise
        for run in interrupted:
            remove_partial(checkpoint_folder(home, run))
        incoming.clear(home)
        listener, self._endpoint = endpoint.listen(environment.tcp)
        before = Endpoint.read(home)
        if before is not None:
            before.remove()
        ballast.run(lambda: self._endpoint.write(home))
        self._clients = Connections(
            self._loop, listener, self._endpoint, self._greet, self._commands.handle, self._forget
        )
        self._lifetime = Lifetime(self._loop, 0 if watch_stdin else None)
        self._executor = (make_executor or choose_executor(environment))(self._loop, self.report)

    # the loop

    def run(self) -> NoReturn:
        """Serve until the app has ended and no client is connected."""
        while not self._ending:
            try:
                self.turn(self._timeout())
            except RunError:
                if not self.store.damaged:
                    raise
            if self.store.damaged:  # nothing more is written into it; the next supervisor begins a new one
                self.stop()
        self.close()
        os._exit(0)

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for an event, then do everything that is due."""
        self._loop.turn(timeout)
        now = time.monotonic()
        if (self._told or self._passed_on) and self._saving_until is None:
            self._save_all(now)
        due = self._recorder.due_at()
        if due is not None and now >= due:
            self.flush()
        for job in list(self._scheduler.jobs.values()):
            if job.status is not None and job.closed:
                self._finalise(job)
        self._enforce_time_limits(now)
        self._clients.tick(now)
        if now - self._recovered_at > RECOVERY_PERIOD:
            self._recovered_at = now
            self._writer.recover()
            with contextlib.suppress(RunError):  # at the next check
                self._commands.purge()
                self._commands.prune()
        for job in self._scheduler.to_park(now):
            self.park(job)
        self.start_waiting()
        self._share_cores()
        if self._saving_until is not None:
            saving = any(not job.final and not job.cancelled for job in self._scheduler.jobs.values() if job.trains)
            if not saving or now > self._saving_until or self._told > 1:
                self.stop()
        elif self._lifetime.over(self._clients.count(), now):
            self._left = True
            self.stop()

    def close(self) -> None:
        """End all workers, write the events that they sent, and mark the runs that were not saved as interrupted."""
        self._executor.close()
        for job in self._scheduler.jobs.values():
            self._read(job, to_end=True)
        with contextlib.suppress(sqlite3.Error, RunError):
            if not self.store.damaged:
                self.flush()
                self.write(self.store.interrupt_all)
                if self._left:
                    self.write(self.store.hold)
        self.store.close()
        if self.store.damaged:
            with contextlib.suppress(OSError):
                set_aside(self.home)
        self._clients.close()
        self._loop.close()
        with contextlib.suppress(OSError):
            (self.home / endpoint.ENDPOINT).unlink()
        self._endpoint.remove()

    def stop(self) -> None:
        """End after this turn of the loop."""
        self._ending = True

    def save_and_stop(self, number: int = 0, *_: object) -> None:
        """Shut down after saving the runs, which resume at the next start; the second request ends at once.

        SIGHUP comes from the app and does not count, as a service manager signals both processes.
        """
        if number == getattr(signal, "SIGHUP", -1):
            self._passed_on = True
        else:
            self._told += 1

    def _save_all(self, now: float) -> None:
        """Save all running runs; runs that have not begun stay queued."""
        self._saving_until = now + self.limits.stop_seconds
        self._scheduler.closed = True
        self._clients.send_all(Ending())
        for job in list(self._scheduler.jobs.values()):
            if not job.trains or job.final:
                continue
            if job.began:
                self.park(job)
            else:
                self._cancel(job)

    def wake_by(self, wakeup: socket.socket) -> None:
        """Turn the loop once more whenever `wakeup` can be read."""

        def drain() -> None:
            with contextlib.suppress(OSError):
                wakeup.recv(4096)

        self._loop.watch(wakeup, drain)

    def _timeout(self) -> float:
        """Return the seconds until the next task is due."""
        now = time.monotonic()
        due = self._recorder.due_at()
        if due is not None:
            return max(0.0, due - now)
        timeout = 1.0
        if self._saving_until is not None:
            timeout = min(timeout, self._saving_until - now)
        for seconds in (self._executor.tick(), self._lifetime.timeout(now)):
            if seconds is not None:
                timeout = min(timeout, seconds)
        for job in self._scheduler.jobs.values():
            if job.kill_at is not None:
                timeout = min(timeout, job.kill_at - now)
            if job.since is not None and job.kill_reason is None and not job.final:
                timeout = min(timeout, self._limit(job) - job.busy_seconds(now))
        return max(0.0, timeout)

    def _enforce_time_limits(self, now: float) -> None:
        for job in self._scheduler.jobs.values():
            limit = self._limit(job)
            if job.kill_at is not None and now >= job.kill_at:
                job.kill_at = None
                self._executor.kill(job.id)
            elif job.kill_reason is None and not job.final and job.busy_seconds(now) > limit:
                message = f"The run has reached its time limit of {limit:.0f} seconds."
                self._kill(job, RunFailed(code="run_too_long", message=message, params={"seconds": round(limit)}))

    def _limit(self, job: Job) -> float:
        return self.limits.run_seconds if job.trains else self.limits.answer_seconds

    # the interface for commands: see `rnnlab.runs.commands.Host`

    def write(self, work: Callable[[], object]) -> None:
        """Call `work`, which changes the store, in one transaction.

        Raises:
            RunError: ``disk_full``, ``store_busy``.
        """
        self._writer.write(work)

    def flush(self) -> None:
        """Write the events that the workers have sent so far."""
        self._recorder.flush()

    def send(self, connection: Connection, message: Message) -> None:
        """Send a message to a client."""
        self._clients.send(connection, message)

    def status(self, memory: bool) -> dict[str, Any]:
        """Return the result of `GetStatus`."""
        pids = [os.getpid(), *self._executor.pids()]
        return {
            "ready": self._ready,
            "pid": os.getpid(),
            "pids": pids,
            "runs": {job.run: job.pid for job in self._scheduler.jobs.values() if job.trains},
            "slots": self._scheduler.slots,
            "cluster": None if self._capacity is None else self._capacity.connected,
            "cluster_mistrusted": self._capacity is not None and self._capacity.mistrusted,
            "hosts": [] if self._capacity is None else [host.model_dump() for host in self._capacity.hosts],
            "threads": {job.run: job.threads for job in self._scheduler.jobs.values() if job.trains},
            "limits": {
                name: getattr(self.limits, name)
                for name in ("visitor_running", "visitor_waiting", "visitor_mb", "keep_days", "queue")
            },
            "clients": self._clients.count(),
            "private": private.is_private(self.home),
            "set_aside": damaged_stores(self.home),
            "memory_mb": sum(memory_pss_mb(pid) or 0.0 for pid in pids) if memory else None,
        }

    def start_waiting(self) -> None:
        """Start the jobs for which there are slots."""
        self._scheduler.start_waiting()

    def training(self, run: str) -> Job | None:
        """Return the job that trains a run, if there is one that has not sent its last event."""
        return self._scheduler.training(run)

    def control(self, job: Job, message: ControlMessage) -> None:
        """Send a message to the worker of a job; for a worker that is parking, keep it for the next worker."""
        if job.parking:
            job.later.append(message)
            return
        job.unsent += encode(message)
        self._write(job)

    def _share_cores(self) -> None:
        """Tell each training worker its share of the cores of this machine, if it has changed."""
        if self._capacity is not None:
            return
        shares = self._scheduler.shares()
        for job in sorted(shares, key=lambda job: shares[job] - job.threads):  # less for some before more for others
            if shares[job] != job.threads and not job.parking:
                job.threads = shares[job]
                job.unsent += encode(Share(threads=job.threads))
                self._write(job)

    def park(self, job: Job) -> None:
        """Let the worker of a job save its run and end; the run goes on later, see `rnnlab.runs.parking`."""
        self.control(job, Park())
        job.parking = True

    def ask(self, job: Job) -> None:
        """Start the job of a question, and send its answer to the client when it arrives."""
        self._scheduler.ask(job)
        self.start_waiting()

    def cancel(self, run: str, reason: RNNLabError) -> None:
        """Kill the jobs of a run; the clients that wait for an answer get `reason`."""
        for job in self._scheduler.all_jobs():
            if job.run == run:
                self._cancel(job, reason)

    def _greet(self, connection: Connection, hello: Hello) -> None:
        """Handle the arrival of a client."""
        if self._saving_until is not None:
            self.send(connection, Ending())
        if hello.resumes and (held := self.store.held()):
            with contextlib.suppress(RunError):  # disk_full, store_busy: by the next client
                self.write(lambda: self.store.release(held))

    def _forget(self, connection: Connection) -> None:
        """Remove the pending requests of a disconnected client."""
        self._commands.forget(connection)
        self._scheduler.forget(connection)

    # cancelling

    def _cancel(self, job: Job, reason: RNNLabError | None = None) -> None:
        """Kill the worker of a job, and ignore its messages and its end."""
        if job.inquiry is not None and not job.final and not job.cancelled:
            self._refuse(job, ErrorData.of(reason or disk.full_error()))
        job.cancelled = True
        if job.id in self._scheduler.jobs:
            self._executor.kill(job.id)
        else:
            self._scheduler.remove(job)

    def _cancel_all(self) -> list[str]:
        """Cancel every started job because the disk is full, and return the runs that were training."""
        jobs = list(self._scheduler.jobs.values())
        runs = [job.run for job in jobs if job.trains and not job.final and not job.cancelled]
        for job in jobs:
            self._cancel(job)
        return runs

    def _kill(self, job: Job, reason: RunFailed) -> None:
        job.kill_reason = reason
        self._executor.kill(job.id)

    # the workers

    def report(self, report: Report) -> None:
        """Handle a report of the executor."""
        if isinstance(report, Ready):
            self._ready = True
            if report.facts:
                facts = {"cores": float(self.limits.cores), **report.facts}
                with contextlib.suppress(RunError):
                    self.write(lambda: self.store.set_meta("speed", facts))
            return
        if isinstance(report, Capacity):
            self._capacity = report
            self._scheduler.slots = report.slots
            return
        if isinstance(report, Lost) and not report.host:
            self._ready = False
        for job_id in report.jobs if isinstance(report, Lost) else (report.job,):
            job = self._scheduler.jobs.get(job_id)
            if job is None:
                continue
            match report:
                case Attached():
                    self._attach(job, report.socket)
                case Started():
                    job.pid = report.pid
                    if report.host and job.trains:
                        with contextlib.suppress(RunError):  # a full disk; the run goes on
                            self.write(partial(self.store.set_host, job.run, report.host))
                    if not job.trains:
                        job.since = time.monotonic()
                case Ended():
                    self._end(job, report.status)
                case Lost() if report.host:
                    job.interrupted = True
                    self._end(job, 0)
                case Lost():
                    job.kill_reason = job.kill_reason or RunFailed(
                        code="run_host_killed",
                        message="The parent process of all runs was killed, and this run with it.",
                    )
                    self._end(job, 0)

    def _attach(self, job: Job, connection: socket.socket) -> None:
        job.socket = connection
        self._loop.watch(connection, lambda: self._read(job), lambda: self._write(job))
        self._write(job)

    def _end(self, job: Job, status: int) -> None:
        """Record the end of the worker of a job, after reading its remaining messages."""
        job.status = status
        self._read(job, to_end=True)
        self._disconnect(job)

    def _read(self, job: Job, to_end: bool = False) -> None:
        """Read the messages of a worker, once or to the end.

        If a worker closes its socket, its job is finalised when its exit is reported.
        """
        while not job.closed and job.socket is not None:
            data = self._loop.receive(job.socket)
            if data is None:
                return
            if not data:
                self._disconnect(job)
                return
            try:
                for line in job.lines.feed(data):
                    self._receive(job, WORKER_TO_SUPERVISOR.decode(line))
            except Exception as error:  # whatever one worker sends, the others go on
                if not isinstance(error, ValueError):
                    log.exception("an unexpected error")
                message = "The process of this run sent something that cannot be read."
                self._kill(job, RunFailed(code="run_protocol", message=message))
                return
            if not to_end:  # the other sockets get their turn first
                return

    def _receive(self, job: Job, message: EventReport | Parked | Answer | AnswerFailure) -> None:
        if job.final or job.cancelled:
            return
        if job.trains != isinstance(message, EventReport | Parked):
            raise ValueError("a message for another kind of job")
        now = time.monotonic()
        match message:
            case EventReport(event=event):
                match event:
                    case RunStarted() | RunResumed():
                        job.began, job.paused_at, job.since = True, None, now
                    case RunPaused():
                        job.paused_at, job.seconds, job.since = now, job.busy_seconds(now), None
                    case RunFinished() | RunDiverged() | RunFailed():
                        job.final, job.kill_at = True, now + EXIT_SECONDS
                    case _:
                        pass
                self._recorder.add(job, event)
            case Parked():
                job.final, job.kill_at = True, now + EXIT_SECONDS
                self._recorder.add(job, message)
            case Answer():
                job.final, job.kill_at = True, now + EXIT_SECONDS
                self._answer(job, message)
            case AnswerFailure(error=error):
                job.final, job.kill_at = True, now + EXIT_SECONDS
                self._refuse(job, error)

    def _answer(self, job: Job, message: Answer) -> None:
        assert job.inquiry is not None
        question = job.inquiry.question
        if message.keep:
            with contextlib.suppress(RunError, sqlite3.IntegrityError):  # full disk; the run was deleted meanwhile
                self.write(lambda: self.store.add_answer(job.run, question, message.answer))
        self.send(job.inquiry.connection, Result(id=job.inquiry.request, value=message.answer))

    def _refuse(self, job: Job, error: ErrorData) -> None:
        assert job.inquiry is not None
        self.send(job.inquiry.connection, Refusal(id=job.inquiry.request, error=error))

    def _write(self, job: Job) -> None:
        """Send the pending messages of a worker."""
        if job.socket is not None and not job.closed:
            self._loop.send(job.socket, job.unsent)

    def _disconnect(self, job: Job) -> None:
        """Close the socket of a worker, which then exits."""
        if job.closed:
            return
        job.closed = True
        if job.socket is None:
            return
        self._loop.unwatch(job.socket)
        job.socket.close()
        if job.status is None and job.kill_at is None:
            job.kill_at = time.monotonic() + SILENT_SECONDS

    def _finalise(self, job: Job) -> None:
        """Finish a job whose worker has ended."""
        self.flush()
        self._scheduler.remove(job)
        self._recorder.remove_files()
        if job.trains:
            remove_partial(checkpoint_folder(self.home, job.run))
        if job.cancelled:
            gone = self.store.version(job.run) == 0 and not self.store.deleted(job.run)
            if job.trains and gone:  # a checkpoint may have been written since it was deleted for good
                shutil.rmtree(checkpoint_folder(self.home, job.run), ignore_errors=True)
            return
        if job.final:
            return
        if job.interrupted and job.trains and job.kill_reason is None:
            self._writer.interrupt(job.run)
            return
        failed = job.kill_reason or failure_of(job.status or 0)
        if job.trains:
            self._writer.fail(job.run, failed)
            return
        error = RunError(failed.code, failed.message, **failed.params)
        if failed.code == "run_too_long":
            error = RunError("answer_too_late", "The answer took too long; ask for less.", **failed.params)
        self._refuse(job, ErrorData.of(error))


def main(arguments: list[str]) -> int:
    """Serve the given home; success or failure of the start is reported as one line on standard output."""
    log_to_stderr()
    os.umask(private.UMASK)  # also of the workers, which write the checkpoints
    environment = Environment.from_environ()
    if arguments:
        environment = dataclasses.replace(environment, home=Path(arguments[0]))
    home = environment.home
    try:
        lock = endpoint.take_lock(home)
        if lock is None:
            _report_start(HomeBusy())
            return 0
        tighten(home)
        limits = Limits.from_environment(os.environ)
        try:
            supervisor = Supervisor(environment, limits)
        except RunError as error:
            if error.code != "store_damaged":  # which only the first change has met
                raise
            set_aside(home)
            supervisor = Supervisor(environment, limits)
    except RNNLabError as error:
        _report_start(StartFailure(error=ErrorData.of(error)))
        return 1
    except (OSError, sqlite3.Error) as error:
        unusable = RunError("home_unusable", f"Runs cannot be stored in {home}: {error}.", path=str(home))
        _report_start(StartFailure(error=ErrorData.of(unusable)))
        return 1
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), supervisor.save_and_stop)
    # a signal interrupts the wait of the loop
    wakeup, sender = socket.socketpair()
    for end in (wakeup, sender):
        end.setblocking(False)
    supervisor.wake_by(wakeup)
    signal.set_wakeup_fd(sender.fileno())
    _report_start(SupervisorReady(pid=os.getpid()))
    return supervisor.run()


def _report_start(message: Message) -> None:
    """Write a line to standard output and close it, so that the reader does not wait for another line."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(encode(message))
        sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
