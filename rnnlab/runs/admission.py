"""Who may start what, and when: limits, the queue with its fair share, ownership, and what an epoch will cost."""

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
"""How many checkpoints a run keeps at most for the slider through its history."""


@dataclass(frozen=True)
class Limits:
    """What one run and the whole server may take."""

    slots: int  # training runs at once
    queue: int = 200  # runs that wait
    run_seconds: float = 24 * 3600  # of training, pauses not counted
    answer_seconds: float = 60  # of a short job
    memory_mb: int = 4096  # of one worker's data
    checkpoints_mb: int = 512  # of one run
    disk_floor_mb: float = 64  # free space below which no run starts

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Read ``RNNLAB_SLOTS``, ``RNNLAB_QUEUE``, ``RNNLAB_RUN_SECONDS``, ``RNNLAB_ANSWER_SECONDS``,
        ``RNNLAB_MEMORY_MB``, ``RNNLAB_CHECKPOINTS_MB`` and ``RNNLAB_DISK_FLOOR_MB``; the rest is as measured here.
        """

        def number(name: str, otherwise: float) -> float:
            try:
                value = float(environment.get(name, ""))
            except ValueError:
                return otherwise
            return value if value > 0 else otherwise

        return cls(
            slots=max(1, int(number("RNNLAB_SLOTS", _cores()))),
            queue=max(1, int(number("RNNLAB_QUEUE", cls.queue))),
            run_seconds=number("RNNLAB_RUN_SECONDS", cls.run_seconds),
            answer_seconds=number("RNNLAB_ANSWER_SECONDS", cls.answer_seconds),
            memory_mb=max(1, int(number("RNNLAB_MEMORY_MB", min(cls.memory_mb, _memory_mb() * 3 / 4)))),
            checkpoints_mb=max(1, int(number("RNNLAB_CHECKPOINTS_MB", cls.checkpoints_mb))),
            disk_floor_mb=number("RNNLAB_DISK_FLOOR_MB", cls.disk_floor_mb),
        )


def check_space(folder: Path, limits: Limits) -> None:
    """Refuse new runs where too little space is left for what they would write.

    Raises:
        RunError: ``disk_low``.
    """
    free = shutil.disk_usage(folder).free / MEGABYTE
    if free < limits.disk_floor_mb:
        raise RunError(
            "disk_low",
            f"Only {free:.0f} MB are free where the runs are kept; a new run needs {limits.disk_floor_mb:.0f} MB."
            " Delete runs that are no longer needed, or free some space.",
            free_mb=round(free),
            needed_mb=round(limits.disk_floor_mb),
        )


def check_queue(waiting: int, limits: Limits) -> None:
    """Refuse a run that would wait behind too many others.

    Raises:
        RunError: ``queue_full``.
    """
    if waiting >= limits.queue:
        raise RunError(
            "queue_full",
            f"{waiting} runs are waiting already, as many as are allowed. Try again when some have started.",
            waiting=waiting,
            allowed=limits.queue,
        )


def check_memory(config: TrainConfig, vocab_size: int, num_minibatches: int, limits: Limits) -> None:
    """Refuse a network that could never fit, before it is started.

    Raises:
        RunError: ``run_too_large``.
    """
    megabytes = memory_mb(config, vocab_size, num_minibatches)
    if megabytes > limits.memory_mb:
        raise RunError(
            "run_too_large",
            f"This run would need about {megabytes:.0f} MB of memory; {limits.memory_mb} MB are allowed. Fewer hidden"
            " units, layers, time steps or rows in a minibatch need less.",
            needed_mb=round(megabytes),
            allowed_mb=limits.memory_mb,
        )


def memory_mb(config: TrainConfig, vocab_size: int, num_minibatches: int = 1) -> float:
    """Estimate from below what a run must hold: parameters, gradients, optimiser state and activations."""
    size = 8 if config.precision == "float64" else 4
    directions = 2 if config.bidirectional else 1
    gates = len(CELLS[config.cell].gates)
    parameters = 0
    inputs = vocab_size
    for _ in range(config.num_layers):
        parameters += directions * gates * config.num_hiddens * (inputs + config.num_hiddens + 1)
        inputs = directions * config.num_hiddens
    parameters += (inputs + 1) * vocab_size
    copies = 4 if config.optimizer == "adam" else 2
    tokens = config.batch_size * config.num_steps * (1 if config.detach else num_minibatches)
    activations = tokens * (config.num_layers * directions * gates * config.num_hiddens + 2 * vocab_size)
    return size * (copies * parameters + activations) / MEGABYTE


def check_owner(owner: str, asking: str | None) -> None:
    """Refuse to let one person steer the run of another; a run of nobody, and who does not say who asks, pass.

    Raises:
        RunError: ``run_not_yours``.
    """
    if asking is not None and owner and asking != owner:
        raise RunError("run_not_yours", "Only who started a run may steer it; you can watch it.")


def fair_order(waiting: Iterable[tuple[str, str]], running: Iterable[str]) -> list[str]:
    """Return the ids of the waiting runs in the order in which they will start.

    Who has the fewest runs going comes first; among equals, who waits longest.

    Args:
        waiting: (id, owner), the one that waits longest first.
        running: the owner of every run that has a slot.
    """
    taken = Counter(running)
    left = list(waiting)
    order = []
    while left:
        place = min(range(len(left)), key=lambda index: (taken[left[index][1]], index))
        run_id, owner = left.pop(place)
        taken[owner] += 1
        order.append(run_id)
    return order


def checkpoint_epochs(config: TrainConfig) -> int:
    """Return every how many epochs a checkpoint is kept: each prediction period, fewer where there are very many."""
    stride = 1
    while config.num_epochs // (config.pred_period * stride) > MAX_CHECKPOINTS:
        stride *= 2
    return config.pred_period * stride


def cost_shape(config: TrainConfig) -> str:
    """Return what decides how long an epoch takes, as a text: runs of one shape take equally long here.

    Defaults are left out, so that a setting that comes later leaves the shape of older runs as it is.
    """
    return config.model_dump_json(include=set(COSTS), exclude_defaults=True)


def estimate_epoch(config: TrainConfig, vocab_size: int, flops: float, op_seconds: float) -> float:
    """Estimate the seconds of an epoch that was never measured, from this machine's speed.

    Args:
        vocab_size: number of distinct characters.
        flops: multiplications and additions a second in a matrix product.
        op_seconds: what calling one small operation costs.
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
    # the way back costs twice the way there
    return (
        form * 3 * (config.num_chars * per_token / flops + steps * config.num_layers * directions * calls * op_seconds)
    )


# how many times as long an epoch takes as written: measured between 1.8 and 2.5 (A2, A4, A6), 0.9 and 1.4 (A3 to A10)
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
