"""The supervisor: the only writer of the store; starts, steers and ends runs. ``python -m rnnlab.runs.supervisor``

One thread, one loop, nothing that blocks. It ends when the app that started it is gone and no other client is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import CheckpointSaved, Event, RunDiverged, RunFailed, RunFinished, event_from_dict
from rnnlab.runs import admission, disk, protocol, schema
from rnnlab.runs.admission import Limits
from rnnlab.runs.commands import Commands
from rnnlab.runs.desk import Desk
from rnnlab.runs.disk import Ballast
from rnnlab.runs.jobs import Job, how_it_ended
from rnnlab.runs.local import Attached, Ended, Lost, Ready, Report, Started, choose_engine
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import Endpoint, encode
from rnnlab.runs.store import RunRecord, Store, Writer, checkpoint_folder

TICK = 0.02  # seconds between two transactions, at most one in each
GRACE = 0.3  # seconds without any client before the end
LAST_WORDS = 5.0  # seconds that a worker has to exit after its last event
FINAL = (RunFinished, RunDiverged, RunFailed)


class Supervisor:
    """Holds the store, the engine and everybody who is connected.

    Raises:
        RunError: the store cannot be used.
    """

    def __init__(self, home: Path, limits: Limits, watch_stdin: bool = True) -> None:
        self.home = home
        self.limits = limits
        self.jobs: dict[str, Job] = {}
        self.questions: list[Job] = []  # not started yet
        self.ready = False  # torch is loaded
        self._loop = Loop()
        self._commands = Commands(self)
        self._inbox: list[tuple[Job, Event]] = []
        self._superfluous: list[Path] = []
        self._undone: dict[str, RunFailed] = {}  # to be written when the disk has room again
        self._wrote_at = 0.0
        self._mended_at = 0.0
        self._alone_since: float | None = None
        self._app_gone = not watch_stdin
        self._ending = False

        self._ballast = Ballast(home, limits.disk_floor_mb)
        self.store: Writer = self._ballast.spend(lambda: Store.open_writer(home / schema.DATABASE))
        self.write(self.store.interrupt_all)
        self._ballast.fill()
        listener, self._endpoint = protocol.listen(os.environ.get("RNNLAB_TRANSPORT") == "tcp")
        before = Endpoint.read(home)
        if before is not None:
            before.remove()
        self._ballast.spend(lambda: self._endpoint.write(home))
        self.desk = Desk(self._loop, listener, self._endpoint, self._commands.obey, self._commands.forget)
        if watch_stdin:
            self._watch_stdin()
        self.engine = choose_engine(self._loop, self.report)

    # the loop

    def run(self) -> NoReturn:
        """Serve until the app is gone and nobody else is connected."""
        while not self._ending:
            self._turn(self._timeout())
        self.close()
        os._exit(0)

    def close(self) -> None:
        """End all workers, keep what they said, and mark what did not come to its end as interrupted."""
        self.engine.close()
        for job in self.jobs.values():
            self._read_worker(job, whole=True)
        with contextlib.suppress(sqlite3.Error):
            self.flush()
            self.write(self.store.interrupt_all)
        self.store.close()
        self.desk.close()
        self._loop.close()
        with contextlib.suppress(OSError):
            (self.home / protocol.ENDPOINT).unlink()
        self._endpoint.remove()

    def wake_by(self, bell: socket.socket) -> None:
        """Turn the loop once more whenever `bell` rings."""
        self._loop.watch(bell, lambda: _drain(bell))

    def stop(self, *_: object) -> None:
        """End after this turn of the loop."""
        self._ending = True

    def _timeout(self) -> float:
        now = time.monotonic()
        if self._inbox:
            return max(0.0, self._wrote_at + TICK - now)
        timeout = 1.0
        if (engine := self.engine.tick()) is not None:
            timeout = min(timeout, engine)
        if self._alone_since is not None:
            timeout = min(timeout, max(0.02, self._alone_since + GRACE - now))
        for job in self.jobs.values():
            if job.kill_at is not None:
                timeout = min(timeout, job.kill_at - now)
            if job.since is not None and job.doom is None and not job.final:
                timeout = min(timeout, self._limit(job) - job.trained(now))
        return max(0.0, timeout)

    def _turn(self, timeout: float) -> None:
        self._loop.turn(timeout)
        now = time.monotonic()
        if self._inbox and now >= self._wrote_at + TICK:
            self.flush()
        for job in list(self.jobs.values()):
            if job.status is not None and job.closed:
                self._finalise(job)
        self._watch_time(now)
        if now - self._mended_at > 1.0:
            self._mended_at = now
            self._mend()
        self.pump()
        self._watch_clients(now)

    def _watch_clients(self, now: float) -> None:
        if not self._app_gone or self.desk.present():
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since >= GRACE:
            self._ending = True

    def _watch_time(self, now: float) -> None:
        for job in self.jobs.values():
            limit = self._limit(job)
            if job.kill_at is not None and now >= job.kill_at:
                job.kill_at = None
                self.engine.kill(job.id)
            elif job.doom is None and not job.final and job.trained(now) > limit:
                job.doom = RunFailed(
                    code="run_too_long",
                    message=f"The run has trained for {limit:.0f} seconds, as long as is allowed.",
                    params={"seconds": round(limit)},
                )
                self.engine.kill(job.id)

    def _limit(self, job: Job) -> float:
        return self.limits.run_seconds if job.question is None else self.limits.answer_seconds

    def _watch_stdin(self) -> None:
        """Notice the end of the app: the system closes its end of our standard input, however it ends."""
        try:
            self._loop.watch(0, self._read_stdin)
        except (OSError, ValueError):  # Windows cannot select on a pipe, and nobody waits at a plain file
            import threading

            ours, theirs = socket.socketpair()

            def wait() -> None:
                with contextlib.suppress(OSError):
                    while os.read(0, 4096):
                        pass
                theirs.close()

            self._stdin_bell = theirs
            self._loop.watch(ours, lambda: self._end_of_app(ours))
            threading.Thread(target=wait, daemon=True).start()

    def _read_stdin(self) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if not data:
            self._end_of_app(0)

    def _end_of_app(self, file: socket.socket | int) -> None:
        self._loop.unwatch(file)
        self._app_gone = True

    # the store

    def write(self, work: Callable[[], object]) -> None:
        """Do `work` in one transaction; on a full disk release the ballast, keep what can be kept, end all runs.

        Raises:
            RunError: ``disk_full``: `work` could not be written, not even then; ``store_busy``.
        """
        try:
            with self.store.atomic():
                work()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                self._wrote_at = time.monotonic()
                raise RunError("store_busy", "The store is being read without end; try again.") from error
            if not disk.is_full(error):
                raise
            self._survive_full_disk(work)
        self._wrote_at = time.monotonic()
        self._remove_superfluous()
        self._commands.answer_waiters()

    def flush(self) -> None:
        """Write what the workers have said since the last tick."""
        inbox, self._inbox = self._inbox, []
        if not inbox:
            return
        try:
            self.write(lambda: self._record(inbox))
        except RunError as error:
            if error.code == "store_busy":  # some reader does not finish: try again with the next tick
                self._inbox = inbox + self._inbox
            # disk_full: the runs are ended, and marked when there is room

    def _record(self, inbox: list[tuple[Job, Event]]) -> None:
        for job, event in inbox:
            if job.dropped:
                continue
            try:
                self.store.record(job.run, event)
            except RunError:  # it was ended, or deleted, before the worker heard of it
                job.dropped = True
                self.engine.kill(job.id)
                continue
            if isinstance(event, CheckpointSaved):
                self._note_checkpoint(job, event)

    def _note_checkpoint(self, job: Job, event: CheckpointSaved) -> None:
        folder = checkpoint_folder(self.home, job.run)
        try:
            size = (folder / event.name).stat().st_size
        except OSError:
            return
        period = admission.checkpoint_epochs(TrainConfig.from_json(job.order["config"]))
        kept = event.minibatch == 0 and event.epoch % period == 0
        limit = self.limits.checkpoints_mb * admission.MEGABYTE
        gone = self.store.add_checkpoint(job.run, event, size, kept, limit)
        self._superfluous += [folder / name for name in gone]

    def _remove_superfluous(self) -> None:
        """Remove files only after the store has forgotten them."""
        files, self._superfluous = self._superfluous, []
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink()

    def _survive_full_disk(self, work: Callable[[], object]) -> None:
        self._superfluous = []
        self._ballast.release()
        try:
            with self.store.atomic():
                work()
            kept = True
        except sqlite3.OperationalError as error:
            if not disk.is_full(error):
                raise
            kept = False
        for job in self.jobs.values():
            if job.question is None and not job.final:
                self._undone[job.run] = disk.FAILED
            job.dropped = True
            self.engine.kill(job.id)
        self._mark_undone()
        if not kept:
            raise disk.full_error()

    def _mark_undone(self) -> None:
        def fail() -> None:
            for run, failed in self._undone.items():
                with contextlib.suppress(RunError):
                    if self.store.run(run).state == "queued":
                        self.store.move(run, "running")
                    self.store.record(run, failed)

        try:
            with self.store.atomic():
                fail()
        except sqlite3.OperationalError as error:
            if not disk.is_full(error):
                raise
        else:
            self._undone.clear()

    def _mend(self) -> None:
        if self._undone:
            self._mark_undone()
            self._commands.answer_waiters()
        self._ballast.fill()

    # the queue

    def pump(self) -> None:
        """Start what may start: questions first, then the runs whose turn it is."""
        asking = sum(job.question is not None for job in self.jobs.values())
        while self.questions and asking < self.limits.slots:
            self._start(self.questions.pop(0))
            asking += 1
        if self.questions:
            return
        training = [job for job in self.jobs.values() if job.question is None]
        if len(training) >= self.limits.slots:
            return
        started = {job.run for job in training}
        waiting = [(run, owner) for run, owner in self.store.waiting() if run not in started]
        if not waiting:
            return
        try:
            admission.check_space(self.home, self.limits)
        except RunError:
            return  # they go on waiting
        free = self.limits.slots - len(training)
        for run in admission.fair_order(waiting, [job.owner for job in training])[:free]:
            record = self.store.run(run)
            try:
                order = self._train_order(record)
            except RNNLabError as error:
                failed = RunFailed(code=error.code, message=error.message, params=error.params)
                self._fail(run, failed)
                continue
            self._start(Job(id=secrets.token_hex(6), run=run, order=order, owner=record.owner))

    def _train_order(self, record: RunRecord) -> dict[str, Any]:
        checkpoints = self.store.checkpoints(record.id)
        return {
            "order": "train",
            "run": record.id,
            "config": record.config.to_json(),
            "text": self.text(record.config),
            "checkpoint": str(checkpoints[-1][2]) if checkpoints else None,
            "device": self.store.device(record.id),
            "folder": str(checkpoint_folder(self.home, record.id)),
            "keep_every": admission.checkpoint_epochs(record.config),
            "limits": {"memory_mb": self.limits.memory_mb},
        }

    def text(self, config: TrainConfig) -> str:
        """Return the whole text of a corpus.

        Raises:
            CorpusError: it is not on this machine.
        """
        from rnnlab.text import corpora

        corpus = corpora.load(config.corpus, data_dir=self.home / "corpora", texts=self.store.text)
        return str(corpus.text)

    def _start(self, job: Job) -> None:
        self.jobs[job.id] = job
        job.unsent += encode(job.order)
        if job.question is not None:
            job.since = time.monotonic()
        self.engine.start(job.id)

    # what the engine reports

    def report(self, report: Report) -> None:
        """Hear from the engine."""
        match report:
            case Ready(facts):
                self.ready = True
                if facts:
                    with contextlib.suppress(RunError):
                        self.write(lambda: self.store.set_meta("speed", facts))
            case Attached(job_id, connection):
                job = self.jobs[job_id]
                job.connection = connection
                self._loop.watch(connection, lambda: self._read_worker(job), lambda: self.write_worker(job))
                self.write_worker(job)
            case Started(job_id, pid):
                if job_id in self.jobs:
                    self.jobs[job_id].pid = pid
                    if self.jobs[job_id].dropped or self.jobs[job_id].doom:
                        self.engine.kill(job_id)
            case Ended(job_id, status):
                if job_id in self.jobs:
                    job = self.jobs[job_id]
                    job.status = status
                    self._read_worker(job, whole=True)
                    self._hang_up(job)
            case Lost(jobs):
                self.ready = False
                for job_id in jobs:
                    if job_id in self.jobs:
                        job = self.jobs[job_id]
                        self._read_worker(job, whole=True)
                        self._hang_up(job)
                        job.status = 0
                        job.doom = job.doom or RunFailed(
                            code="run_host_killed",
                            message="The process that all runs come from was killed, and this run with it.",
                        )

    def _read_worker(self, job: Job, whole: bool = False) -> None:
        """Read what a worker has sent; after its end the `whole` of it.

        A worker that hangs up is settled when its exit is reported.
        """
        while not job.closed and job.connection is not None:
            try:
                data = job.connection.recv(1 << 18)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self._hang_up(job)
                return
            try:
                for message in job.lines.feed(data):
                    self._hear(job, message)
            except (ValueError, TypeError):
                self._doom(job, "run_protocol", "The process of this run sent something that cannot be read.")
                return
            if not whole:  # the others want to be heard too
                return

    def _hear(self, job: Job, message: dict[str, Any]) -> None:
        if job.final or job.dropped:
            return
        if job.question is not None:
            self._answer(job, message)
            return
        event = event_from_dict(message["event"])
        now = time.monotonic()
        match event.kind:
            case "run_started" | "run_resumed":
                job.paused, job.since = False, now
            case "run_paused":
                job.paused, job.seconds, job.since = True, job.trained(now), None
            case _ if isinstance(event, FINAL):
                job.final, job.kill_at = True, now + LAST_WORDS
        self._inbox.append((job, event))

    def _answer(self, job: Job, message: dict[str, Any]) -> None:
        job.final, job.kill_at = True, time.monotonic() + LAST_WORDS
        question = job.question
        assert question is not None
        if "answer" in message:
            answer = message["answer"]
            if answer.get("keep", True):
                with contextlib.suppress(RunError, sqlite3.IntegrityError):  # full disk; deleted meanwhile
                    self.write(lambda: self.store.add_answer(job.run, question, answer))
            self._reply(job, {"result": answer})
        elif job.again is not None and job.visitor is not None and message["error"]["code"] == "checkpoint_unreadable":
            # a run that trains fast had replaced its newest checkpoint before it was read
            self._commands.obey(job.visitor, job.again)
        else:
            self._reply(job, {"error": message["error"]})

    def _doom(self, job: Job, code: str, message: str) -> None:
        job.doom = RunFailed(code=code, message=message)
        self.engine.kill(job.id)

    def write_worker(self, job: Job) -> None:
        """Send a worker what waits to be sent."""
        if job.connection is not None and not job.closed:
            self._loop.send(job.connection, job.unsent)

    def _hang_up(self, job: Job) -> None:
        if job.connection is None:
            job.closed = True
        if job.closed:
            return
        job.closed = True
        assert job.connection is not None
        self._loop.unwatch(job.connection)
        job.connection.close()
        if job.status is None and job.kill_at is None:
            # it has gone silent: it is about to exit, or is made to
            job.kill_at = time.monotonic() + 0.5

    def _finalise(self, job: Job) -> None:
        """Settle a job whose process is gone."""
        self.flush()
        del self.jobs[job.id]
        if job.final or job.dropped:
            if job.question is not None and not job.final:
                self._reply(job, {"error": disk.full_error().to_dict()})
            return
        failed = job.doom or how_it_ended(job.status or 0)
        if job.question is not None:
            code = "answer_too_late" if failed.code == "run_too_long" else failed.code
            message = "The answer took too long; ask for less." if failed.code == "run_too_long" else failed.message
            error = RunError(code, message, **failed.params)
            self._reply(job, {"error": error.to_dict()})
            return
        self._fail(job.run, failed)

    def _fail(self, run: str, failed: RunFailed) -> None:
        def work() -> None:
            with contextlib.suppress(RunError):
                self.store.record(run, failed)

        try:
            self.write(work)
        except RunError:
            self._undone[run] = failed

    def _reply(self, job: Job, message: dict[str, Any]) -> None:
        if job.visitor is not None:
            self.desk.send(job.visitor, {"id": job.request, **message})

    def training(self, run: str) -> Job | None:
        """Return the job that trains a run, if one does."""
        for job in self.jobs.values():
            if job.run == run and job.question is None and not job.dropped:
                return job
        return None


def _drain(bell: socket.socket) -> None:
    with contextlib.suppress(OSError):
        bell.recv(4096)


def take_lock(home: Path, patience: float = 1.0) -> Any:
    """Return the open lock of `home`, or None where another supervisor holds it for longer than `patience`."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = open(home / protocol.LOCK, "a+b")  # noqa: SIM115 - it is held until the end
    deadline = time.monotonic() + patience
    while True:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if time.monotonic() > deadline:
                file.close()
                return None
            time.sleep(0.01)


def main(arguments: list[str]) -> int:
    """Serve the home that is given, and tell whoever started us how that went: one line on standard output."""
    home = Path(arguments[0]) if arguments else schema.home()

    def tell(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    try:
        lock = take_lock(home)
        if lock is None:
            tell({"busy": True})
            return 0
        supervisor = Supervisor(home, Limits.from_environment())
    except RNNLabError as error:
        tell({"error": error.to_dict()})
        return 1
    except (OSError, sqlite3.Error) as error:
        failed = RunError("home_unusable", f"Runs cannot be kept in {home}: {error}.", path=str(home))
        tell({"error": failed.to_dict()})
        return 1
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), supervisor.stop)
    # a signal ends the wait of the loop
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    supervisor.wake_by(ours)
    signal.set_wakeup_fd(theirs.fileno())
    tell({"ready": os.getpid()})
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
