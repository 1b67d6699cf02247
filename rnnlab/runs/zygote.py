"""The zygote: a process with torch loaded and warm that forks a worker for each job.

``python -m rnnlab.runs.zygote FD``, started by the supervisor with one end of a socket. It has one thread and has taken
real training steps, because the first one imports hundreds of modules.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import torch

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.products import product
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.runs import checkpoints, worker
from rnnlab.runs.protocol import Lines, encode
from rnnlab.text.vocab import Vocab

_TEXT = "abcdefgh " * 8


def warm_up() -> dict[str, Any]:
    """Take training steps of every kind, and return how fast this machine is."""
    first_steps()
    further_steps()
    return measure_speed()


def first_steps() -> None:
    """Take the training steps that are quick to warm up for: all with SGD."""
    for name, cell in CELLS.items():
        for implementation in ("scratch", "library") if cell.library else ("scratch",):
            _steps(cell=name, implementation=implementation)
    _steps(sampling="random", decoding="top_k")


def further_steps() -> None:
    """Take the others: the first step with Adam imports hundreds of modules."""
    _steps(optimizer="adam")
    _steps(detach=False)


def _steps(**settings: Any) -> None:
    config = TrainConfig.make(
        **{
            "num_hiddens": 4,
            "batch_size": 2,
            "num_steps": 4,
            "num_epochs": 1,
            "pred_period": 1,
            "num_preds": 2,
            "prefixes": ("ab",),
            **settings,
        }
    )
    prepare_thread(config)
    vocab = Vocab(_TEXT)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    for _ in train(state, vocab, vocab.encode(_TEXT)):
        pass
    checkpoints.dumps(state.tensors(), state.metadata())


def measure_speed() -> dict[str, float]:
    """Return the products and the small operations that one core does in a second, to estimate unseen runs by."""
    a, b = torch.rand(32, 256), torch.rand(256, 1024)
    flops = 2 * 32 * 256 * 1024 * per_second(lambda: product(a, b))
    x = torch.rand(32, 64)
    return {"flops": flops, "op_seconds": 1 / per_second(lambda: torch.tanh(x))}


def per_second(work: Callable[[], object], samples: int = 5) -> float:
    """Return how often `work` can be done in a second of the processor, in the best of several short samples.

    By the clock a machine would look slow whose processors are busy now, with the page of the first visitor.
    """
    return max(_sample(work) for _ in range(samples))


def _sample(work: Callable[[], object], seconds: float = 0.008) -> float:
    count, used, started = 0, 0.0, time.thread_time()
    while used < seconds:
        for _ in range(10):
            work()
        count += 10
        used = time.thread_time() - started
    return count / used


class Zygote:
    """Forks workers and reports their ends.

    Args:
        connection: to the supervisor; when it closes, everything ends.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = Lines()
        self._sockets: list[int] = []  # received, in the order of the forks they are for
        self._children: dict[int, str] = {}
        self._heard, self._bell = socket.socketpair()
        for end in (self._heard, self._bell):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._connection, selectors.EVENT_READ)
        self._selector.register(self._heard, selectors.EVENT_READ)

    def run(self) -> NoReturn:
        """Serve until the supervisor is gone."""
        while True:
            self.turn(None)

    def turn(self, timeout: float | None) -> None:
        """Do what has come up; wait for it at most `timeout` seconds."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._heard:
                with contextlib.suppress(OSError):
                    self._heard.recv(4096)
                self._reap()
            else:
                self._read()

    def _read(self) -> None:
        try:
            data, sockets, _, _ = socket.recv_fds(self._connection, 65536, 64)
        except OSError:
            data, sockets = b"", []
        if not data:
            for pid in self._children:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            os._exit(0)
        self._sockets += sockets
        for message in self._lines.feed(data):
            match message:
                case {"fork": str(job)}:
                    self._fork(job, self._sockets.pop(0))
                case {"kill": str(job)}:
                    for pid in [pid for pid, other in self._children.items() if other == job]:
                        os.kill(pid, signal.SIGKILL)
                case _:
                    raise ValueError("the supervisor said something unknown")

    def _fork(self, job: str, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(descriptor)
        os.close(descriptor)
        self._children[pid] = job
        self._connection.sendall(encode({"forked": job, "pid": pid}))

    def _become_worker(self, descriptor: int) -> NoReturn:
        status = 1
        try:
            # what belongs to the zygote: were it held here, its end would not be noticed
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for end in (self._connection, self._heard, self._bell):
                end.close()
            for other in self._sockets:
                os.close(other)
            worker.serve(socket.socket(fileno=descriptor))
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            job = self._children.pop(pid, None)
            if job is not None:
                ended = os.waitstatus_to_exitcode(status)
                self._connection.sendall(encode({"ended": job, "status": ended}))


def main(descriptor: int) -> NoReturn:
    """Warm up, say so, and serve."""
    # Ctrl-C is for the app; the supervisor ends us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=descriptor)
    zygote = Zygote(connection)
    first_steps()
    _freeze()
    zygote.turn(0)  # a run may be waiting since before torch was loaded
    further_steps()
    facts = measure_speed()
    _freeze()
    connection.sendall(encode({"ready": facts}))
    zygote.run()


def _freeze() -> None:
    """Let the collector of a child leave alone, and so not copy, the pages that it shares with us."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main(int(sys.argv[1]))
