"""The client of pages and shell: create runs, follow them, control them. No torch.

client = Client(Environment.from_environ())
run_id = client.create(TrainConfig())
for event in client.follow(run_id):
    ...
"""

from __future__ import annotations

import contextlib
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, BinaryIO, Literal

from rnnlab import private
from rnnlab.config import Decoding, TrainConfig
from rnnlab.environment import Environment
from rnnlab.errors import CorpusError, RNNLabError, RunError
from rnnlab.events import Diagnosis, Event
from rnnlab.nesting import too_deep
from rnnlab.runs import protocol, schema
from rnnlab.runs.admission import estimate_epoch
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.process import command, worker_environment
from rnnlab.runs.protocol import (
    SUPERVISOR_TO_CLIENT,
    SUPERVISOR_TO_STARTER,
    AddText,
    AskCheckpoint,
    Asker,
    AskRoom,
    ChangeSetting,
    CompareImplementations,
    ContinueRun,
    CreateRun,
    DeleteRun,
    Ending,
    EndRoom,
    FocusRoom,
    GetStatus,
    GuessInRoom,
    HomeBusy,
    ImportCheckpoint,
    ImportRun,
    JoinRoom,
    Lines,
    Message,
    OpenRoom,
    PauseRun,
    Refusal,
    RemoveName,
    RenameRun,
    Request,
    ResolveRoom,
    RestoreRun,
    Result,
    ResumeRun,
    ShortenLink,
    StarRun,
    StartFailure,
    StepRun,
    StopRun,
    WaitForChange,
    Welcome,
    encode,
)
from rnnlab.runs.store import Store
from rnnlab.runs.texts import Texts

TIMEOUT = 20.0  # seconds to wait for an answer, or for a supervisor to start
RESTART_DELAY = 5.0  # seconds before another supervisor takes the place of one that was told to end


class Client:
    """A connection to the supervisor of a home, usable from any thread; it reconnects by itself.

    The code that opens a client must close it; a ``with`` block connects and closes.

    Args:
        environment: the home and the settings of a supervisor that is started there; a path is the home of an
            environment without other settings.
        resumes: whether the runs that waited when nobody was left here start again; a server of pages wants that, a
            command of the shell does not.
    """

    def __init__(self, environment: Environment | Path, *, resumes: bool = False) -> None:
        self.environment = environment if isinstance(environment, Environment) else Environment(environment)
        self.home = self.environment.home
        self.store = Store(self.home / schema.DATABASE)
        self._connecting = threading.Lock()
        self._link: _Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._resumes = resumes
        self._closed = threading.Event()
        self._not_before = 0.0  # when a supervisor may be started again, by the monotonic clock
        self._vocab_sizes: dict[tuple[str, str, int], int] = {}

    def __enter__(self) -> Client:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect to the supervisor of this home, and start a supervisor if there is none.

        Raises:
            RunError: no supervisor could be started, with the reason.
        """
        self._ensure()

    def end_supervisor(self) -> None:
        """Ask the supervisor to end if this client started it; its runs are saved and resume at the next start.

        Signal handlers may call this method, as it never blocks.
        """
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(getattr(signal, "SIGHUP", signal.SIGTERM))

    def close(self) -> None:
        """Disconnect and close everything that this client opened.

        A supervisor that this client started ends unless another client is connected.
        """
        self._closed.set()
        with self._connecting:
            link, self._link = self._link, None
            process, self._process = self._process, None
        # without the lock, for which the reading thread of the link may be waiting
        if link is not None:
            link.close()
            link.join()
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        self.store.close()

    # runs

    def create(
        self,
        config: TrainConfig,
        *,
        name: str = "",
        based_on: str = "",
        language: str = "",
        batch: str = "",
        room: str = "",
    ) -> str:
        """Add a run to the queue and return its id.

        Args:
            config: the settings.
            name: the recipe that has exactly these settings, or "".
            based_on: the recipe from which the settings differ, or "".
            language: language of the texts of the run, "zh", "en" or "".
            batch: what the runs have in common that are started together, and count as one for a visitor's limits.
            room: the code of a room, or "".

        Raises:
            RNNLabError: the run cannot be trained (text, prefix, size), or no more runs are admitted (queue, disk).
        """
        return str(
            self._call(
                CreateRun,
                config=config.to_json(),
                name=name,
                based_on=based_on,
                language=language,
                batch=batch,
                room=room,
            )
        )

    def pause(self, run_id: str) -> None:
        """Pause a run before its next minibatch; a paused run stays as it is."""
        self._call(PauseRun, run=run_id)

    def resume(self, run_id: str) -> None:
        """Resume a paused run; a running run stays as it is."""
        self._call(ResumeRun, run=run_id)

    def step(self, run_id: str, unit: str = "minibatch") -> None:
        """Run to the end of the next "minibatch", "epoch" or "period", then pause."""
        self._call(StepRun, run=run_id, unit=unit)

    def stop(self, run_id: str) -> None:
        """Stop a run before its next minibatch; it can be continued. A stopped run stays as it is."""
        self._call(StopRun, run=run_id)

    def set(self, run_id: str, name: str, value: float | None) -> None:
        """Change "learning_rate" or "clip_norm" (None: off) of a run from its next minibatch on.

        Raises:
            ConfigError: the value is not allowed.
        """
        self._call(ChangeSetting, run=run_id, name=name, value=value)

    def continue_run(self, run_id: str, more_epochs: int = 0) -> None:
        """Continue an ended run from its last checkpoint, for `more_epochs` more epochs than planned."""
        self._call(ContinueRun, run=run_id, more_epochs=more_epochs)

    def delete(self, run_id: str) -> float:
        """Delete a run, its events and its checkpoints; a run that trains is ended first.

        Returns:
            the seconds in which `restore` can bring it back; 0 if there is too little space to keep it.
        """
        return float(self._call(DeleteRun, run=run_id))

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back, as it was; one that was training is interrupted.

        Raises:
            RunError: ``run_unknown``: it was deleted too long ago.
        """
        self._call(RestoreRun, run=run_id)

    def star(self, run_id: str, starred: bool) -> None:
        """Add or remove the star of a run."""
        self._call(StarRun, run=run_id, starred=starred)

    def rename(self, run_id: str, title: str) -> None:
        """Set the title of a run, one line of at most 80 characters; "" shows the name of its recipe again.

        Raises:
            RunError: ``title_invalid``.
        """
        self._call(RenameRun, run=run_id, title=title)

    def shorten(self, parameters: Mapping[str, str], address: bool = False) -> str:
        """Return a code of 7 or 8 letters for the parameters of a page; the same parameters have the same code.

        `store.link(code)` returns the parameters.

        Args:
            parameters: the parameters, with the name of the page.
            address: whether the code is only the page's own address, which is kept for some days.

        Raises:
            RunError: ``link_invalid``: too many, or too long; ``too_often``.
        """
        return str(self._call(ShortenLink, parameters=dict(parameters), address=address))

    def add_text(self, text: str, title: str, shared: bool = False) -> str:
        """Store a text to train on, and return its name for `TrainConfig.corpus`.

        Args:
            text: the text.
            title: its title.
            shared: whether all visitors may read it and train on it.

        Raises:
            CorpusError: the text is empty, binary or too large.
        """
        return str(self._call(AddText, text=text, title=title, shared=shared))

    def import_run(self, data: bytes | str) -> str:
        """Add an exported run, or an exported checkpoint with its run, and return the new id of the run.

        Without a checkpoint, the run can be viewed, but not continued.

        Raises:
            RunError: the data is not an exported run, see `export.import_run` and `portable.read`.
        """
        from rnnlab.runs import incoming, portable
        from rnnlab.runs.export import text_of

        if isinstance(data, bytes) and portable.is_checkpoint(data):
            portable.check_size(len(data))
            self.connect()  # a supervisor that starts removes what was handed over before
            with incoming.handed_over(self.home, data) as name:
                return str(self._call(ImportCheckpoint, file=name))
        return str(self._call(ImportRun, data=text_of(data)))

    # rooms

    def open_room(self, config: TrainConfig, *, recipe: str = "", title: str = "", opened: Collection[str] = ()) -> str:
        """Open a room and return its code.

        Args:
            config: the preset.
            recipe: the experiment of the preset.
            title: a title, or "".
            opened: the settings that members may change, of `rooms.OPENABLE`.

        Raises:
            RNNLabError: ``teacher_only``, or the preset cannot be trained.
        """
        return str(self._call(OpenRoom, config=config.to_json(), recipe=recipe, title=title, opened=tuple(opened)))

    def end_room(self, code: str) -> None:
        """End a room; its runs and guesses stay."""
        self._call(EndRoom, room=code)

    def join_room(self, code: str, name: str) -> None:
        """Join a room with a name of at most `rooms.MAX_NAME` characters, or change the name.

        Raises:
            RunError: ``room_unknown``, ``room_ended``, ``room_full``, ``name_invalid``.
        """
        self._call(JoinRoom, room=code, name=name)

    def remove_name(self, code: str, member: str) -> None:
        """Remove the name of a member."""
        self._call(RemoveName, room=code, member=member)

    def ask_room(self, code: str, question: str) -> int:
        """Put a question, one of `rooms.QUESTIONS`, to the members of a room; "" takes it back."""
        return int(self._call(AskRoom, room=code, asks=question))

    def resolve_room(self, code: str, run_id: str) -> None:
        """Let a run answer the question of a room."""
        self._call(ResolveRoom, room=code, run=run_id)

    def guess_in_room(self, code: str, value: str) -> None:
        """Guess the answer to the question of a room.

        Raises:
            RunError: ``guess_late``, ``guess_invalid``, ``room_stranger``: one joins before one guesses.
        """
        self._call(GuessInRoom, room=code, guess=value)

    def focus_room(self, code: str, parameters: Mapping[str, str] | None = None) -> None:
        """Show a page (``page`` and its parameters) to all members of a room; None ends it."""
        self._call(FocusRoom, room=code, parameters=dict(parameters or {}))

    def follow(self, run_id: str, cursor: int = 0) -> Iterator[Event]:
        """Yield the events of a run after sequence number `cursor`, as they arrive, until the run has ended."""
        while True:
            version = self.store.version(run_id)
            events = self.store.events_since(run_id, cursor)
            for seq, event in events:
                cursor = seq
                yield event
            record = self.store.run(run_id)
            if record.version != version:
                continue
            if not record.live:
                return
            self.wait(run_id, version)

    def wait(self, run_id: str, version: int, timeout: float | None = None) -> int:
        """Wait until the version of a run differs from `version`, at most `timeout` seconds, and return the version.

        If the supervisor dies, it is replaced, and the run ends as interrupted.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                return int(self._call(WaitForChange, run=run_id, version=version, _timeout=remaining))
            except FutureTimeoutError:
                return self.store.version(run_id)
            except RunError as error:
                if error.code != "supervisor_lost":
                    raise

    def generate(
        self,
        run_id: str,
        prefix: str,
        num_preds: int = 50,
        decoding: Decoding = "greedy",
        temperature: float = 1.0,
        top_k: int = 5,
        seed: int = 0,
        epoch: int | None = None,
    ) -> str:
        """Return `prefix` and the text that the network of a checkpoint generates after it.

        Args:
            run_id: the run.
            prefix: the beginning of the text.
            num_preds: number of characters to generate.
            decoding: method of choosing each character.
            temperature: temperature, for the decodings "temperature" and "top_k".
            top_k: k, for the decoding "top_k".
            seed: random seed, for the decodings that sample.
            epoch: epoch of a kept checkpoint; None: the newest checkpoint.

        Raises:
            PrefixError: a character outside the vocabulary.
            RunError: no such checkpoint, or no answer in time.
        """
        question = {
            "kind": "generate",
            "prefix": prefix,
            "num_preds": num_preds,
            "decoding": decoding,
            "temperature": temperature,
            "top_k": top_k,
            "seed": seed,
        }
        return str(self._ask(run_id, question, epoch)["text"])

    def diagnose(self, run_id: str, epoch: int | None = None) -> tuple[int, Diagnosis]:
        """Return the epoch of a checkpoint and the diagnosis of its network.

        Args:
            run_id: the run, which may be training.
            epoch: epoch of a kept checkpoint; None: the newest checkpoint.

        Raises:
            RunError: no such checkpoint, or no answer in time.
        """
        answer = self._ask(run_id, {"kind": "diagnose"}, epoch)
        return int(answer["epoch"]), Diagnosis.model_validate(answer["diagnosis"])

    def inspect(self, run_id: str, text: str, layer: int = 1, epoch: int | None = None) -> dict[str, Any]:
        """Return the states and gates of one layer along `text`, and the predictions at each character.

        Returns:
            ``epoch``, ``minibatch``, ``text``, ``layer``, ``num_layers``, ``num_hiddens``, ``vocab_size``; ``states``:
            for each ``name`` and ``direction`` the ``values``, base64 of little-endian float16 (len(text),
            num_hiddens); ``next``: at each position the five most probable characters as ``top``, the ``entropy`` in
            nats, and the ``surprise`` -ln p of the actual next character, None at the last position.

        Raises:
            PrefixError: a character outside the vocabulary.
            RunError: ``question_text``: not 1 to 200 characters; ``question_number``: no such layer.
        """
        return self._ask(run_id, {"kind": "inspect", "text": text, "layer": layer}, epoch)

    def dependence(self, run_id: str, text: str, position: int, epoch: int | None = None) -> dict[str, Any]:
        """Return how much the prediction after ``text[position]`` depends on each character up to `position`.

        Returns:
            ``position``, ``predicted`` (the most probable character), ``weights`` (at 0 ... position, the norm of the
            gradient of its logit with respect to the input row).

        Raises:
            PrefixError, RunError: as for `inspect`; ``question_number``: no such position.
        """
        return self._ask(run_id, {"kind": "dependence", "text": text, "position": position}, epoch)

    def fill_gap(self, run_id: str, before: str, after: str, epoch: int | None = None) -> dict[str, Any]:
        """Return the five most probable characters between `before` and `after` as ``top``.

        ``sees_after`` says whether the network reads the text after the gap; only a network with the cloze objective
        does.

        Raises:
            PrefixError, RunError: as for `inspect`, `before` and `after` together.
        """
        return self._ask(run_id, {"kind": "fill_gap", "before": before, "after": after}, epoch)

    def gaps(self, run_id: str, num: int = 400, epoch: int | None = None) -> dict[str, Any]:
        """Return how often the network fills a gap correctly, in the training text and in the held-out text.

        Returns:
            ``train`` and ``held_out`` (None if there is no such text), each with ``accuracy``, ``top5`` and ``num``;
            the gaps are the same for every run on the same text.

        Raises:
            RunError: ``question_number``: not 1 to 2000.
        """
        return self._ask(run_id, {"kind": "gaps", "num": num}, epoch)

    def parity(self, config: TrainConfig, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Compare the scratch and library implementations, with equal weights on one minibatch.

        Args:
            config: the settings of the network.
            changes: settings that replace those of `config`.

        Returns:
            ``loss_scratch``, ``loss_library``, ``logits_difference``, ``gradient_difference`` (the largest absolute
            differences), ``parameters`` (``name``, ``gradient_difference``), ``comparable`` (False for the GRU, whose
            equation in the book is a different function).

        Raises:
            RNNLabError: a network with these settings cannot be trained.
        """
        return dict(
            self._call(CompareImplementations, config=config.to_json(), changes=dict(changes or {}), _timeout=None)
        )

    def _ask(self, run_id: str, question: dict[str, Any], epoch: int | None) -> dict[str, Any]:
        # no timeout here: the supervisor ends an answer that takes too long
        return dict(self._call(AskCheckpoint, run=run_id, question=question, epoch=epoch, _timeout=None))

    # this machine

    def ready(self) -> bool:
        """Return whether torch is loaded, so that a run starts at once."""
        return bool(self.status()["ready"])

    def status(self, memory: bool = False) -> dict[str, Any]:
        """Return the state of the supervisor: `ready`, `slots`, `pids`, `runs`, `memory_mb` (PSS) and others."""
        return dict(self._call(GetStatus, memory=memory))

    def seconds_per_epoch(self, config: TrainConfig, vocab_size: Callable[[], int] | None = None) -> float | None:
        """Return the seconds of an epoch here, as measured in the last such run or estimated; None if unknown.

        The estimate is for a run that starts now and shares the cores with the running ones.

        Args:
            config: configuration of the run.
            vocab_size: returns the size of the vocabulary, for callers that have prepared the text; called only if no
                such run was measured.
        """
        measured = self.store.epoch_seconds(config)
        if measured is not None:
            return measured
        speed = self.store.meta("speed")
        if not speed:
            return None
        try:
            size = vocab_size() if vocab_size is not None else self._vocab_size(config)
        except CorpusError:
            return None
        running = len(self.store.runs(limit=100, states={"running"}))
        threads = max(1, int(speed.get("cores", 1)) // (running + 1))
        return estimate_epoch(config, size, speed["flops"], speed["op_seconds"], threads)

    def _vocab_size(self, config: TrainConfig) -> int:
        key = (config.corpus, config.preprocessing, config.num_chars)
        if key not in self._vocab_sizes:
            texts = Texts(self.environment.corpus_folders, self.store)
            self._vocab_sizes[key] = len(set(texts.prepared(config).train))
        return self._vocab_sizes[key]

    # the connection

    def _call(
        self, command: type[Message], /, _timeout: float | None = TIMEOUT, _asker: Asker | None = None, **fields: Any
    ) -> Any:
        for attempt in (1, 2):
            link = self._ensure()
            try:
                request, future = link.ask(command, fields, _asker)
            except OSError:  # the supervisor has died since the last message
                if attempt == 2:
                    raise _supervisor_lost() from None
                link.close()
                continue
            try:
                return future.result(_timeout)
            except FutureTimeoutError:
                link.forget(request)
                if command is WaitForChange:
                    raise
                raise RunError("supervisor_silent", "The supervisor does not respond.") from None
        raise _supervisor_lost()

    def _ensure(self) -> _Link:
        with self._connecting:
            self._check_open()
            if self._link is None or not self._link.alive:
                self._link = self._connect()
            return self._link

    def _connect(self) -> _Link:
        deadline = time.monotonic() + TIMEOUT
        pause = 0.01
        while True:
            endpoint = Endpoint.read(self.home)
            if endpoint is not None:
                try:
                    return _Link(endpoint.dial(resumes=self._resumes), self._wait_for_the_end, self._after)
                except OSError:
                    pass  # the supervisor has ended or is ending
            if (wait := self._not_before - time.monotonic()) > 0:
                self._closed.wait(min(wait, 0.2))  # another client may start one
                self._check_open()
                continue
            if time.monotonic() > deadline:
                raise RunError(
                    "supervisor_missing",
                    f"The supervisor in {self.home} could not be started; see supervisor.log there.",
                    path=str(self.home),
                )
            if self._start():
                continue
            time.sleep(pause)
            pause = min(0.2, pause * 2)

    def _start(self) -> bool:
        """Start a supervisor; return False if another supervisor holds the lock."""
        with self._open_log() as errors:
            process = subprocess.Popen(
                command("rnnlab.runs.supervisor", str(self.home)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=worker_environment() | self.environment.variables(),
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) if sys.platform == "win32" else 0,
            )
        # wait for the process, so that no zombie is left while this process lives
        threading.Thread(target=process.wait, daemon=True).start()
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout:
            line = process.stdout.readline()
        try:
            report = SUPERVISOR_TO_STARTER.decode(line)
        except ValueError:  # it died before it could report
            report = HomeBusy()
        if isinstance(report, StartFailure):
            process.stdin.close()
            raise report.error.rebuild()
        if isinstance(report, HomeBusy):
            process.stdin.close()
            return False
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process = process
        return True

    def _open_log(self) -> BinaryIO:
        """Open the log for the messages of a supervisor, and create the home if necessary.

        Raises:
            RunError: ``home_unusable``.
        """
        log = self.home / "supervisor.log"
        try:
            private.make_folder(self.home)
            mode: Literal["ab", "wb"] = "ab" if log.exists() and log.stat().st_size < 2**20 else "wb"
            return open(log, mode, opener=private.opener)
        except OSError as error:
            # the supervisor reports the same error
            message = f"Runs cannot be stored in {self.home}: {error}."
            raise RunError("home_unusable", message, path=str(self.home)) from error

    def _check_open(self) -> None:
        """Check that this client has not been closed.

        Raises:
            RunError: ``client_closed``.
        """
        if self._closed.is_set():
            raise RunError("client_closed", "This client has been closed.")

    def _wait_for_the_end(self) -> None:
        """Wait until a supervisor that is shutting down has ended, before another one is started."""
        self._not_before = math.inf

    def _after(self, replace: bool) -> None:
        """Handle the end of a connection: replace a crashed supervisor, so that its runs are marked at once.

        After a requested shutdown this process usually ends too, so no new supervisor is started for a while.
        """
        if self._not_before == math.inf:
            self._not_before = time.monotonic() + RESTART_DELAY
        if not replace:
            return
        with contextlib.suppress(RNNLabError, OSError):
            self._ensure()


class ClientOf(Client):
    """A client that sends commands in the name of a visitor, over the connection of `client`.

    Args:
        client: the connection, which stays open when this one is closed.
        asker: the visitor; None for the owner of the machine.
    """

    def __init__(self, client: Client, asker: Asker | None) -> None:
        self._client, self.asker = client, asker
        self.environment, self.home, self.store = client.environment, client.home, client.store
        self._vocab_sizes = client._vocab_sizes

    def connect(self) -> None:
        """Connect to the supervisor of this home, and start a supervisor if there is none."""
        self._client.connect()

    def close(self) -> None:
        """Do nothing, as the connection belongs to `client`."""

    def _call(
        self, command: type[Message], /, _timeout: float | None = TIMEOUT, _asker: Asker | None = None, **fields: Any
    ) -> Any:
        return self._client._call(command, _timeout=_timeout, _asker=self.asker, **fields)


class _Link:
    """A connection: sends requests from any thread and passes each answer to its future."""

    def __init__(
        self, connection: socket.socket, on_ending: Callable[[], None], on_end: Callable[[bool], None]
    ) -> None:
        self.alive = True
        self._on_ending = on_ending
        self._connection = connection
        self._on_end = on_end
        self._closing = False
        self._sending = threading.Lock()
        self._last = 0  # id of the last request
        self._error = _supervisor_lost  # what pending requests get when the connection ends
        self._pending: dict[int, Future[Any]] = {}
        self._lines = Lines()
        # a supervisor that is ending may still accept a connection and then close it without an answer
        self._handshake()
        self._reader = threading.Thread(target=self._read, daemon=True, name="rnnlab-client")
        self._reader.start()

    def ask(
        self, command: type[Message], fields: dict[str, Any], asker: Asker | None = None
    ) -> tuple[int, Future[Any]]:
        """Send a command; return the id of the request and the future of its result.

        Raises:
            OSError: the connection is broken.
            RunError: ``command_invalid``: a field is missing, of the wrong type, nested too deeply or too long.
        """
        with self._sending:
            self._last += 1
            request = self._last
        line = _encoded(request, command, fields, asker)
        future: Future[Any] = Future()
        self._pending[request] = future
        try:
            with self._sending:
                self._connection.sendall(line)
        except OSError:
            self._pending.pop(request, None)
            raise
        if not self.alive:  # the thread that ended the connection may have missed this request
            self._fail_all()
        return request, future

    def forget(self, request: int) -> None:
        self._pending.pop(request, None)

    def close(self) -> None:
        self._closing = True
        self.alive = False
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Wait until the socket of a closed link is closed."""
        self._reader.join()

    def _handshake(self) -> None:
        self._connection.settimeout(5.0)
        try:
            line = None
            while line is None:
                data = self._connection.recv(1 << 16)
                if not data:
                    raise ConnectionResetError
                line = next(self._lines.feed(data), None)
            if not isinstance(SUPERVISOR_TO_CLIENT.decode(line), Welcome):
                raise ConnectionResetError
        except (OSError, ValueError):
            self._connection.close()
            raise ConnectionResetError from None
        self._connection.settimeout(None)

    def _read(self) -> None:
        with self._connection:
            while True:
                try:
                    data = self._connection.recv(1 << 18)
                    for line in self._lines.feed(data):
                        self._receive(SUPERVISOR_TO_CLIENT.decode(line))
                except OSError:
                    break
                except Exception:  # whatever was sent, nobody may wait for its answer for ever
                    self._error = _supervisor_garbled
                    break
                if not data:
                    break
        self.alive = False
        self._fail_all()
        # reconnecting at once would receive the same unreadable data, so only the next command reconnects
        self._on_end(not self._closing and self._error is _supervisor_lost)

    def _receive(self, message: Welcome | Ending | Result | Refusal) -> None:
        if isinstance(message, Ending):
            self._on_ending()
            return
        if isinstance(message, Welcome) or not 1 <= message.id <= self._last:
            raise ValueError("an answer that was not asked for")
        future = self._pending.pop(message.id, None)
        if future is None:  # it came too late
            return
        if isinstance(message, Refusal):
            future.set_exception(message.error.rebuild())
        else:
            future.set_result(message.value)

    def _fail_all(self) -> None:
        while self._pending:
            try:
                _, future = self._pending.popitem()
            except KeyError:
                return
            future.set_exception(self._error())


def _encoded(request: int, command: type[Message], fields: dict[str, Any], asker: Asker | None) -> bytes:
    """Return the line of a request.

    Raises:
        RunError: ``command_invalid``: it would be refused, or end the connection that others use too.
    """
    name = command.__name__
    try:
        line = encode(Request(id=request, command=command(**fields), asker=asker))
    except (ValueError, RecursionError) as error:
        raise RunError("command_invalid", f"The command {name} is invalid: {error}.", command=name) from error
    if too_deep(line) or len(line) > protocol.MAX_LINE:
        message = f"The command {name} is invalid: it is nested too deeply or too long."
        raise RunError("command_invalid", message, command=name)
    return line


def _supervisor_lost() -> RunError:
    return RunError("supervisor_lost", "The supervisor ended unexpectedly and is being restarted. Try again.")


def _supervisor_garbled() -> RunError:
    return RunError("supervisor_garbled", "The supervisor sent something that cannot be read. Try again.")


__all__ = ["Client", "ClientOf"]
