"""The commands of pages and shell, each validated before it is carried out."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rnnlab import private
from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs import admission, disk, incoming, links, origin, parking, protocol, questions, rooms
from rnnlab.runs.connections import Connection
from rnnlab.runs.jobs import Inquiry, Job
from rnnlab.runs.limits import Limits
from rnnlab.runs.protocol import (
    ENDED,
    AddText,
    AnswerOrder,
    AskCheckpoint,
    Asker,
    ChangeSetting,
    Command,
    CompareImplementations,
    ContinueRun,
    ControlMessage,
    CreateRun,
    DeleteRun,
    ErrorData,
    GetStatus,
    ImportCheckpoint,
    ImportRun,
    Message,
    PauseRun,
    Refusal,
    RenameRun,
    Request,
    RestoreRun,
    Result,
    ResumeRun,
    ShortenLink,
    StarRun,
    StartingWeights,
    StepRun,
    StopRun,
    WaitForChange,
)
from rnnlab.runs.rates import Rates
from rnnlab.runs.room_commands import RoomCommands
from rnnlab.runs.scheduler import new_job_id
from rnnlab.runs.store import RESTORABLE, RunRecord, check_title, checkpoint_folder, state_error
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.runs.texts import Texts

if TYPE_CHECKING:
    from rnnlab.runs.export import Recording
    from rnnlab.runs.portable import Portable

log = logging.getLogger(__name__)

LATER = object()
"""The result of a command that is answered later."""


class Host(Protocol):
    """The interface of the commands to the process that holds the store and the workers."""

    home: Path
    limits: Limits
    store: StoreWriter
    texts: Texts

    def write(self, work: Callable[[], object]) -> None:
        """Call `work`, which changes the store, in one transaction.

        Raises:
            RunError: ``disk_full``, ``store_busy``.
        """

    def flush(self) -> None:
        """Write the events that the workers have sent so far."""

    def send(self, connection: Connection, message: Message) -> None:
        """Send a message to a client."""

    def status(self, memory: bool) -> dict[str, Any]:
        """Return the state of the supervisor."""

    def start_waiting(self) -> None:
        """Start the jobs for which there are slots."""

    def training(self, run: str) -> Job | None:
        """Return the job that trains a run, if there is one that has not sent its last event."""

    def control(self, job: Job, message: ControlMessage) -> None:
        """Send a message to the worker of a job."""

    def ask(self, job: Job) -> None:
        """Start the job of a question, and send its answer to the client when it arrives."""

    def cancel(self, run: str, reason: RNNLabError) -> None:
        """Kill the jobs of a run; the clients that wait for an answer get `reason`."""


class _Caller(NamedTuple):
    """A client that waits for an answer, with the id of its request."""

    connection: Connection
    request: int
    asker: Asker | None

    @property
    def owner(self) -> str:
        """The owner of new runs and texts; "" is the owner of the machine."""
        return "" if self.asker is None else self.asker.id


class _Waiter(NamedTuple):
    """A client that waits for a run to change."""

    caller: _Caller
    run: str
    version: int


class Commands:
    """Carries out the commands of clients.

    Args:
        host: the store and the workers.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiters: list[_Waiter] = []
        self._rates = Rates()
        self._rooms = RoomCommands(host)

    def handle(self, connection: Connection, request: Request) -> None:
        """Carry out a request, and send its result or the reason for refusing it."""
        caller = _Caller(connection, request.id, request.asker)
        try:
            self._host.flush()
            result = self._carry_out(request.command, caller)
        except RNNLabError as error:
            self._host.send(connection, Refusal(id=request.id, error=ErrorData.of(error)))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            name = request.command.kind
            invalid = RunError("command_invalid", f"The command {name!r} cannot be read: {error!r}.", command=name)
            self._host.send(connection, Refusal(id=request.id, error=ErrorData.of(invalid)))
        except Exception:  # all clients and runs go on, and so does the one who asked
            log.exception("an unexpected error")
            failed = RunError("command_failed", "An unexpected error; supervisor.log in the home has the details.")
            self._host.send(connection, Refusal(id=request.id, error=ErrorData.of(failed)))
        else:
            if result is not LATER:
                self._host.send(connection, Result(id=request.id, value=result))

    def answer_waiters(self) -> None:
        """Answer the clients whose run has changed."""
        if not self._waiters:
            return
        versions = {run: self._host.store.version(run) for run in {waiter.run for waiter in self._waiters}}
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            version = versions[waiter.run]
            if version != waiter.version:
                self._host.send(waiter.caller.connection, Result(id=waiter.caller.request, value=version))
            else:
                self._waiters.append(waiter)

    def forget(self, connection: Connection) -> None:
        """Remove the waiting requests of a connection that is closed."""
        self._waiters = [waiter for waiter in self._waiters if waiter.caller.connection is not connection]

    def _carry_out(self, command: Command, caller: _Caller) -> Any:
        """Carry out a command and return its result, or `LATER`."""
        match command:
            case GetStatus():
                return self._host.status(command.memory)
            case CreateRun():
                return self._create(command, caller)
            case PauseRun():
                # also for a paused run: the store may not show a recent resume yet
                return self._control(command, caller, protocol.Pause(), {"running", "paused"})
            case ResumeRun():
                return self._control(command, caller, protocol.Resume(), {"running", "paused"})
            case StepRun():
                return self._step(command, caller)
            case ChangeSetting():
                return self._change_setting(command, caller)
            case StopRun():
                return self._stop(command, caller)
            case ContinueRun():
                return self._continue(command, caller)
            case DeleteRun():
                return self._delete(command, caller)
            case RestoreRun():
                return self._restore(command, caller)
            case StarRun():
                return self._star(command, caller)
            case RenameRun():
                return self._rename(command, caller)
            case ShortenLink():
                return self._shorten_link(command, caller)
            case AddText():
                return self._add_text(command, caller)
            case ImportRun():
                return self._import(command, caller)
            case ImportCheckpoint():
                return self._import_checkpoint(command, caller)
            case WaitForChange():
                return self._wait(command, caller)
            case AskCheckpoint():
                return self._ask_checkpoint(command, caller)
            case CompareImplementations():
                return self._compare_implementations(command, caller)
            case _:
                return self._rooms.carry_out(command, caller.asker)

    def _create(self, command: CreateRun, caller: _Caller) -> str:
        admission.check_identity(caller.asker)
        config = TrainConfig.from_json(command.config)
        self._check_space()
        admission.check_queue(len(self._host.store.queue()), self._host.limits)
        if command.room:
            room = self._host.store.room(command.room)
            rooms.check_config(config, room)
            if caller.asker is not None and not caller.asker.teacher:
                rooms.check_member(self._host.store.members(room.code), caller.owner)
        self._check_reader(config, caller, command.room)
        self._check_visitor(caller, "starts", batch=command.batch[:64])
        self._check_text(config)
        start = self._origin(config, caller)
        run = _new_run_id()
        if start is not None:
            self._keep_origin(start, run)

        def work() -> None:
            self._host.store.create(
                run,
                config,
                name=command.name[:200],
                based_on=command.based_on[:200],
                owner=caller.owner,
                language=command.language[:200],
                batch=command.batch[:64],
            )
            if command.room:
                self._host.store.put_into_room(run, room.code)

        try:
            self._host.write(work)
        except RunError:
            self._remove_files([run])
            raise
        self._host.start_waiting()
        return run

    def _check_visitor(self, caller: _Caller, rate: str, more: int = 0, batch: str | None = None) -> None:
        """Check a request against the limits for each visitor.

        Args:
            caller: the visitor.
            rate: the kind of action.
            more: bytes that it adds.
            batch: for a run to be trained, its batch or "".

        Raises:
            RunError: the limit that is met.
        """
        limits, store = self._host.limits, self._host.store
        if batch is not None:
            admission.check_visitor(store.live_groups(caller.owner), batch, limits, caller.asker)
        if limits.visitor_mb and caller.asker is not None:
            admission.check_bytes(store.bytes_of(caller.owner), more, limits, caller.asker)
        admission.check_rate(self._rates, rate, limits, caller.asker)

    def _check_reader(self, config: TrainConfig, caller: _Caller, room: str = "") -> None:
        """Check that the caller may read the text of a run; members may use the text of their room.

        Raises:
            CorpusError: ``text_not_yours``.
        """
        from rnnlab.text import corpora

        if corpora.is_uploaded(config.corpus) and not room:
            admission.check_reader(self._host.store.text_readers(config.corpus), caller.asker)

    def _check_text(self, config: TrainConfig) -> None:
        """Check at once what a worker would check later."""
        from rnnlab.text.preparation import check_trainable
        from rnnlab.text.vocab import Vocab

        train, held_out = self._host.texts.prepared(config)
        check_trainable(train, held_out, config)
        vocab = Vocab(train)
        for prefix in config.prefixes:
            vocab.encode_prefix(prefix)
        minibatches = max(1, len(train) // (config.batch_size * config.num_steps))
        admission.check_memory(config, len(vocab), minibatches, self._host.limits)

    def _origin(self, config: TrainConfig, caller: _Caller) -> StartingWeights | None:
        """Return the weights of another run that a new run starts from; None if it starts from others.

        The caller must own the other run and be allowed to read its text, because its network may have memorised it;
        an imported checkpoint is the caller's own file, and nothing of the text is read for it.

        Raises:
            CorpusError: ``text_not_yours``.
            RunError: ``start_not_yours``, or the weights are not there or do not fit.
        """
        if not config.start_from:
            return None

        found = origin.find(
            self._host.store, config.start_from, lambda record: admission.check_starts(record.owner, caller.asker)
        )
        if not found.ships and found.vocab is None:
            self._check_reader(found.config, caller)
        start = origin.described(found, config, self._host.texts.prepared)
        return None if found.ships else start

    def _keep_origin(self, start: StartingWeights, run: str) -> None:
        try:
            origin.keep(start, checkpoint_folder(self._host.home, run))
        except OSError as error:
            self._remove_files([run])
            raise disk.unsaved(error) from error

    def _step(self, command: StepRun, caller: _Caller) -> None:
        for unit in protocol.STEP_UNITS:
            if unit == command.unit:
                return self._control(command, caller, protocol.Step(unit=unit), {"running", "paused"})
        allowed = ", ".join(protocol.STEP_UNITS)
        raise RunError("step_unknown", f"A step must be one of: {allowed}.", unit=command.unit[:40], allowed=allowed)

    def _change_setting(self, command: ChangeSetting, caller: _Caller) -> None:
        for name in protocol.CHANGEABLE:
            if name == command.name:
                value = getattr(TrainConfig.make(**{name: command.value}), name)
                return self._control(command, caller, protocol.Set(name=name, value=value), {"running", "paused"})
        shown, allowed = command.name[:40], ", ".join(protocol.CHANGEABLE)
        raise RunError(
            "setting_fixed",
            f"{shown} cannot be changed during training; {' and '.join(protocol.CHANGEABLE)} can.",
            name=shown,
            allowed=allowed,
        )

    def _stop(self, command: StopRun, caller: _Caller) -> None:
        record = self._owned(command, caller)
        if record.state == "stopped":
            return
        waits = record.state == "queued" and self._host.training(record.id) is None
        if waits and record.id not in self._host.store.parked():
            self._host.write(lambda: self._host.store.move(record.id, "stopped"))
            return
        self._control(command, caller, protocol.Stop(), set(protocol.LIVE))

    def _control(
        self,
        command: PauseRun | ResumeRun | StepRun | ChangeSetting | StopRun,
        caller: _Caller,
        message: ControlMessage,
        states: set[str],
    ) -> None:
        """Send a message to the worker of a run that is in one of `states` or about to start."""
        record = self._owned(command, caller)
        job = self._host.training(record.id)
        if job is None and record.id in self._host.store.parked():
            self._host.write(lambda: parking.control(self._host.store, record.id, message))
            self._host.start_waiting()
            return
        if job is None or record.state not in {*states, "queued"}:
            allowed = ", ".join(sorted(states))
            raise RunError(
                "run_state",
                f"Run {record.id} is {record.state}; this is possible only for a run that is: {allowed}.",
                run=record.id,
                state=record.state,
                allowed=allowed,
            )
        self._host.control(job, message)

    def _continue(self, command: ContinueRun, caller: _Caller) -> None:
        record = self._owned(command, caller)
        if record.state == "queued" and record.id in self._host.store.held():
            self._host.write(lambda: self._host.store.release([record.id]))
            self._host.start_waiting()
            return
        more = command.more_epochs
        if record.state not in ENDED:
            raise state_error(record.id, record.state, protocol.TRANSITIONS[record.state])
        if not record.continuable:
            raise RunError(
                "run_not_continuable",
                f"Run {record.id} cannot be continued: "
                + ("it diverged." if record.state == "diverged" else "it has no checkpoint."),
                run=record.id,
                state=record.state,
            )
        self._check_imported(record, self._host.store.checkpoints(record.id)[-1][2], caller)
        if more < 0 or (record.state == "finished" and more == 0):
            raise RunError(
                "run_complete", f"Run {record.id} is complete; say how many more epochs to train.", run=record.id
            )
        self._check_space()
        admission.check_queue(len(self._host.store.queue()), self._host.limits)
        self._check_visitor(caller, "starts", batch="")

        def work() -> None:
            if more:
                # a run that early stopping ended has not reached its number of epochs
                base = record.epoch if record.state == "finished" else record.num_epochs
                self._host.store.set_num_epochs(record.id, base + more)
            self._host.store.move(record.id, "queued")

        self._host.write(work)
        self._host.start_waiting()

    def _delete(self, command: DeleteRun, caller: _Caller) -> float:
        record = self._owned(command, caller)
        keep = True
        try:
            admission.check_space(self._host.home, self._host.limits)
            self._host.write(lambda: self._host.store.discard(record.id))
        except RunError as error:
            if error.code not in ("disk_low", "disk_full"):
                raise
            # whoever deletes runs then needs their space
            keep = False
            self._host.write(lambda: self._host.store.delete(record.id))
        self._host.cancel(record.id, RunError("run_unknown", f"Run {record.id} was deleted.", run=record.id))
        if keep:
            return RESTORABLE
        self._remove_files([record.id])
        self.purge(0.0)
        return 0.0

    def _restore(self, command: RestoreRun, caller: _Caller) -> None:
        self.purge()
        for run in self._host.store.deleted(command.run):
            admission.check_owner(run.owner, caller.asker)
        self._host.write(lambda: self._host.store.restore(command.run))
        self._host.start_waiting()

    def purge(self, seconds: float = RESTORABLE) -> None:
        """Delete the runs for good that were deleted more than `seconds` ago.

        Raises:
            RunError: ``disk_full``, ``store_busy``.
        """
        store, gone = self._host.store, list[str]()
        if not store.expired(before := time.time() - seconds):
            return
        # in three steps, so that a kill in between leaves neither files without a run nor a run without its files
        self._host.write(lambda: gone.extend(store.give_up(before)))
        self._remove_files(gone)
        self._host.write(store.purge)

    def prune(self) -> None:
        """Delete the runs without a star, and the texts without runs, that are older than the limits allow.

        Addresses of pages are deleted after `ADDRESS_DAYS`, whatever the limits.

        Raises:
            RunError: ``disk_full``, ``store_busy``.
        """
        days = self._host.limits.keep_days
        store, before = self._host.store, time.time() - days * 86400
        if store.has_old_addresses(old := time.time() - links.ADDRESS_DAYS * 86400):
            self._host.write(lambda: store.prune_addresses(old))
        if not days or not store.has_old(before):
            return
        self._host.write(lambda: store.prune(before))
        self.purge(0.0)

    def _remove_files(self, runs: Iterable[str]) -> None:
        for run in runs:
            shutil.rmtree(checkpoint_folder(self._host.home, run), ignore_errors=True)

    def _check_space(self) -> None:
        """Check that there is enough free space for a new run; if not, give up the deleted runs first.

        Raises:
            RunError: ``disk_low``, ``home_full``.
        """
        try:
            self._check_bytes()
        except RunError:
            self.purge(0.0)
            self._check_bytes()

    def _check_bytes(self) -> None:
        admission.check_space(self._host.home, self._host.limits)
        if self._host.limits.home_mb:
            admission.check_home(self._host.store.bytes(), self._host.limits)

    def _star(self, command: StarRun, caller: _Caller) -> None:
        record = self._owned(command, caller)
        self._host.write(lambda: self._host.store.star(record.id, command.starred))

    def _rename(self, command: RenameRun, caller: _Caller) -> None:
        record = self._owned(command, caller)
        title = check_title(command.title)
        self._host.write(lambda: self._host.store.rename(record.id, title))

    def _shorten_link(self, command: ShortenLink, caller: _Caller) -> str:
        admission.check_identity(caller.asker)
        parameters = links.checked(command.parameters)
        store, codes = self._host.store, list[str]()
        known = store.code_of(parameters)
        if command.address:
            if known is None:
                self._check_bytes()  # deleted runs are not given up for it
                admission.check_rate(self._rates, "addresses", self._host.limits, caller.asker)
            self._host.write(lambda: codes.append(store.add_address(parameters, caller.owner)))
            return codes[-1]
        if known is None or not store.is_shared(known):
            self._check_space()
            admission.check_rate(self._rates, "links", self._host.limits, caller.asker)
        self._host.write(lambda: codes.append(store.add_link(parameters)))  # the links used last are kept
        return codes[-1]

    def _add_text(self, command: AddText, caller: _Caller) -> str:
        from rnnlab.text import corpora

        admission.check_identity(caller.asker)
        corpus = corpora.from_text(command.text, command.title[:200])
        self._check_space()
        self._check_visitor(caller, "texts", len(corpus.text.encode()))
        self._host.write(
            lambda: self._host.store.add_text(corpus.name, corpus.text, corpus.title, caller.owner, command.shared)
        )
        return corpus.name

    def _import(self, command: ImportRun, caller: _Caller) -> str:
        from rnnlab.runs.export import import_run

        admission.check_identity(caller.asker)
        recording = import_run(command.data)
        self._check_space()
        self._check_visitor(caller, "starts", len(command.data))
        run = _new_run_id()
        self._host.write(lambda: self._add_recording(run, recording, caller))
        return run

    def _import_checkpoint(self, command: ImportCheckpoint, caller: _Caller) -> str:
        """Add a run with its checkpoint; remove the handed-over file, also after an error."""
        from rnnlab.runs import portable

        file = incoming.find(self._host.home, command.file)
        try:
            admission.check_identity(caller.asker)
            with open(file, "rb") as opened:
                taken = portable.read(opened)
            size = file.stat().st_size
            self._check_space()
            self._check_visitor(caller, "starts", size)
            return self._take_over(file, taken, size, caller)
        except OSError as error:
            raise disk.unsaved(error) from error
        finally:
            file.unlink(missing_ok=True)

    def _take_over(self, file: Path, taken: Portable, size: int, caller: _Caller) -> str:
        run = _new_run_id()
        saved = taken.saved()
        folder = checkpoint_folder(self._host.home, run)

        def work() -> None:
            self._add_recording(run, taken.recording, caller)
            self._host.store.add_checkpoint(run, saved, size, keep_every=1, limit=size)

        try:
            private.make_folder(folder)
            file.rename(folder / saved.name)
            self._host.write(work)
        except BaseException:
            self._remove_files([run])
            raise
        return run

    def _add_recording(self, run: str, recording: Recording, caller: _Caller) -> None:
        store = self._host.store
        store.create(
            run,
            recording.config,
            name=recording.name,
            based_on=recording.based_on,
            owner=caller.owner,
            language=recording.language,
        )
        store.rename(run, recording.title)
        store.add_recorded(run, recording.events)

    def _check_imported(self, record: RunRecord, file: Path, caller: _Caller) -> None:
        """Check that a run on an imported checkpoint can use the text that is here, where it names one.

        Raises:
            CorpusError: ``text_not_yours``, or the text is not here.
            RunError: ``checkpoint_text``: the text here has other characters.
        """
        from rnnlab.runs import portable
        from rnnlab.text.vocab import Vocab

        if record.id not in self._host.store.imported():
            return
        self._check_reader(record.config, caller)
        carried = portable.vocabulary(file)
        if carried not in (None, "".join(Vocab(self._host.texts.prepared(record.config).train).idx_to_token)):
            raise RunError(
                "checkpoint_text",
                f"The text {record.config.corpus} on this machine has other characters than the one that this imported"
                " network was trained on, so they cannot be used together. Other runs can start from its weights.",
                corpus=record.config.corpus,
            )

    def _wait(self, command: WaitForChange, caller: _Caller) -> Any:
        version = self._host.store.version(command.run)
        if version != command.version:
            return version
        self._waiters.append(_Waiter(caller, command.run, version))
        return LATER

    def _ask_checkpoint(self, command: AskCheckpoint, caller: _Caller) -> Any:
        record = self._host.store.run(command.run)
        self._check_reader(record.config, caller)
        question = questions.checked(command.question, record.config)
        epoch, minibatch, file = self._checkpoint(record, command.epoch)
        self._check_imported(record, file, caller)
        # equal questions to equal weights have equal answers
        key = json.dumps({**question, "epoch": epoch, "minibatch": minibatch}, sort_keys=True, ensure_ascii=False)
        known = self._host.store.answer(record.id, key)
        if known is not None:
            return known
        admission.check_rate(self._rates, "questions", self._host.limits, caller.asker)
        return self._ask(record.id, record.config, question, file, key, caller)

    def _checkpoint(self, record: RunRecord, epoch: int | None) -> tuple[int, int, Path]:
        """Return (epoch, minibatch, file) of the checkpoint of `epoch`, or of the newest one."""
        checkpoints = self._host.store.checkpoints(record.id)
        if epoch is not None:
            at_epoch = [checkpoint for checkpoint in checkpoints if checkpoint[:2] == (epoch, 0)]
            if not at_epoch:
                allowed = ", ".join(str(epoch) for epoch, minibatch, _ in checkpoints if minibatch == 0) or "none yet"
                raise RunError(
                    "checkpoint_unknown",
                    f"Run {record.id} has no checkpoint of epoch {epoch}; its checkpoints are of: {allowed}.",
                    run=record.id,
                    epoch=epoch,
                    allowed=allowed,
                )
            checkpoints = at_epoch
        if not checkpoints:
            raise RunError("checkpoint_none", f"Run {record.id} has no checkpoint yet.", run=record.id)
        return checkpoints[-1]

    def _compare_implementations(self, command: CompareImplementations, caller: _Caller) -> Any:
        config = TrainConfig.from_json(command.config).change(**command.changes)
        config = config.change(sampling="consecutive", offset="zero")  # the minibatch is at the start of the text
        self._check_reader(config, caller)
        self._check_text(config)
        admission.check_rate(self._rates, "questions", self._host.limits, caller.asker)
        return self._ask("", config, {"kind": "parity"}, None, "", caller)

    def _ask(
        self,
        run: str,
        config: TrainConfig,
        question: dict[str, Any],
        checkpoint: Path | None,
        key: str,
        caller: _Caller,
    ) -> Any:
        text = self._host.texts.prepared(config)
        order = AnswerOrder(
            config=config.to_json(),
            text=text.train,
            held_out=text.held_out,
            checkpoint=None if checkpoint is None else str(checkpoint),
            device=self._host.store.device(run),
            question=question,
            memory_mb=self._host.limits.memory_mb,
        )
        inquiry = Inquiry(caller.connection, caller.request, key, checkpoint)
        self._host.ask(Job(new_job_id(), run, order, inquiry=inquiry))
        return LATER

    def _owned(self, command: _OfARun, caller: _Caller) -> RunRecord:
        """Return the run of a command after checking that the caller may control it."""
        record = self._host.store.run(command.run)
        admission.check_owner(record.owner, caller.asker)
        return record


_OfARun = PauseRun | ResumeRun | StepRun | ChangeSetting | StopRun | ContinueRun | DeleteRun | StarRun | RenameRun


def _new_run_id() -> str:
    return "".join(secrets.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(8))
