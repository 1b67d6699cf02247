"""Admission of runs: permissions, limits, the fair order of the queue, and the estimated time of an epoch."""

from __future__ import annotations

import heapq
import math
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from limits import parse

from rnnlab.cells import CELLS
from rnnlab.config import COSTS, MOST_IN_COLUMNS, TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.runs.limits import LARGEST_BATCH, MEGABYTE, Limits
from rnnlab.runs.protocol import Asker
from rnnlab.runs.rates import Rates

MAX_CHECKPOINTS = 40
"""Largest number of checkpoints that a run keeps for the slider through its history."""


def check_rate(rates: Rates, name: str, limits: Limits, asker: Asker | None) -> None:
    """Count an action of a visitor and check its rate limit.

    Args:
        rates: the actions so far.
        name: the kind of action, one of `RATES`.
        limits: the limits.
        asker: the visitor.

    Raises:
        RunError: ``too_often``.
    """
    rate = getattr(limits, name)
    if not rate or _may_all(asker) or asker is None:
        return
    item = parse(rate)
    if not rates.hit(item, name, asker.id):
        count, minutes = item.amount, round(item.get_expiry() / 60)
        message = f"This is possible {count} times in {minutes} minutes for each visitor. Try again a little later."
        raise RunError("too_often", message, count=count, minutes=minutes)


def check_visitor(live: Collection[str], batch: str, limits: Limits, asker: Asker | None) -> None:
    """Check that a visitor may have one more run.

    Args:
        live: the visitor's runs that train, pause or wait: the id of each, or the batch of those started together.
        batch: the batch of the new run, or "".
        limits: the limits.
        asker: the visitor.

    Raises:
        RunError: ``visitor_full``, ``batch_full``.
    """
    if _may_all(asker):
        return
    if batch and sum(other == batch for other in live) >= LARGEST_BATCH:
        message = f"At most {LARGEST_BATCH} runs can be started together."
        raise RunError("batch_full", message, allowed=LARGEST_BATCH)
    allowed = limits.visitor_running + limits.visitor_waiting
    groups = set(live)
    if limits.visitor_running and len(groups) >= allowed and batch not in groups:
        raise RunError(
            "visitor_full",
            f"You have {len(groups)} runs that train or wait, which is the limit. Stop one, or wait for its end.",
            running=limits.visitor_running,
            waiting=limits.visitor_waiting,
        )


def check_bytes(used: int, more: int, limits: Limits, asker: Asker | None) -> None:
    """Check that a visitor may store more data.

    Args:
        used: bytes of the visitor's texts, runs and checkpoints.
        more: bytes to add; 0 if they are not known.
        limits: the limits.
        asker: the visitor.

    Raises:
        RunError: ``visitor_bytes``.
    """
    if limits.visitor_mb and not _may_all(asker) and used + more > limits.visitor_mb * MEGABYTE:
        raise RunError(
            "visitor_bytes",
            f"Your texts and runs take {used / MEGABYTE:.0f} MB; {limits.visitor_mb:.0f} MB are allowed."
            " Delete runs that you no longer need.",
            used_mb=round(used / MEGABYTE),
            allowed_mb=round(limits.visitor_mb),
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


def check_home(used: int, limits: Limits) -> None:
    """Check the size of the home.

    Raises:
        RunError: ``home_full``.
    """
    if limits.home_mb and used > limits.home_mb * MEGABYTE:
        raise RunError(
            "home_full",
            f"All runs and texts take {used / MEGABYTE:.0f} MB; {limits.home_mb:.0f} MB are allowed on this server.",
            used_mb=round(used / MEGABYTE),
            allowed_mb=round(limits.home_mb),
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
    are, unless a small network of the library stores them by columns; only a run that cannot go on within an epoch
    keeps a copy of them from the start of the epoch.
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
    in_columns = config.implementation == "library" and parameters <= MOST_IN_COLUMNS
    copies = 1 + saved + (0 if config.detach else saved) + (saved if in_columns else 0)
    tokens = config.batch_size * config.num_steps * (1 if config.detach else num_minibatches)
    activations = tokens * (config.num_layers * directions * gates * config.num_hiddens + 2 * vocab_size)
    return size * (copies * parameters + activations) / MEGABYTE


def check_owner(owner: str, asker: Asker | None) -> None:
    """Check that a visitor may control a run of `owner`; the owner of the machine and the teacher control all runs.

    Raises:
        RunError: ``run_not_yours``.
    """
    if not _may_all(asker) and (asker is None or not asker.id or asker.id != owner):
        raise RunError("run_not_yours", "Only the person who started a run can control it; you can watch it.")


def check_starts(owner: str, asker: Asker | None) -> None:
    """Check that a visitor may start from the weights of a run of `owner`.

    Raises:
        RunError: ``start_not_yours``.
    """
    try:
        check_owner(owner, asker)
    except RunError:
        raise RunError(
            "start_not_yours",
            "Only the person who trained a network can start from its weights; those that come with the app are "
            "there for everybody.",
        ) from None


def check_teacher(asker: Asker | None) -> None:
    """Check that the request comes from a teacher or the owner of the machine.

    Raises:
        RunError: ``teacher_only``.
    """
    if not _may_all(asker):
        raise RunError("teacher_only", "Only the teacher can do this.")


def check_identity(asker: Asker | None) -> None:
    """Check that a visitor has an identity, which can own runs and texts.

    Raises:
        RunError: ``visitor_unknown``.
    """
    if not _may_all(asker) and (asker is None or not asker.id):
        raise RunError(
            "visitor_unknown", "Your browser sends no cookie, so nothing can belong to you. Allow cookies, and reload."
        )


def check_reader(readers: Collection[str], asker: Asker | None) -> None:
    """Check that a visitor may read an uploaded text, and train on it.

    Args:
        readers: ids of the visitors with access to the text; "" means all visitors.
        asker: the visitor.

    Raises:
        CorpusError: ``text_not_yours``.
    """
    if not _may_all(asker) and "" not in readers and (asker is None or asker.id not in readers):
        raise CorpusError("text_not_yours", "This text was uploaded by another visitor and is not shared.")


def _may_all(asker: Asker | None) -> bool:
    return asker is None or asker.teacher


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


def within_turns(
    order: Iterable[str],
    owners: Mapping[str, str],
    running: Iterable[tuple[str, str]],
    groups: Mapping[str, str],
    most: int,
) -> list[str]:
    """Return the waiting runs that may start; visitors at their limit of running runs are skipped.

    Args:
        order: ids of the waiting runs in the order in which they start.
        owners: the owner of each waiting run; "" is the owner of the machine, for whom no limit applies.
        running: (id, owner) of the runs that have a slot.
        groups: for each run the batch of runs that were started together, which count as one, or its id.
        most: number of runs that a visitor may have running.
    """
    taken: dict[str, set[str]] = {}
    for run, owner in running:
        taken.setdefault(owner, set()).add(groups.get(run, run))
    starting = []
    for run in order:
        owner, group = owners[run], groups.get(run, run)
        held = taken.setdefault(owner, set())
        if not owner or group in held or len(held) < most:
            held.add(group)
            starting.append(run)
    return starting


def expected_wait(running: Iterable[float], ahead: Iterable[float], slots: int) -> float:
    """Return the seconds until a waiting run starts, if every run takes as long as expected.

    Args:
        running: the seconds that each run with a slot still takes.
        ahead: the seconds that each run takes that starts before this one, in their order.
        slots: number of runs that train at the same time; with 0, as in a cluster without machines, the wait is
            infinite.
    """
    if not slots:
        return math.inf
    free = sorted(running)[:slots]
    free = [0.0] * (slots - len(free)) + free
    heapq.heapify(free)
    for seconds in ahead:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return heapq.heappop(free)


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


def estimate_epoch(config: TrainConfig, vocab_size: int, flops: float, op_seconds: float, threads: int = 1) -> float:
    """Return the estimated seconds of an epoch, from the speed of this machine.

    Args:
        config: configuration of the run.
        vocab_size: number of distinct characters.
        flops: multiplications and additions per second in a matrix product.
        op_seconds: time of a call of one small operation.
        threads: number of threads that share a minibatch.
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
    together = threads**_SPEEDUP if config.computation == "fast" else 1.0
    products = config.num_chars * per_token / (flops * together)
    # the backward pass takes twice the time of the forward pass
    return form * 3 * (products + steps * config.num_layers * directions * calls * op_seconds)


_SPEEDUP = 0.85
"""Exponent of the number of threads: two threads compute a product 1.8 times as fast as one."""


# factor on the time of an epoch when computed as written: measured 1.8 to 2.5 (A2, A4, A6) and 0.9 to 1.4 (A3 to A10)
_AS_WRITTEN = {"scratch": 2.1, "library": 1.2}
