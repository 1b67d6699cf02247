"""The book's equations once more, in NumPy and without the engine, to test the engine against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def gru(X: Array, H: Array, W_x: Array, W_h: Array, b: Array) -> tuple[Array, Array]:
    """The book's GRU (reset before the product) along X (T, B, inputs), gates in the order r, z, h."""
    outputs = []
    W_xr, W_xz, W_xh = np.split(W_x, 3, axis=1)
    W_hr, W_hz, W_hh = np.split(W_h, 3, axis=1)
    b_r, b_z, b_h = np.split(b, 3)
    for X_t in X:
        R = sigmoid(X_t @ W_xr + H @ W_hr + b_r)
        Z = sigmoid(X_t @ W_xz + H @ W_hz + b_z)
        H_tilde = np.tanh(X_t @ W_xh + (R * H) @ W_hh + b_h)
        H = Z * H + (1 - Z) * H_tilde
        outputs.append(H)
    return np.stack(outputs), H


def random_windows(length: int, num_steps: int) -> set[int]:
    """Where the windows of random sampling begin."""
    return {start for start in range(0, length, num_steps) if start + num_steps + 1 <= length}
