"""How far a gradient flows back, with and without a cut between minibatches."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rnnlab.events import EpochFinished, MinibatchFinished


def reach(minibatch: int, num_steps: int, detach: bool) -> range:
    """Return the time steps of the epoch (from 0) that the gradient of `minibatch` (from 1) passes through."""
    end = minibatch * num_steps
    return range(end - num_steps if detach else 0, end)


def steps_walked(num_minibatches: int, num_steps: int, detach: bool) -> list[int]:
    """Return how many time steps the gradient of each minibatch passes through: constant with detach, else growing."""
    return [len(reach(m, num_steps, detach)) for m in range(1, num_minibatches + 1)]


@dataclass(frozen=True)
class Cost:
    """The cost of each minibatch of an epoch: medians over the epochs with minibatch events.

    Attributes:
        minibatches: numbers of the minibatches, from 1.
        seconds: time by minibatch.
        memory_mb: memory of the process by minibatch; None if not measured.
    """

    minibatches: tuple[int, ...]
    seconds: tuple[float, ...]
    memory_mb: tuple[float | None, ...]

    @property
    def seconds_grow(self) -> float:
        """The time of the last minibatch ÷ that of the first."""
        return self.seconds[-1] / self.seconds[0]

    @property
    def memory_grows(self) -> float | None:
        """The growth of the memory from the first minibatch to the last, in MB; None if not measured."""
        first, last = self.memory_mb[0], self.memory_mb[-1]
        return None if first is None or last is None else last - first


def cost_by_minibatch(events: Sequence[MinibatchFinished]) -> Cost | None:
    """Return the cost by position of a minibatch in the epoch, or None with fewer than two positions."""
    numbers = sorted({event.minibatch for event in events})
    if len(numbers) < 2:
        return None
    seconds, memory = [], []
    for number in numbers:
        repeated = [event for event in events if event.minibatch == number]
        seconds.append(statistics.median(event.seconds for event in repeated))
        measured = [event.memory_mb for event in repeated if event.memory_mb is not None]
        memory.append(statistics.median(measured) if measured else None)
    return Cost(tuple(numbers), tuple(seconds), tuple(memory))


def seconds_per_epoch(epochs: Sequence[EpochFinished]) -> float | None:
    """Return the median time of an epoch, or None without epochs."""
    return statistics.median(event.seconds for event in epochs) if epochs else None
