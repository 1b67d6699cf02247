"""How far a gradient walks back, with the graph cut between minibatches and without."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rnnlab.events import EpochFinished, MinibatchFinished


def reach(minibatch: int, num_steps: int, detach: bool) -> range:
    """Return the time steps of the epoch (from 0) that the gradient of `minibatch` (from 1) walks back through."""
    end = minibatch * num_steps
    return range(end - num_steps if detach else 0, end)


def steps_walked(num_minibatches: int, num_steps: int, detach: bool) -> list[int]:
    """Return how many time steps each minibatch's gradient walks through: constant, or growing."""
    return [len(reach(m, num_steps, detach)) for m in range(1, num_minibatches + 1)]


@dataclass(frozen=True)
class Cost:
    """What each minibatch of an epoch took, the median over the epochs that were kept.

    Attributes:
        minibatches: their numbers, from 1.
        seconds: by minibatch.
        memory_mb: of the process, by minibatch; None where it was not measured.
    """

    minibatches: tuple[int, ...]
    seconds: tuple[float, ...]
    memory_mb: tuple[float | None, ...]

    @property
    def seconds_grow(self) -> float:
        """The last minibatch's time ÷ the first one's."""
        return self.seconds[-1] / self.seconds[0]

    @property
    def memory_grows(self) -> float | None:
        """How many MB more the process holds at the last minibatch than at the first."""
        first, last = self.memory_mb[0], self.memory_mb[-1]
        return None if first is None or last is None else last - first


def cost_by_minibatch(events: Sequence[MinibatchFinished]) -> Cost | None:
    """Return what the minibatches took by their position in the epoch; None with fewer than two positions."""
    numbers = sorted({one.minibatch for one in events})
    if len(numbers) < 2:
        return None
    seconds, memory = [], []
    for number in numbers:
        here = [one for one in events if one.minibatch == number]
        seconds.append(statistics.median(one.seconds for one in here))
        measured = [one.memory_mb for one in here if one.memory_mb is not None]
        memory.append(statistics.median(measured) if measured else None)
    return Cost(tuple(numbers), tuple(seconds), tuple(memory))


def seconds_per_epoch(epochs: Sequence[EpochFinished]) -> float | None:
    """Return the median time of an epoch; None before the first."""
    return statistics.median(one.seconds for one in epochs) if epochs else None
