"""Predictions k steps ahead: a linear autoregressive model of a noisy sine, as in the book's second edition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LENGTH = 1000
"""Number of time steps of the series."""
TAU = 4
"""Number of past values that the model reads."""
TRAINED = 600
"""Number of examples that the model is fitted to, from the start of the series."""
NOISE = 0.2
"""Standard deviation of the noise."""
MOST = 64
"""The largest k."""


def series(seed: int) -> Array:
    """Return sin(0.01 t) with Gaussian noise for t = 1 to `LENGTH`."""
    noise = np.random.default_rng(seed).normal(0.0, NOISE, LENGTH)
    values: Array = np.sin(0.01 * np.arange(1, LENGTH + 1)) + noise
    return values


@dataclass(frozen=True)
class Model:
    """A linear autoregressive model: the next value is a weighted sum of the last `TAU` values plus a bias.

    Attributes:
        weights: weights, the oldest value first, (TAU,).
        bias: the bias.
    """

    weights: Array
    bias: float

    def ahead(self, windows: Array, k: int) -> Array:
        """Return the value `k` steps after each window, (n,); each step reads the predictions of those before.

        Args:
            windows: the last observations, (n, TAU), the oldest first.
            k: number of steps, at least 1.
        """
        for _ in range(k):
            following = windows @ self.weights + self.bias
            windows = np.column_stack([windows[:, 1:], following])
        last: Array = windows[:, -1]
        return last


def fit(values: Array, count: int = TRAINED) -> Model:
    """Fit the model to the first `count` examples by least squares."""
    windows = np.lib.stride_tricks.sliding_window_view(values[:-1], TAU)[:count]
    inputs = np.column_stack([windows, np.ones(len(windows))])
    solution = np.asarray(np.linalg.lstsq(inputs, values[TAU : TAU + len(windows)], rcond=None)[0], np.float64)
    return Model(solution[:-1], float(solution[-1]))


@dataclass(frozen=True)
class Forecast:
    """Predictions of the last part of a series, which the model was not fitted to, for every k.

    Attributes:
        values: the whole series, (LENGTH,).
        first: the first time step (from 0) that is predicted; the same for every k.
        predictions: predictions by k (from 1) and time step, (MOST, LENGTH - first).
    """

    values: Array
    first: int
    predictions: Array

    @property
    def errors(self) -> list[float]:
        """The root of the mean squared error by k, from 1."""
        return [float(error) for error in np.sqrt(np.mean((self.predictions - self.values[self.first :]) ** 2, axis=1))]

    @property
    def mean_error(self) -> float:
        """The same error of always predicting the mean of the values that the model was fitted to."""
        seen = self.values[: TAU + TRAINED].mean()
        return float(np.sqrt(np.mean((seen - self.values[self.first :]) ** 2)))

    def swing(self, k: int) -> float:
        """Return the standard deviation of the predictions `k` steps ahead ÷ that of the predictions one step ahead."""
        return float(np.std(self.predictions[k - 1]) / np.std(self.predictions[0]))


@lru_cache(maxsize=16)
def forecast(seed: int) -> Forecast:
    """Fit a model to a new series and predict its end, 1 to `MOST` steps ahead."""
    values = series(seed)
    model = fit(values)
    first = TAU + TRAINED + MOST - 1  # even the longest prediction starts after the examples
    windows = np.lib.stride_tricks.sliding_window_view(values, TAU)
    targets = np.arange(first, LENGTH)
    # the window that ends k steps before the target
    predictions = [model.ahead(windows[targets - k - TAU + 1], k) for k in range(1, MOST + 1)]
    return Forecast(values, first, np.array(predictions))
