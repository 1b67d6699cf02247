"""Tiny runs, how to wait for them, and what they say: made for tests."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.events import EpochFinished, RunStarted
from rnnlab.runs.client import Client
from rnnlab.runs.store import RunRecord

PATIENCE = float(os.environ.get("RNNLAB_TEST_PATIENCE", "30"))
"""Seconds that a test waits before it fails; nothing normally takes a tenth of it."""

VERSE = TrainConfig.make(
    corpus="verse-en",
    num_chars=600,
    num_hiddens=8,
    num_steps=5,
    batch_size=8,
    learning_rate=1.0,
    num_epochs=3,
    pred_period=2,
    num_preds=4,
    prefixes=("the",),
)
"""Takes milliseconds, on English verse."""
LYRICS = TrainConfig.make(
    num_chars=2000, num_hiddens=8, num_steps=10, batch_size=16, num_epochs=6, pred_period=2, num_preds=12
)
"""The same on Chinese lyrics, based on A2."""


def until(client: Client, run_id: str, wanted: Callable[[RunRecord], bool], patience: float = PATIENCE) -> RunRecord:
    """Wait until the record of a run is as wanted."""
    deadline = time.monotonic() + patience
    while True:
        record = client.store.run(run_id)
        if wanted(record):
            return record
        left = deadline - time.monotonic()
        assert left > 0, f"still {record}"
        client.wait(run_id, record.version, left)


def finish(client: Client, run_id: str) -> str:
    """Wait until a run has ended; return its id."""
    for _ in client.follow(run_id):
        pass
    return run_id


def exists(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not yet waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def epoch(number: int, perplexity: float | None = 50.0, **changes: Any) -> EpochFinished:
    """An epoch that half of clipping shortened, with two layers' gradients; None: the perplexity overflowed."""
    return EpochFinished(
        epoch=number,
        loss=math.log(perplexity) if perplexity else 50.0,
        perplexity=perplexity,
        seconds=0.5,
        num_tokens=9000,
        learning_rate=100.0,
        clip_norm=0.01,
        grad_norm=0.4,
        grad_norm_max=0.9,
        clipped_share=0.75,
        grad_norm_by_layer=(0.3, 0.1),
    ).model_copy(update=changes)


def started(done: int = 0) -> RunStarted:
    """The beginning of a run, or of its continuation after some epochs."""
    return RunStarted(epoch=done, num_params=10, vocab_size=1000, num_chars=10_000, num_minibatches=8, device="cpu")
