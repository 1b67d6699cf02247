"""Gradient norms from layer to layer of a deep network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlab.events import EpochFinished


@dataclass(frozen=True)
class Descent:
    """Gradient norms of the recurrent layers.

    Attributes:
        norms: norms by recurrent layer, the first layer first; without the output layer.
    """

    norms: tuple[float, ...]

    @property
    def dead(self) -> int:
        """The number of layers whose gradient is 0, smaller than the smallest representable number."""
        return sum(norm == 0 for norm in self.norms)

    @property
    def lowest_alive(self) -> int:
        """The lowest layer (from 1) with a nonzero gradient; 0 if there is none."""
        return next((i for i, norm in enumerate(self.norms, 1) if norm > 0), 0)

    @property
    def ratio(self) -> float | None:
        """The norm of the last layer ÷ that of the lowest layer with a nonzero norm, or None without one."""
        return self.norms[-1] / self.norms[self.lowest_alive - 1] if self.lowest_alive else None

    @property
    def kind(self) -> str:
        """``dies``, ``vanishes`` (a thousandfold), ``shrinks`` (tenfold) or ``arrives``."""
        if self.dead:
            return "dies"
        assert self.ratio is not None
        return "vanishes" if self.ratio >= 1000 else "shrinks" if self.ratio >= 10 else "arrives"


def descent(epoch: EpochFinished) -> Descent:
    """Return the norms of the recurrent layers in an epoch."""
    return Descent(epoch.grad_norm_by_layer[:-1])


def spread(epochs: Sequence[EpochFinished], count: int = 12) -> list[int]:
    """Return at most `count` epochs up to the last, closer together at the start."""
    numbers = [event.epoch for event in epochs if event.grad_norm_by_layer]
    if not numbers:
        return []
    wanted = {1, 2, 3, 5, 10, 20, 30, 40, 60, 80, 120, 160, 200, 250, 500, numbers[-1]}
    return [number for number in numbers if number in wanted][-count:]
