"""Admission of runs: limits, fair order of the queue, ownership, and the estimated time of an epoch."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rnnlab.cells import CELLS
from rnnlab.config import COSTS, TrainConfig
from rnnlab.errors import RunError

MEGABYTE = 2**20
MAX_CHECKPOINTS = 40
"""Largest number of checkpoints that a run keeps for the slider through its history."""


@dataclass(frozen=True)
class Limits:
    """The limits of a run and of the whole server."""

    slots: int  # runs that train at the same time
    queue: int = 200  # runs that wait
    run_seconds: float = 24 * 3600  # training time of a run, without pauses
    answer_seconds: float = 60  # time for an answer
    pause_seconds: float = 60  # pause after which a run gives its slot back if another run waits
    stop_seconds: float = 20  # time for all runs to be saved when the supervisor is told to end
    memory_mb: int = 4096  # data of a worker
    checkpoints_mb: int = 512  # kept checkpoints of a run
    disk_floor_mb: float = 64  # free space below which no run starts

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Return the limits in the environment variables, and defaults for missing or invalid values.

        The variables are ``RNNLAB_SLOTS``, ``RNNLAB_QUEUE``, ``RNNLAB_RUN_SECONDS``, ``RNNLAB_ANSWER_SECONDS``,
        ``RNNLAB_PAUSE_SECONDS``, ``RNNLAB_STOP_SECONDS``, ``RNNLAB_MEMORY_MB``, ``RNNLAB_CHECKPOINTS_MB`` and
        ``RNNLAB_DISK_FLOOR_MB``. By default, the slots are the processor cores, and a worker may use at most three
        quarters of the memory of this machine.
        """

        def number(name: str, default: float) -> float:
            try:
                value = float(environment.get(name, ""))
            except ValueError:
                return default
            return value if value > 0 else default

        return cls(
            slots=max(1, int(number("RNNLAB_SLOTS", _cores()))),
            queue=max(1, int(number("RNNLAB_QUEUE", cls.queue))),
            run_seconds=number("RNNLAB_RUN_SECONDS", cls.run_seconds),
            answer_seconds=number("RNNLAB_ANSWER_SECONDS", cls.answer_seconds),
            pause_seconds=number("RNNLAB_PAUSE_SECONDS", cls.pause_seconds),
            stop_seconds=number("RNNLAB_STOP_SECONDS", cls.stop_seconds),
            memory_mb=max(1, int(number("RNNLAB_MEMORY_MB", min(cls.memory_mb, _memory_mb() * 3 / 4)))),
            checkpoints_mb=max(1, int(number("RNNLAB_CHECKPOINTS_MB", cls.checkpoints_mb))),
            disk_floor_mb=number("RNNLAB_DISK_FLOOR_MB", cls.disk_floor_mb),
        )


def check_space(folder: Path, limits: Limits) -> None:
    """Check that there is enough free space for a new run.

    Raises:
        RunError: ``disk_low``.
    """
    free = shutil.disk_usage(folder).free / MEGABYTE
    if free < limits.disk_floor_mb:
        raise RunError(
            "disk_low",
            f"Only {free:.0f} MB are free where runs are stored; a new run needs {limits.disk_floor_mb:.0f} MB."
            " Delete runs that are no longer needed, or free some space.",
            free_mb=round(free),
            needed_mb=round(limits.disk_floor_mb),
        )


def check_queue(waiting: int, limits: Limits) -> None:
    """Check that there is room in the queue for a new run.

    Raises:
        RunError: ``queue_full``.
    """
    if waiting >= limits.queue:
        raise RunError(
            "queue_full",
            f"{waiting} runs are already waiting, which is the limit. Try again when some have started.",
            waiting=waiting,
            allowed=limits.queue,
        )


def check_memory(config: TrainConfig, vocab_size: int, num_minibatches: int, limits: Limits) -> None:
    """Check that a network fits into the memory of a worker before it is started.

    Raises:
        RunError: ``run_too_large``.
    """
    megabytes = memory_mb(config, vocab_size, num_minibatches)
    if megabytes > limits.memory_mb:
        raise RunError(
            "run_too_large",
            f"This run would need about {megabytes:.0f} MB of memory; {limits.memory_mb} MB are allowed. Use fewer"
            " hidden units, layers or time steps, or a smaller batch size.",
            needed_mb=round(megabytes),
            allowed_mb=limits.memory_mb,
        )


def memory_mb(config: TrainConfig, vocab_size: int, num_minibatches: int = 1) -> float:
    """Return a lower bound for the memory of a run in MB.

    It counts parameters, gradients, optimiser state and activations. A checkpoint is written from where its tensors
    are; only a run that cannot go on within an epoch keeps a copy of them from the start of the epoch.
    """
    size = 8 if config.precision == "float64" else 4
    directions = 2 if config.bidirectional else 1
    gates = len(CELLS[config.cell].gates)
    parameters = 0
    inputs = vocab_size
    for _ in range(config.num_layers):
        parameters += directions * gates * config.num_hiddens * (inputs + config.num_hiddens + 1)
        inputs = directions * config.num_hiddens
    parameters += (inputs + 1) * vocab_size
    saved = 3 if config.optimizer == "adam" else 1  # what a checkpoint holds
    copies = 1 + saved + (0 if config.detach else saved)
    tokens = config.batch_size * config.num_steps * (1 if config.detach else num_minibatches)
    activations = tokens * (config.num_layers * directions * gates * config.num_hiddens + 2 * vocab_size)
    return size * (copies * parameters + activations) / MEGABYTE


def check_owner(owner: str, caller: str | None) -> None:
    """Check that the caller may control a run of `owner`.

    Runs without an owner, and callers without an identity, are allowed.

    Raises:
        RunError: ``run_not_yours``.
    """
    if caller is not None and owner and caller != owner:
        raise RunError("run_not_yours", "Only the person who started a run can control it; you can watch it.")


def fair_order(waiting: Iterable[tuple[str, str]], running: Iterable[str]) -> list[str]:
    """Return the ids of the waiting runs in the order in which they will start.

    Runs of the owner with the fewest running runs start first; among equals, the run that has waited longest.

    Args:
        waiting: (id, owner) of the waiting runs, the longest waiting first.
        running: owner of every run that has a slot.
    """
    started = Counter(running)
    remaining = list(waiting)
    order = []
    while remaining:
        place = min(range(len(remaining)), key=lambda index: (started[remaining[index][1]], index))
        run_id, owner = remaining.pop(place)
        started[owner] += 1
        order.append(run_id)
    return order


def checkpoint_epochs(config: TrainConfig) -> int:
    """Return the number of epochs between kept checkpoints, a multiple of the prediction period."""
    stride = 1
    while config.num_epochs // (config.pred_period * stride) > MAX_CHECKPOINTS:
        stride *= 2
    return config.pred_period * stride


def cost_shape(config: TrainConfig) -> str:
    """Return the settings that determine the time of an epoch, as JSON; runs with equal texts take equally long.

    Defaults are omitted, so that a new setting does not change the text of older runs.
    """
    return config.model_dump_json(include=set(COSTS), exclude_defaults=True)


def estimate_epoch(config: TrainConfig, vocab_size: int, flops: float, op_seconds: float) -> float:
    """Return the estimated seconds of an epoch, from the speed of this machine.

    Args:
        config: configuration of the run.
        vocab_size: number of distinct characters.
        flops: multiplications and additions per second in a matrix product.
        op_seconds: time of a call of one small operation.
    """
    directions = 2 if config.bidirectional else 1
    cell, hiddens = CELLS[config.cell], config.num_hiddens
    gates = len(cell.gates)
    per_token = 0
    inputs = 0  # a one-hot input is a row look-up
    for _ in range(config.num_layers):
        per_token += 2 * directions * gates * hiddens * (inputs + hiddens)
        inputs = directions * hiddens
    per_token += 2 * inputs * vocab_size
    steps = config.num_chars / config.batch_size
    calls = cell.calls if config.implementation == "scratch" else cell.calls / 2
    form = _AS_WRITTEN[config.implementation] if config.computation == "as_written" else 1.0
    # the backward pass takes twice the time of the forward pass
    return (
        form * 3 * (config.num_chars * per_token / flops + steps * config.num_layers * directions * calls * op_seconds)
    )


# factor on the time of an epoch when computed as written: measured 1.8 to 2.5 (A2, A4, A6) and 0.9 to 1.4 (A3 to A10)
_AS_WRITTEN = {"scratch": 2.1, "library": 1.2}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_mb() -> float:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    except (AttributeError, OSError, ValueError):
        return 4 * Limits.memory_mb
