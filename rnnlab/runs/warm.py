"""Warm-up of a process that will train (torch): the first steps, which are slow, and its speed."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.products import product
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.errors import RunError
from rnnlab.runs import checkpoints
from rnnlab.text.vocab import Vocab

_TEXT = "abcdefgh " * 8


def first_steps() -> None:
    """Run the steps of every kind of training."""
    for name, cell in CELLS.items():
        for implementation in ("scratch", "library") if cell.library else ("scratch",):
            _steps(cell=name, implementation=implementation)
    _steps(sampling="random", decoding="top_k")
    _steps(optimizer="adam")
    state = _steps(detach=False)
    with contextlib.suppress(OSError, RunError), tempfile.TemporaryDirectory() as folder:
        checkpoints.save(Path(folder), "warm", state.tensors(), state.metadata())


def _steps(**settings: Any) -> TrainingState:
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
    return state


def measure_speed() -> dict[str, float]:
    """Measure the speed of one core, to estimate runs that were never measured.

    Returns:
        ``flops``: multiplications and additions per second in a matrix product; ``op_seconds``: the time of a call of
        one small operation.
    """
    a, b = torch.rand(32, 256), torch.rand(256, 1024)
    flops = 2 * 32 * 256 * 1024 * per_second(lambda: product(a, b))
    x = torch.rand(32, 64)
    return {"flops": flops, "op_seconds": 1 / per_second(lambda: torch.tanh(x))}


def per_second(work: Callable[[], object], samples: int = 5) -> float:
    """Return how often `work` can be called per second of processor time, as the best of several short samples.

    With wall-clock time, a machine would look slow while it is busy with the page of the first visitor.
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
