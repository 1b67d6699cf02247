"""What the norms of the gradient do from layer to layer of a deep network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlab.events import EpochFinished


@dataclass(frozen=True)
class Descent:
    """Norms from the last recurrent layer down to the first.

    Attributes:
        norms: by recurrent layer, the first layer first; without the output layer.
    """

    norms: tuple[float, ...]

    @property
    def dead(self) -> int:
        """How many layers get no gradient at all: smaller than the smallest number the machine keeps."""
        return sum(norm == 0 for norm in self.norms)

    @property
    def lowest_alive(self) -> int:
        """The lowest layer (from 1) that gets any gradient; 0 where none does."""
        return next((i for i, norm in enumerate(self.norms, 1) if norm > 0), 0)

    @property
    def ratio(self) -> float | None:
        """The last layer's norm ÷ that of the lowest layer with any; None where none has any."""
        return self.norms[-1] / self.norms[self.lowest_alive - 1] if self.lowest_alive else None

    @property
    def kind(self) -> str:
        """``dies``, ``vanishes`` (a thousandfold), ``shrinks`` (tenfold) or ``arrives``."""
        if self.dead:
            return "dies"
        assert self.ratio is not None
        return "vanishes" if self.ratio >= 1000 else "shrinks" if self.ratio >= 10 else "arrives"


def descent(epoch: EpochFinished) -> Descent:
    """Return the norms of an epoch's mean gradient, recurrent layers alone."""
    return Descent(epoch.grad_norm_by_layer[:-1])


def spread(epochs: Sequence[EpochFinished], count: int = 12) -> list[int]:
    """Choose about `count` epochs from the first to the last, closer together at the start."""
    numbers = [one.epoch for one in epochs if one.grad_norm_by_layer]
    if not numbers:
        return []
    wanted = {1, 2, 3, 5, 10, 20, 30, 40, 60, 80, 120, 160, 200, 250, 500, numbers[-1]}
    return [number for number in numbers if number in wanted][-count:]
