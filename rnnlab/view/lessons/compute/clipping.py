"""Gradient clipping by the norm, and the length of the resulting SGD step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Clipped:
    """A gradient before and after clipping, and the resulting step of plain SGD."""

    gradient: Array
    theta: float
    learning_rate: float

    @property
    def norm(self) -> float:
        """The norm of the gradient before clipping."""
        return float(np.linalg.norm(self.gradient))

    @property
    def factor(self) -> float:
        """The scale factor min(θ / ‖g‖, 1)."""
        return min(self.theta / self.norm, 1.0) if self.norm > 0 else 1.0

    @property
    def is_clipped(self) -> bool:
        """Whether the norm of the gradient exceeds θ."""
        return self.norm > self.theta

    @property
    def clipped(self) -> Array:
        """The gradient after clipping."""
        result: Array = self.gradient * self.factor
        return result

    @property
    def step(self) -> Array:
        """The change of the parameters: -η times the clipped gradient."""
        result: Array = -self.learning_rate * self.clipped
        return result

    @property
    def step_length(self) -> float:
        """The length of the step, η · min(‖g‖, θ)."""
        return float(np.linalg.norm(self.step))


def clip(gradient: tuple[float, float], theta: float, learning_rate: float) -> Clipped:
    """Clip a gradient to norm θ."""
    return Clipped(np.asarray(gradient, dtype=np.float64), theta, learning_rate)


def circle(radius: float, points: int = 73) -> tuple[list[float], list[float]]:
    """Return the x and y coordinates of points on a circle around the origin."""
    angles = np.linspace(0, 2 * np.pi, points)
    return (radius * np.cos(angles)).tolist(), (radius * np.sin(angles)).tolist()
