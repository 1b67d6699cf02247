"""Tiny runs for tests, functions that wait for them, the parts of their checkpoints, and sample events."""

from __future__ import annotations

import json
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
"""Seconds that a test waits before it fails; normal waits take less than a tenth of this."""

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
"""A run on English verse that takes milliseconds."""
PATIENT = VERSE.change(
    num_hiddens=48,
    optimizer="adam",
    learning_rate=0.02,
    clip_norm=None,
    num_epochs=400,
    pred_period=1000,
    held_out_period=2,
    early_stopping=3,
)
"""A run that learns its text by heart within a second, and stops early."""
LYRICS = TrainConfig.make(
    num_chars=2000, num_hiddens=8, num_steps=10, batch_size=16, num_epochs=6, pred_period=2, num_preds=12
)
"""A similar run on Chinese lyrics, based on A2."""


def until(client: Client, run_id: str, condition: Callable[[RunRecord], bool], patience: float = PATIENCE) -> RunRecord:
    """Wait until the record of a run fulfils a condition, and return it."""
    deadline = time.monotonic() + patience
    while True:
        record = client.store.run(run_id)
        if condition(record):
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
    """Return whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def split(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the tensors of a safetensors file."""
    length = int.from_bytes(file[:8], "little")
    return json.loads(file[8 : 8 + length]), file[8 + length :]


def joined(header: dict[str, Any] | bytes, tensors: bytes, length: int | None = None) -> bytes:
    """Return a safetensors file, which may lie about the length of its JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + tensors


def epoch(number: int, perplexity: float | None = 50.0, **changes: Any) -> EpochFinished:
    """Return the event of an epoch with clipping and two layers; None: the perplexity overflowed."""
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
    """Return the first event of a run, or of its continuation after `done` epochs."""
    return RunStarted(epoch=done, num_params=10, vocab_size=1000, num_chars=10_000, num_minibatches=8, device="cpu")
