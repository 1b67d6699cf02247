"""The elementwise functions of NumPy for the equations of `rnnlab.cells`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.cells import Functions

Array = NDArray[Any]


def _sigmoid(values: Array) -> Array:
    # by tanh, because exp overflows where float32 ends
    result: Array = 0.5 * (1 + np.tanh(0.5 * values))
    return result


def _tanh(values: Array) -> Array:
    result: Array = np.tanh(values)
    return result


def _relu(values: Array) -> Array:
    result: Array = np.maximum(values, 0)
    return result


FUNCTIONS = {"tanh": Functions(_sigmoid, _tanh, _tanh), "relu": Functions(_sigmoid, _tanh, _relu)}
"""The functions of NumPy for each choice of the activation φ."""


def log_softmax(logits: Array) -> Array:
    """Return the logarithms of the probabilities, computed in float64 along the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
