"""The supervisor: the only writer of the store; starts, steers and ends runs. ``python -m rnnlab.runs.supervisor``

One thread, one loop, nothing that blocks. It ends when the app that started it is gone and no other client is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import CheckpointSaved, Event, RunDiverged, RunFailed, RunFinished, event_from_dict
from rnnlab.runs import admission, protocol, schema
from rnnlab.runs.admission import Limits
from rnnlab.runs.local import Attached, Ended, Lost, Ready, Report, Started, choose_engine, memory_pss_mb
from rnnlab.runs.protocol import ENDED, LIVE, Endpoint, Lines, encode
from rnnlab.runs.store import RunRecord, Store, Writer, checkpoint_folder, state_error

TICK = 0.02  # seconds between two transactions, at most one in each
GRACE = 0.3  # seconds without any client before the end
LAST_WORDS = 5.0  # seconds that a worker has to exit after its last event
BALLAST = 512 * 1024
MAX_UNREAD = 64 * 2**20  # bytes that a client may leave unread
FINAL = (RunFinished, RunDiverged, RunFailed)
DISK_FULL = RunFailed(code="disk_full", message="The disk is full: free some space, then continue the run.")


@dataclass
class Job:
    """A worker process and what it is for: a training run, or one question to a checkpoint."""

    id: str
    run: str
    order: dict[str, Any]
    owner: str = ""
    question: str | None = None  # JSON; None: a training run
    client: Client | None = None  # who asked, and by which number
    request: Any = None
    connection: socket.socket | None = None
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    pid: int | None = None
    status: int | None = None  # how the process ended
    closed: bool = False  # its socket did
    final: bool = False  # it has said its last event, or answered
    doom: RunFailed | None = None  # why it was killed
    dropped: bool = False  # nobody wants to hear of it any more
    kill_at: float | None = None
    paused: bool = False
    seconds: float = 0.0  # trained before the moment below
    since: float | None = None

    def trained(self, now: float) -> float:
        return self.seconds + (now - self.since if self.since is not None else 0.0)


@dataclass(eq=False)
class Client:
    """A page server or a shell that is connected."""

    connection: socket.socket
    lines: Lines = field(default_factory=Lines)
    unsent: bytearray = field(default_factory=bytearray)
    known: bool = False  # it has shown the token


class Supervisor:
    """Holds the store, the engine and everybody who is connected.

    Raises:
        RunError: the store cannot be used.
    """

    def __init__(self, home: Path, limits: Limits, watch_stdin: bool = True) -> None:
        self.home = home
        self.limits = limits
        self._selector = selectors.DefaultSelector()
        self._clients: dict[socket.socket, Client] = {}
        self._jobs: dict[str, Job] = {}
        self._questions: list[Job] = []
        self._waiters: list[tuple[Client, Any, str, int]] = []
        self._inbox: list[tuple[Job, Event]] = []
        self._superfluous: list[Path] = []
        self._undone: set[str] = set()  # runs to be marked as failed when the disk has room again
        self._wrote_at = 0.0
        self._checked_at = 0.0
        self._alone_since: float | None = time.monotonic() + 2.0  # who started it needs a moment to connect
        self._app_gone = not watch_stdin
        self._ending = False
        self.ready = False

        self._ballast = home / "ballast"
        self.store: Writer = self._with_ballast(lambda: Store.open_writer(home / schema.DATABASE))
        self.write(self.store.interrupt_all)
        self._fill_ballast()
        self._listener, self.endpoint = protocol.listen(os.environ.get("RNNLAB_TRANSPORT") == "tcp")
        before = Endpoint.read(home)
        if before is not None:
            before.remove()
        self._with_ballast(lambda: self.endpoint.write(home))
        self.watch(self._listener, self._accept)
        if watch_stdin:
            self._watch_stdin()
        self._engine = choose_engine(self)

    # the loop

    def run(self) -> NoReturn:
        """Serve until the app is gone and nobody else is connected."""
        while not self._ending:
            self._turn(self._timeout())
        self.close()
        os._exit(0)

    def close(self) -> None:
        """End all workers, keep what they said, and mark what did not come to its end as interrupted."""
        self._engine.close()
        for job in self._jobs.values():
            self._read_worker(job, whole=True)
        with contextlib.suppress(sqlite3.Error):
            self.flush()
            self.write(self.store.interrupt_all)
        self.store.close()
        for client in list(self._clients.values()):
            client.connection.close()
        with contextlib.suppress(OSError):
            (self.home / protocol.ENDPOINT).unlink()
        self.endpoint.remove()

    def watch(self, file: socket.socket, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `file` can be read."""
        self._selector.register(file, selectors.EVENT_READ, (callback, None))

    def unwatch(self, file: socket.socket) -> None:
        """No longer do so."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(file)

    def stop(self, *_: object) -> None:
        """End after this turn of the loop."""
        self._ending = True

    def _timeout(self) -> float:
        now = time.monotonic()
        if self._inbox:
            return max(0.0, self._wrote_at + TICK - now)
        timeout = 1.0
        if (engine := self._engine.tick()) is not None:
            timeout = min(timeout, engine)
        if self._alone_since is not None:
            timeout = min(timeout, max(0.02, self._alone_since + GRACE - now))
        deadlines = [job.kill_at for job in self._jobs.values() if job.kill_at is not None]
        return max(0.0, min([timeout, *(deadline - now for deadline in deadlines)]))

    def _turn(self, timeout: float) -> None:
        for key, events in self._selector.select(timeout):
            read, write = key.data
            if events & selectors.EVENT_WRITE and write is not None:
                write()
            if events & selectors.EVENT_READ and key.fileobj in self._selector.get_map():
                read()
        now = time.monotonic()
        if self._inbox and now >= self._wrote_at + TICK:
            self.flush()
        for job in list(self._jobs.values()):
            if job.status is not None and job.closed:
                self._finalise(job)
        self._watch_time(now)
        if now - self._checked_at > 1.0:
            self._checked_at = now
            self._mend()
        self._pump()
        self._watch_clients(now)

    def _watch_clients(self, now: float) -> None:
        if not self._app_gone or any(client.known for client in self._clients.values()):
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since >= GRACE:
            self._ending = True

    def _watch_time(self, now: float) -> None:
        for job in self._jobs.values():
            limit = self.limits.run_seconds if job.question is None else self.limits.answer_seconds
            if job.kill_at is not None and now >= job.kill_at:
                job.kill_at = None
                self._engine.kill(job.id)
            elif job.doom is None and not job.final and job.trained(now) > limit:
                job.doom = RunFailed(
                    code="run_too_long",
                    message=f"The run has trained for {limit:.0f} seconds, as long as is allowed.",
                    params={"seconds": round(limit)},
                )
                self._engine.kill(job.id)

    def _watch_stdin(self) -> None:
        """Notice the end of the app: the system closes its end of our standard input, however it ends."""
        try:
            self._selector.register(0, selectors.EVENT_READ, (self._read_stdin, None))
        except (OSError, ValueError):  # Windows cannot select on a pipe, and nobody waits at a plain file
            import threading

            ours, theirs = socket.socketpair()

            def wait() -> None:
                with contextlib.suppress(OSError):
                    while os.read(0, 4096):
                        pass
                theirs.close()

            self._stdin_bell = theirs
            self.watch(ours, lambda: self._end_of_app(ours))
            threading.Thread(target=wait, daemon=True).start()

    def _read_stdin(self) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if not data:
            self._end_of_app(0)

    def _end_of_app(self, file: socket.socket | int) -> None:
        self._selector.unregister(file)
        self._app_gone = True

    # the store

    def write(self, work: Callable[[], object]) -> None:
        """Do `work` in one transaction; on a full disk release the ballast, keep what can be kept, end all runs.

        Raises:
            RunError: ``disk_full``: `work` could not be written, not even then.
        """
        try:
            with self.store.atomic():
                work()
        except sqlite3.OperationalError as error:
            if not _is_disk_full(error):
                raise
            self._survive_full_disk(work)
        self._wrote_at = time.monotonic()
        self._remove_superfluous()
        self._answer_waiters()

    def flush(self) -> None:
        """Write what the workers have said since the last tick."""
        inbox, self._inbox = self._inbox, []
        if inbox:
            with contextlib.suppress(RunError):  # disk_full: the runs are ended, and marked when there is room
                self.write(lambda: self._record(inbox))

    def _record(self, inbox: list[tuple[Job, Event]]) -> None:
        for job, event in inbox:
            if job.dropped:
                continue
            try:
                self.store.record(job.run, event)
            except RunError:  # it was ended, or deleted, before the worker heard of it
                job.dropped = True
                self._engine.kill(job.id)
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
        with contextlib.suppress(OSError):
            self._ballast.unlink()
        try:
            with self.store.atomic():
                work()
            kept = True
        except sqlite3.OperationalError as error:
            if not _is_disk_full(error):
                raise
            kept = False
        for job in self._jobs.values():
            if job.question is None and not job.final:
                self._undone.add(job.run)
            job.dropped = True
            self._engine.kill(job.id)
        self._mark_undone()
        if not kept:
            raise RunError("disk_full", "The disk is full: nothing can be kept. Free some space, then try again.")

    def _mark_undone(self) -> None:
        def fail() -> None:
            for run in self._undone:
                with contextlib.suppress(RunError):
                    if self.store.run(run).state == "queued":
                        self.store.move(run, "running")
                    self.store.record(run, DISK_FULL)

        try:
            with self.store.atomic():
                fail()
        except sqlite3.OperationalError as error:
            if not _is_disk_full(error):
                raise
        else:
            self._undone.clear()

    def _with_ballast(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (sqlite3.OperationalError, OSError) as error:
            if not _is_disk_full(error) or not self._ballast.exists():
                raise
            self._ballast.unlink()
            return work()

    def _fill_ballast(self) -> None:
        """Keep some space that can be released when there is none left."""
        enough = self.limits.disk_floor_mb * admission.MEGABYTE
        with contextlib.suppress(OSError):
            if self._ballast.exists() and self._ballast.stat().st_size == BALLAST:
                return
            if shutil.disk_usage(self.home).free < enough:
                return
            with open(self._ballast, "wb") as file:
                file.write(os.urandom(BALLAST))  # not zeros: some file systems keep those in no space
                os.fsync(file.fileno())

    def _mend(self) -> None:
        if self._undone:
            self._mark_undone()
            self._answer_waiters()
        self._fill_ballast()

    # the queue

    def _pump(self) -> None:
        """Start what may start: questions first, then the runs whose turn it is."""
        asking = sum(job.question is not None for job in self._jobs.values())
        while self._questions and asking < self.limits.slots:
            self._start(self._questions.pop(0))
            asking += 1
        if self._questions:
            return
        training = [job for job in self._jobs.values() if job.question is None]
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
            "text": self._text(record.config),
            "checkpoint": str(checkpoints[-1][2]) if checkpoints else None,
            "folder": str(checkpoint_folder(self.home, record.id)),
            "keep_every": admission.checkpoint_epochs(record.config),
            "limits": {"memory_mb": self.limits.memory_mb},
        }

    def _text(self, config: TrainConfig) -> str:
        from rnnlab.text import corpora

        corpus = corpora.load(config.corpus, data_dir=self.home / "corpora", texts=self.store.text)
        return str(corpus.text)

    def _start(self, job: Job) -> None:
        self._jobs[job.id] = job
        job.unsent += encode(job.order)
        if job.question is not None:
            job.since = time.monotonic()
        self._engine.start(job.id)

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
                job = self._jobs[job_id]
                job.connection = connection
                self._selector.register(
                    connection, selectors.EVENT_READ, (lambda: self._read_worker(job), lambda: self._write_worker(job))
                )
                self._write_worker(job)
            case Started(job_id, pid):
                if job_id in self._jobs:
                    self._jobs[job_id].pid = pid
                    if self._jobs[job_id].dropped or self._jobs[job_id].doom:
                        self._engine.kill(job_id)
            case Ended(job_id, status):
                if job_id in self._jobs:
                    job = self._jobs[job_id]
                    job.status = status
                    self._read_worker(job, whole=True)
                    self._hang_up(job)
            case Lost(jobs):
                self.ready = False
                for job_id in jobs:
                    if job_id in self._jobs:
                        job = self._jobs[job_id]
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
        else:
            self._reply(job, {"error": message["error"]})

    def _doom(self, job: Job, code: str, message: str) -> None:
        job.doom = RunFailed(code=code, message=message)
        self._engine.kill(job.id)

    def _write_worker(self, job: Job) -> None:
        if job.connection is not None and not job.closed:
            self._send(job.connection, job.unsent)

    def _hang_up(self, job: Job) -> None:
        if job.connection is None:
            job.closed = True
        if job.closed:
            return
        job.closed = True
        assert job.connection is not None
        self.unwatch(job.connection)
        job.connection.close()
        if job.status is None and job.kill_at is None:
            # it has gone silent: it is about to exit, or is made to
            job.kill_at = time.monotonic() + 0.5

    def _finalise(self, job: Job) -> None:
        """Settle a job whose process is gone."""
        self.flush()
        del self._jobs[job.id]
        if job.final or job.dropped:
            if job.question is not None and not job.final:
                self._reply(job, {"error": DISK_FULL_ERROR.to_dict()})
            return
        failed = job.doom or _how_it_ended(job.status or 0)
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
            self._undone.add(run)

    # the clients

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        client = Client(connection)
        self._clients[connection] = client
        self._selector.register(
            connection, selectors.EVENT_READ, (lambda: self._read_client(client), lambda: self._write_client(client))
        )

    def _read_client(self, client: Client) -> None:
        try:
            data = client.connection.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop_client(client)
            return
        try:
            for message in client.lines.feed(data):
                if not client.known:
                    if not self.endpoint.accepts(message):
                        self._drop_client(client)
                        return
                    client.known = True
                    self._send_client(client, {"hello": os.getpid()})
                    continue
                self._obey(client, message)
        except ValueError:
            self._drop_client(client)

    def _drop_client(self, client: Client) -> None:
        if self._clients.pop(client.connection, None) is not None:
            self.unwatch(client.connection)
            client.connection.close()
        self._waiters = [waiter for waiter in self._waiters if waiter[0] is not client]

    def _send_client(self, client: Client, message: dict[str, Any]) -> None:
        if client.connection not in self._clients:
            return
        client.unsent += encode(message)
        if len(client.unsent) > MAX_UNREAD:
            self._drop_client(client)
        else:
            self._write_client(client)

    def _write_client(self, client: Client) -> None:
        if client.connection in self._clients and not self._send(client.connection, client.unsent):
            self._drop_client(client)

    def _send(self, connection: socket.socket, unsent: bytearray) -> bool:
        """Send what goes through now; say whether the other end is still there."""
        try:
            while unsent:
                del unsent[: connection.send(unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            unsent.clear()
            return False
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        key = self._selector.get_key(connection)
        if key.events != wanted:
            self._selector.modify(connection, wanted, key.data)
        return True

    def _reply(self, job: Job, message: dict[str, Any]) -> None:
        if job.client is not None:
            self._send_client(job.client, {"id": job.request, **message})

    def _obey(self, client: Client, message: dict[str, Any]) -> None:
        request = message.get("id")
        name = str(message.get("command"))
        command = getattr(self, f"_command_{name}", None)
        try:
            if command is None:
                raise RunError("command_unknown", f"There is no command {name!r}.", command=name[:40])
            self.flush()
            result = command(client, message)
        except RNNLabError as error:
            self._send_client(client, {"id": request, "error": error.to_dict()})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            wrong = RunError("command_invalid", f"The command {name!r} cannot be read: {error!r}.", command=name[:40])
            self._send_client(client, {"id": request, "error": wrong.to_dict()})
        else:
            if result is not LATER:
                self._send_client(client, {"id": request, "result": result})

    # commands: each returns its result, or LATER

    def _command_status(self, client: Client, message: dict[str, Any]) -> Any:
        pids = [os.getpid(), *self._engine.pids()]
        return {
            "ready": self.ready,
            "pid": os.getpid(),
            "pids": pids,
            "runs": {job.run: job.pid for job in self._jobs.values() if job.question is None},
            "slots": self.limits.slots,
            "clients": sum(other.known for other in self._clients.values()),
            "memory_mb": sum(memory_pss_mb(pid) or 0.0 for pid in pids) if message.get("memory") else None,
        }

    def _command_create(self, client: Client, message: dict[str, Any]) -> Any:
        config = TrainConfig.from_json(str(message["config"]))
        admission.check_space(self.home, self.limits)
        waiting = len(self.store.queue())
        admission.check_queue(waiting, self.limits)
        self._check_text(config)
        run = _new_id()

        def about(name: str) -> str:
            return str(message.get(name, ""))[:200]

        self.write(
            lambda: self.store.create(
                run,
                config,
                name=about("name"),
                based_on=about("based_on"),
                owner=about("owner"),
                language=about("language"),
            )
        )
        self._pump()
        return run

    def _check_text(self, config: TrainConfig) -> None:
        """Refuse at once what a worker would refuse later."""
        from rnnlab.text.preparation import check_trainable, prepare
        from rnnlab.text.vocab import Vocab

        train = prepare(self._text(config), config.preprocessing, config.num_chars).train
        check_trainable(train, config)
        vocab = Vocab(train)
        for prefix in config.prefixes:
            vocab.encode(prefix)
        minibatches = max(1, len(train) // (config.batch_size * config.num_steps))
        admission.check_memory(config, len(vocab), minibatches, self.limits)

    def _command_pause(self, client: Client, message: dict[str, Any]) -> Any:
        return self._steer(message, {"control": "pause"}, {"running"})

    def _command_resume(self, client: Client, message: dict[str, Any]) -> Any:
        return self._steer(message, {"control": "resume"}, {"paused"})

    def _command_step(self, client: Client, message: dict[str, Any]) -> Any:
        unit = str(message["unit"])
        if unit not in protocol.STEP_UNITS:
            allowed = ", ".join(protocol.STEP_UNITS)
            raise RunError("step_unknown", f"A step is one of: {allowed}.", unit=unit[:40], allowed=allowed)
        return self._steer(message, {"control": "step", "unit": unit}, {"running", "paused"})

    def _command_set(self, client: Client, message: dict[str, Any]) -> Any:
        name, value = str(message["name"]), message["value"]
        if name not in ("learning_rate", "clip_norm"):
            raise RunError(
                "setting_fixed",
                f"{name[:40]} cannot be changed during a run; learning_rate and clip_norm can.",
                name=name[:40],
                allowed="learning_rate, clip_norm",
            )
        value = getattr(TrainConfig.make(**{name: value}), name)
        return self._steer(message, {"control": "set", "name": name, "value": value}, {"running", "paused"})

    def _command_stop(self, client: Client, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        job = self._training(record.id)
        if record.state == "queued" and job is None:
            self.write(lambda: self.store.move(record.id, "stopped"))
            return None
        return self._steer(message, {"control": "stop"}, set(LIVE))

    def _steer(self, message: dict[str, Any], control: dict[str, Any], states: set[str]) -> None:
        record = self._mine(message)
        job = self._training(record.id)
        starting = record.state == "queued" and job is not None  # it hears of it before its first minibatch
        if job is None or job.final or not (record.state in states or starting):
            raise RunError(
                "run_state",
                f"Run {record.id} is {record.state}; this is for a run that is: {', '.join(sorted(states))}.",
                run=record.id,
                state=record.state,
                allowed=", ".join(sorted(states)),
            )
        job.unsent += encode(control)
        self._write_worker(job)

    def _command_continue(self, client: Client, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        more = int(message.get("more_epochs") or 0)
        if record.state not in ENDED:
            raise state_error(record.id, record.state, protocol.TRANSITIONS[record.state])
        if not record.continuable:
            raise RunError(
                "run_not_continuable",
                f"Run {record.id} cannot be continued: "
                + ("it diverged." if record.state == "diverged" else "it left no checkpoint."),
                run=record.id,
                state=record.state,
            )
        if more < 0 or (record.state == "finished" and more == 0):
            raise RunError("run_complete", f"Run {record.id} is complete; say how many more epochs.", run=record.id)
        admission.check_space(self.home, self.limits)
        admission.check_queue(len(self.store.queue()), self.limits)

        def work() -> None:
            if more:
                self.store.set_num_epochs(record.id, record.num_epochs + more)
            self.store.move(record.id, "queued")

        self.write(work)
        self._pump()

    def _command_delete(self, client: Client, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        for job in self._jobs.values():
            if job.run == record.id:
                job.dropped = True
                self._engine.kill(job.id)
        self.write(lambda: self.store.delete(record.id))
        shutil.rmtree(checkpoint_folder(self.home, record.id), ignore_errors=True)

    def _command_star(self, client: Client, message: dict[str, Any]) -> Any:
        record = self.store.run(str(message["run"]))
        self.write(lambda: self.store.star(record.id, bool(message["starred"])))

    def _command_add_text(self, client: Client, message: dict[str, Any]) -> Any:
        from rnnlab.text import corpora

        corpus = corpora.from_text(str(message["text"]), str(message.get("title", ""))[:200])
        admission.check_space(self.home, self.limits)
        self.write(lambda: self.store.add_text(corpus.name, corpus.text, corpus.title))
        return corpus.name

    def _command_import(self, client: Client, message: dict[str, Any]) -> Any:
        from rnnlab.runs.export import import_run

        recording = import_run(str(message["data"]))
        admission.check_space(self.home, self.limits)
        run, owner = _new_id(), str(message.get("owner", ""))[:200]

        def work() -> None:
            self.store.create(
                run,
                recording.config,
                name=recording.name,
                based_on=recording.based_on,
                owner=owner,
                language=recording.language,
            )
            self.store.move(run, "running")
            for event in recording.events:
                self.store.record(run, event)
            if self.store.run(run).live:  # it was exported before its end
                self.store.move(run, "interrupted")

        self.write(work)
        return run

    def _command_wait(self, client: Client, message: dict[str, Any]) -> Any:
        run, version = str(message["run"]), int(message["version"])
        now = self.store.version(run)
        if now != version:
            return now
        self._waiters.append((client, message.get("id"), run, version))
        return LATER

    def _answer_waiters(self) -> None:
        if not self._waiters:
            return
        versions = {run: self.store.version(run) for run in {waiter[2] for waiter in self._waiters}}
        waiters, self._waiters = self._waiters, []
        for client, request, run, version in waiters:
            if versions[run] != version:
                self._send_client(client, {"id": request, "result": versions[run]})
            else:
                self._waiters.append((client, request, run, version))

    def _command_ask(self, client: Client, message: dict[str, Any]) -> Any:
        record = self.store.run(str(message["run"]))
        question = _question(dict(message["question"]))
        checkpoints = self.store.checkpoints(record.id)
        epoch = message.get("epoch")
        if epoch is not None:
            at_epoch = [checkpoint for checkpoint in checkpoints if checkpoint[:2] == (int(epoch), 0)]
            if not at_epoch:
                allowed = ", ".join(str(epoch) for epoch, minibatch, _ in checkpoints if minibatch == 0) or "none yet"
                raise RunError(
                    "checkpoint_unknown",
                    f"Run {record.id} keeps no checkpoint of epoch {epoch}; it keeps those of: {allowed}.",
                    run=record.id,
                    epoch=epoch,
                    allowed=allowed,
                )
            checkpoints = at_epoch
        if not checkpoints:
            raise RunError("checkpoint_none", f"Run {record.id} has no checkpoint yet.", run=record.id)
        epoch, minibatch, file = checkpoints[-1]
        # the same question to the same weights has the same answer
        key = json.dumps({**question, "epoch": epoch, "minibatch": minibatch}, sort_keys=True, ensure_ascii=False)
        known = self.store.answer(record.id, key)
        if known is not None:
            return known
        order = {
            "order": "ask",
            "config": record.config.to_json(),
            "text": self._text(record.config),
            "checkpoint": str(file),
            "question": question,
            "limits": {"memory_mb": self.limits.memory_mb},
        }
        job = Job(secrets.token_hex(6), record.id, order, question=key, client=client, request=message.get("id"))
        self._questions.append(job)
        self._pump()
        return LATER

    def _mine(self, message: dict[str, Any]) -> RunRecord:
        record = self.store.run(str(message["run"]))
        admission.check_owner(record.owner, message.get("owner"))
        return record

    def _training(self, run: str) -> Job | None:
        for job in self._jobs.values():
            if job.run == run and job.question is None and not job.dropped:
                return job
        return None


LATER = object()


def _question(question: dict[str, Any]) -> dict[str, Any]:
    """Return a question in its one valid form.

    Raises:
        ConfigError: a value outside what is allowed.
        RunError: ``question_unknown``.
    """
    if question.get("kind") != "generate":
        raise RunError("question_unknown", "A checkpoint can be asked to: generate.", allowed="generate")
    names = ("num_preds", "decoding", "temperature", "top_k")
    checked = TrainConfig.make(
        prefixes=(question["prefix"],),
        random_seed=question["seed"],
        **{name: question[name] for name in names},
    )
    values = {name: getattr(checked, name) for name in names}
    return {"kind": "generate", "prefix": checked.prefixes[0], "seed": checked.random_seed, **values}


DISK_FULL_ERROR = RunError(DISK_FULL.code, DISK_FULL.message)


def _how_it_ended(status: int) -> RunFailed:
    if status < 0:
        number = -status
        with contextlib.suppress(ValueError):
            name = signal.Signals(number).name
            return RunFailed(
                code="run_killed",
                message=f"The process of this run was killed (signal {number}, {name}).",
                params={"signal": number, "name": name},
            )
        return RunFailed(
            code="run_killed", message=f"The process was killed (signal {number}).", params={"signal": number}
        )
    return RunFailed(
        code="run_exited",
        message=f"The process of this run ended too early (exit status {status}).",
        params={"status": status},
    )


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE
    import errno

    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _drain(bell: socket.socket) -> None:
    with contextlib.suppress(OSError):
        bell.recv(4096)


def _new_id() -> str:
    return "".join(secrets.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(8))


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
    supervisor.watch(ours, lambda: _drain(ours))
    signal.set_wakeup_fd(theirs.fileno())
    tell({"ready": os.getpid()})
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
