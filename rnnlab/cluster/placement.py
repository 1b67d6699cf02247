"""The choice of a machine for a job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnlab.runs.protocol import HostFacts


@dataclass(eq=False)
class Room:
    """A machine of the cluster, with what it does now.

    Attributes:
        facts: what it says of itself.
        training: number of runs that it trains.
        answering: number of questions that it answers.
    """

    facts: HostFacts
    training: int
    answering: int


def choose(rooms: Iterable[Room], trains: bool, device: str, memory_mb: float = 0.0) -> Room | None:
    """Return the machine for a job, or None if it has to wait.

    The machine with the fewest jobs per core is chosen; of several, the fastest, then the one with most free memory.
    As on a single machine, runs and questions have as many slots each as there are cores.

    Args:
        rooms: the machines.
        trains: whether the job is a run, and not a question.
        device: the device of its order or configuration; a machine without that accelerator is left out.
        memory_mb: memory that has to be free.
    """
    kind = device.partition(":")[0]
    fit = [
        room
        for room in rooms
        if (room.training if trains else room.answering) < room.facts.cores
        and (kind in ("", "auto", "cpu") or kind in room.facts.devices)
        and room.facts.memory_mb >= memory_mb
    ]
    return min(fit, key=_order, default=None)


def _order(room: Room) -> tuple[float, float, float]:
    facts = room.facts
    return ((room.training + room.answering) / facts.cores, -facts.speed.get("flops", 0.0), -facts.memory_mb)
