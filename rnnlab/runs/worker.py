"""One job in a process of its own: a training run, or a question to a checkpoint.

The process is forked from the zygote, or runs as ``python -m rnnlab.runs.worker PORT`` where there are no forks. It
gets one order, answers with events, and ends when it is done, or when the other end of its socket is closed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rnnlab.config import TrainConfig
from rnnlab.engine.control import Control
from rnnlab.engine.device import resolve_device
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
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
from rnnlab.runs.local import memory_pss_mb, yield_to_the_app
from rnnlab.runs.protocol import Lines, encode
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab

MINIBATCH_PERIOD = 0.5  # seconds between two minibatches that are told of
CHECKPOINT_PERIOD = 10.0  # seconds between two checkpoints, at ends of epochs
PREDICTION_PERIOD = 1.0  # the same where something was written, and the history does not keep it anyway


class Line:
    """The socket to the supervisor: reads in a thread, so that a closed socket ends the process even in mid-product."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; if nobody listens any more, end."""
        try:
            self._connection.sendall(encode(message))
        except OSError:
            os._exit(1)

    def _read(self) -> None:
        lines = Lines()
        while True:
            try:
                data = self._connection.recv(1 << 16)
                messages = list(lines.feed(data))
            except (OSError, ValueError):
                os._exit(1)
            if not data:
                os._exit(0)
            for message in messages:
                self.messages.put(message)


def serve(connection: socket.socket) -> None:
    """Do the one job that comes over `connection`, and say how it went."""
    line = Line(connection)
    order = line.messages.get()
    _limit(order.get("limits") or {})
    asked = order["order"] != "train"
    try:
        if asked:
            line.send({"answer": answer(order)})
        else:
            Training(order, line).run()
    except Exception as error:
        failed = _failure(error)
        kind = type(error) if isinstance(error, RNNLabError) else RunError
        del error
        _unlimit()
        if asked:
            line.send({"error": kind(failed.code, failed.message, **failed.params).to_dict()})
        else:
            line.send({"event": failed.model_dump()})


class Training:
    """A training run: what `train` says goes up the line, what comes down the line goes to its `Control`.

    Args:
        order: configuration, text, the checkpoint to go on from, and the device that the run started on.
        line: to the supervisor.
    """

    def __init__(self, order: Mapping[str, Any], line: Line) -> None:
        self._line = line
        self._config = TrainConfig.from_json(order["config"])
        self._folder = Path(order["folder"])
        self._keep_every = int(order["keep_every"])
        self._control = Control(self._poll)
        self._stepping = False
        self._told_at = 0.0
        self._withheld: MinibatchFinished | None = None
        self._saved_at = time.monotonic()
        self._saved: tuple[int, int] | None = None  # where the last checkpoint stands, if nothing has changed since
        self._texts_left = 0
        prepare_thread(self._config)
        train_text = prepare(order["text"], self._config.preprocessing, self._config.num_chars).train
        self._vocab = Vocab(train_text)
        self._indices = torch.tensor(self._vocab.encode(train_text), dtype=torch.long)
        device = resolve_device(self._config, len(self._vocab), order["device"])
        model = build_model(self._config, len(self._vocab), device)
        if order["checkpoint"]:
            self._state = checkpoints.restore(model, self._config, Path(order["checkpoint"]))
        else:
            self._state = TrainingState.begin(model, self._config)

    def run(self) -> None:
        """Train to the end."""
        # a recording is made on whatever machine is at hand, and shall not tell what else that one did
        clock = time.thread_time if os.environ.get("RNNLAB_CLOCK") == "processor" else time.perf_counter
        for event in train(self._state, self._vocab, self._indices, self._control, clock):
            match event:
                case MinibatchFinished():
                    self._tell_minibatch(event)
                    continue
                case RunFinished():
                    self._release()
                    self._save()  # before the last event: after it, nothing is accepted
                case RunPaused():
                    self._release()
                case EpochFinished():
                    self._withheld = None
                case SettingChanged():
                    self._saved = None
                case _:
                    pass
            self._tell(event)
            self._save_if_due(event)

    def _tell(self, event: Event) -> None:
        self._line.send({"event": event.model_dump()})

    def _tell_minibatch(self, event: MinibatchFinished) -> None:
        """Tell of some of the minibatches: of all of them where somebody looks at each."""
        now = time.monotonic()
        if not self._config.detach:
            event = event.model_copy(update={"memory_mb": memory_pss_mb(os.getpid())})
        elif not self._stepping and now < self._told_at + MINIBATCH_PERIOD:
            self._withheld = event
            return
        self._told_at = now
        self._withheld = None
        self._tell(event)

    def _release(self) -> None:
        """Tell of the last minibatch, where the run stands now."""
        if self._withheld is not None:
            self._tell(self._withheld)
            self._withheld = None

    def _save_if_due(self, event: Event) -> None:
        match event:
            case RunStarted():
                if event.epoch == event.minibatch == 0:
                    self._save()
            case RunPaused():
                self._save()
            case EpochFinished():
                self._texts_left = len(self._config.prefixes) if self._state.texts_due else 0
                if not self._texts_left and time.monotonic() > self._saved_at + CHECKPOINT_PERIOD:
                    self._save()
            case TextGenerated():
                self._texts_left -= 1
                kept = event.epoch % self._keep_every == 0
                if self._texts_left == 0 and (kept or time.monotonic() > self._saved_at + PREDICTION_PERIOD):
                    self._save()
            case _:
                pass

    def _save(self) -> None:
        epoch, minibatch = self._state.epoch, self._state.minibatch
        if not self._state.restorable or self._saved == (epoch, minibatch):
            return
        name = checkpoints.file_name(epoch, minibatch)
        metadata = self._state.metadata()
        if self._texts_left == 0 and epoch > 0:
            metadata["texts_due"] = "false"  # the last of them has just been told of
        checkpoints.save(self._folder, name, self._state.tensors(), metadata)
        self._saved_at = time.monotonic()
        self._saved = (epoch, minibatch)
        self._tell(CheckpointSaved(epoch=epoch, minibatch=minibatch, name=name))

    def _poll(self, timeout: float | None) -> None:
        """Pass on what has come down the line; with None, wait for something."""
        try:
            message = self._line.messages.get(block=timeout is None)
            while True:
                self._obey(message)
                message = self._line.messages.get_nowait()
        except queue.Empty:
            pass

    def _obey(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"control": "pause"}:
                self._control.pause()
            case {"control": "resume"}:
                self._stepping = False
                self._control.resume()
            case {"control": "step", "unit": ("minibatch" | "epoch" | "period") as unit}:
                self._stepping = unit != "period"
                self._control.step(unit)
            case {"control": "stop"}:
                self._control.stop()
            case {"control": "set", "name": name, "value": value}:
                self._control.set(name, value)
            case _:
                raise ValueError("the supervisor said something unknown")


def _limit(limits: Mapping[str, Any]) -> None:
    """Take no more memory than allowed, yield to the app, and be the first to go when the machine has none left."""
    yield_to_the_app()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("800")
    megabytes = limits.get("memory_mb")
    if megabytes and sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = int(megabytes) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


def _unlimit() -> None:
    """Have some memory to say that there was none."""
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _failure(error: Exception) -> RunFailed:
    if isinstance(error, RNNLabError):
        return RunFailed(code=error.code, message=error.message, params=json.loads(json.dumps(error.params)))
    text = f"{type(error).__name__}: {error}"[:500]
    words = ("allocate memory", "out of memory", "not enough memory", "bad_alloc")
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in text for word in words):
        return RunFailed(code="run_out_of_memory", message="The run needed more memory than it is allowed.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFailed(code="disk_full", message="The disk is full: free some space, then continue the run.")
    return RunFailed(code="run_error", message=f"The run broke: {text}", params={"reason": text})


def main(port: int) -> None:
    """Connect to the supervisor at `port` of this machine, and wait for a job."""
    from rnnlab.runs.zygote import warm_up

    facts = warm_up()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    token = os.environ.pop("RNNLAB_WORKER_TOKEN", "")
    connection.sendall(encode({"hello": token, "pid": os.getpid(), "facts": facts}))
    serve(connection)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
