"""A worker: a process that carries out one job, a training run or a question to a checkpoint (torch).

The process is forked from the zygote, or is `rnnlab.runs.spawned`. It receives one order, reports events or an answer,
and ends when the order is carried out or the other end of its socket is closed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import select
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from rnnlab.config import TrainConfig
from rnnlab.engine.control import Control
from rnnlab.engine.device import resolve_device
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.periods import ends_period
from rnnlab.engine.threads import Team
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.engine.transfer import adopt
from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import (
    CheckpointSaved,
    EpochFinished,
    Event,
    MinibatchFinished,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    SettingChanged,
    TextGenerated,
)
from rnnlab.runs import checkpoints
from rnnlab.runs.answers import answer
from rnnlab.runs.process import lower_priority, memory_pss_mb
from rnnlab.runs.protocol import (
    SUPERVISOR_TO_WORKER,
    AnswerFailure,
    AnswerOrder,
    ControlMessage,
    ErrorData,
    EventReport,
    Lease,
    Lines,
    Message,
    Park,
    Parked,
    Pause,
    Resume,
    Set,
    Share,
    StartingWeights,
    Step,
    Stop,
    TrainOrder,
    encode,
)
from rnnlab.runs.store import file_name
from rnnlab.text.vocab import Vocab

MINIBATCH_PERIOD = 0.5  # minimum seconds between two reported minibatches
CHECKPOINT_PERIOD = 10.0  # minimum seconds between two checkpoints at ends of epochs
PREDICTION_PERIOD = 1.0  # the same at the end of a prediction period, unless the history keeps that checkpoint anyway


class Link:
    """The socket to the supervisor, read by a thread, so that closing it ends the process even during a computation.

    After a `Lease`, the process also ends when no message arrives for its time: on the machine of a cluster, whose
    agent may be frozen while this process goes on.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lease: float | None = None  # in seconds
        self.messages: queue.SimpleQueue[TrainOrder | AnswerOrder | ControlMessage | Share] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Message) -> None:
        """Send a message; end the process if the supervisor is gone."""
        try:
            self._connection.sendall(encode(message))
        except OSError:
            os._exit(1)

    def _read(self) -> None:
        lines = Lines()
        while True:
            try:
                if self._lease is not None and not select.select([self._connection], [], [], self._lease)[0]:
                    os._exit(1)
                data = self._connection.recv(1 << 16)
                messages = [SUPERVISOR_TO_WORKER.decode(line) for line in lines.feed(data)]
            except (OSError, ValueError):
                os._exit(1)
            if not data:
                os._exit(0)
            for message in messages:
                if isinstance(message, Lease):
                    self._lease = message.seconds
                else:
                    self.messages.put(message)


def serve(connection: socket.socket) -> None:
    """Receive an order over `connection`, carry it out, and report the result or the failure."""
    link = Link(connection)
    order = link.messages.get()
    if not isinstance(order, TrainOrder | AnswerOrder):
        raise ValueError("the first message to a worker must be its order")
    _limit_process(order.memory_mb)
    try:
        if isinstance(order, AnswerOrder):
            link.send(answer(order))
        else:
            Training(order, link).run()
    except Exception as error:
        failed = _failure(error)
        kind = type(error) if isinstance(error, RNNLabError) else RunError
        del error
        _lift_memory_limit()
        if isinstance(order, AnswerOrder):
            link.send(AnswerFailure(error=ErrorData.of(kind(failed.code, failed.message, **failed.params))))
        else:
            link.send(EventReport(event=failed))


@dataclass(frozen=True)
class _Copy:
    """The state of a run: its position (epoch, minibatch), and what a checkpoint of it holds."""

    position: tuple[int, int]
    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str]


class Training:
    """A training run: the events of `train` are sent to the supervisor, and its control messages go to a `Control`.

    Args:
        order: configuration, text, checkpoint to continue from, and device on which the run started.
        link: socket to the supervisor.
    """

    def __init__(self, order: TrainOrder, link: Link) -> None:
        self._link = link
        self._config = TrainConfig.from_json(order.config)
        self._folder = Path(order.folder)
        self._keep_every = order.keep_every
        self._processor_clock = order.processor_clock
        self._control = Control(self._poll)
        self._stepping = False
        self._parking = False
        self._epoch_start: _Copy | None = None
        self._reported_at = 0.0  # time of the last reported minibatch
        self._withheld: MinibatchFinished | None = None
        self._saved_at = time.monotonic()
        self._saved: tuple[int, int] | None = None  # position of the last checkpoint, if nothing has changed since
        self._texts_left = 0
        prepare_thread(self._config)
        self._team = Team()
        self._vocab = Vocab(order.text)
        self._held_out = order.held_out
        self._indices = torch.tensor(self._vocab.encode(order.text), dtype=torch.long)
        device = resolve_device(self._config, len(self._vocab), order.device)
        # recordings measure the processor time of a single thread
        self._shares = device.type == "cpu" and not order.processor_clock
        model = build_model(self._config, len(self._vocab), device)
        if order.checkpoint:
            self._state = checkpoints.restore(model, self._config, Path(order.checkpoint))
            if order.further:
                self._state.patience.renew()
        else:
            if order.start is not None:
                self._adopt(order.start, model)
            self._state = TrainingState.begin(model, self._config)

    def _adopt(self, start: StartingWeights, model: LanguageModel) -> None:
        """Start `model` from the weights of a trained network."""
        source_vocab = Vocab.of(start.vocab)
        source = build_model(TrainConfig.from_json(start.config), len(source_vocab))
        checkpoints.load_weights(source, Path(start.path))
        adopt(model, self._vocab, source, source_vocab)

    def run(self) -> None:
        """Train to the end, or until the run is parked."""
        # the times in a recording must not depend on other load on the machine
        clock = time.thread_time if self._processor_clock else time.perf_counter
        for event in train(self._state, self._vocab, self._indices, self._control, clock, self._held_out):
            match event:
                case MinibatchFinished():
                    self._team.finished(event.seconds)
                    self._report_minibatch(event)
                    continue
                case RunFinished():
                    self._report_withheld()
                    self._save()  # before the last event, after which the supervisor accepts nothing
                    if self._parking and event.reason == "stopped":
                        self._link.send(Parked(paused=self._control.paused, step=self._control.stepping))
                        return
                case RunPaused():
                    self._report_withheld()
                case EpochFinished():
                    self._withheld = None
                case SettingChanged():
                    self._saved = None
                case _:
                    pass
            self._report(event)
            self._save_if_due(event)

    def _report(self, event: Event) -> None:
        self._link.send(EventReport(event=event))

    def _report_minibatch(self, event: MinibatchFinished) -> None:
        """Report at most one minibatch per period, but every minibatch when stepping or without detaching."""
        now = time.monotonic()
        if not self._config.detach:
            event = event.model_copy(update={"memory_mb": memory_pss_mb(os.getpid())})
        elif not self._stepping and now < self._reported_at + MINIBATCH_PERIOD:
            self._withheld = event
            return
        self._reported_at = now
        self._withheld = None
        self._report(event)

    def _report_withheld(self) -> None:
        """Report the last minibatch if it was withheld."""
        if self._withheld is not None:
            self._report(self._withheld)
            self._withheld = None

    def _save_if_due(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._texts_left = self._texts_due()
                # after the texts of epoch 0, so that a continued run does not write them again
                if event.epoch == event.minibatch == 0 and not self._texts_left:
                    self._save()
            case RunPaused():
                self._save()
            case EpochFinished():
                self._texts_left = self._texts_due()
                due = self._state.is_best or time.monotonic() > self._saved_at + CHECKPOINT_PERIOD
                if not self._texts_left and due:
                    self._save()
            case TextGenerated():
                self._texts_left -= 1
                kept = self._state.is_best or event.epoch % self._keep_every == 0
                interval = PREDICTION_PERIOD if ends_period(self._config, event.epoch) else CHECKPOINT_PERIOD
                if self._texts_left == 0 and (kept or time.monotonic() > self._saved_at + interval):
                    self._save()
            case _:
                pass

    def _texts_due(self) -> int:
        """Return the number of texts that are generated before the next minibatch."""
        return len(self._config.prefixes) if self._state.texts_due else 0

    def _save(self) -> None:
        state = self._state
        if state.restorable:
            metadata = state.metadata()
            if self._texts_left == 0:
                metadata["texts_due"] = "false"  # the last text has just been reported
            copy = _Copy((state.epoch, state.minibatch), state.tensors(), metadata)
        elif self._epoch_start is not None:
            settings = {name: state.metadata()[name] for name in ("learning_rate", "clip_norm")}
            copy = replace(self._epoch_start, metadata={**self._epoch_start.metadata, **settings})
        else:
            return
        if self._saved == copy.position:
            return
        epoch, minibatch = copy.position
        name = file_name(epoch, minibatch)
        checkpoints.save(self._folder, name, copy.tensors, copy.metadata)
        self._saved_at = time.monotonic()
        self._saved = copy.position
        # compare the saved position: without detaching, it is the start of the epoch
        best = state.patience.limit > 0 and copy.position == (state.patience.epoch, 0)
        self._report(CheckpointSaved(epoch=epoch, minibatch=minibatch, name=name, best=best))

    def _keep_epoch_start(self) -> None:
        """Copy the state at the start of an epoch, if a run cannot go on from within one."""
        if self._config.detach or self._state.minibatch:
            return
        tensors = {name: tensor.clone() for name, tensor in self._state.tensors().items()}
        self._epoch_start = _Copy((self._state.epoch, 0), tensors, self._state.metadata())

    def _poll(self, timeout: float | None) -> None:
        """Apply the control messages that have arrived; with None, wait for a message first."""
        if timeout is not None:
            self._keep_epoch_start()
        try:
            message = self._link.messages.get(block=timeout is None)
            while True:
                self._apply(message)
                message = self._link.messages.get_nowait()
        except queue.Empty:
            pass

    def _apply(self, message: TrainOrder | AnswerOrder | ControlMessage | Share) -> None:
        match message:
            case Share(threads=threads):
                if self._shares:
                    self._team.grant(threads)
            case Pause():
                self._control.pause()
            case Resume():
                self._stepping = False
                self._control.resume()
            case Step(unit=unit):
                self._stepping = unit != "period"
                self._control.step(unit)
            case Stop():
                self._control.stop()
            case Park():
                self._parking = not self._control.stopping
                self._control.stop()
            case Set(name=name, value=value):
                self._control.set(name, value)
            case TrainOrder() | AnswerOrder():
                raise ValueError("a worker carries out a single order")


def _limit_process(memory_mb: int) -> None:
    """Limit the memory of this process, lower its priority, and make it the first to be killed if memory runs out."""
    lower_priority()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("800")
    if sys.platform == "linux":
        import resource

        _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
        limit = memory_mb * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard_limit < 0 else min(limit, hard_limit), hard_limit))


def _lift_memory_limit() -> None:
    """Lift the memory limit, so that there is memory to report a failure."""
    if sys.platform == "linux":
        import resource

        _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard_limit, hard_limit))


def _failure(error: Exception) -> RunFailed:
    if isinstance(error, RNNLabError):
        return RunFailed(code=error.code, message=error.message, params=json.loads(json.dumps(error.params)))
    text = f"{type(error).__name__}: {error}"[:500]
    if checkpoints.lacks_memory(error):
        return RunFailed(code="run_out_of_memory", message="The run needed more memory than it is allowed.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFailed(code="disk_full", message="The disk is full: free some space, then continue the run.")
    return RunFailed(code="run_error", message=f"Unexpected error: {text}", params={"reason": text})
