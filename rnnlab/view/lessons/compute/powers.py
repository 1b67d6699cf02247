"""Products of the Jacobians of a recurrent layer: why a gradient vanishes or explodes on its way back through time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NUM_HIDDENS = 32
STEPS = 50
"""Number of time steps back."""
BOOK_STEPS = 35
"""Number of time steps of the book's minibatches, after which the products are compared."""
BOOK_DEVIATION = 0.01
"""Standard deviation of the weights with which the book's networks from scratch begin."""
INPUT = 0.5
"""Standard deviation of what the inputs add to each hidden unit."""
TENFOLD, THOUSANDFOLD = 10.0, 1000.0
"""Factors from which a gradient is said to shrink or grow, and to vanish or explode."""


def radius(matrix: Array) -> float:
    """Return the spectral radius of a square matrix: the largest absolute value of its eigenvalues."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@lru_cache(maxsize=32)
def recurrent_weights(rho: float, seed: int, num_hiddens: int = NUM_HIDDENS) -> Array:
    """Return a random W_hh, (num_hiddens, num_hiddens), scaled to spectral radius `rho`."""
    matrix = np.random.default_rng(seed).normal(size=(num_hiddens, num_hiddens))
    weights: Array = matrix * (rho / radius(matrix))
    return weights


def states(weights: Array, inputs: Array, activation: str) -> Array:
    """Return the hidden states of h_t = φ(x_t + h_{t-1} W_hh) from a zero state, (num_steps, num_hiddens).

    Args:
        weights: W_hh.
        inputs: what the inputs add to the hidden units, (num_steps, num_hiddens).
        activation: "tanh" or "identity".
    """
    state, walked = np.zeros(len(weights)), []
    for x in inputs:
        state = x + state @ weights
        if activation == "tanh":
            state = np.tanh(state)
        walked.append(state)
    return np.array(walked)


def products(weights: Array, walked: Array | None, num_steps: int) -> list[Array]:
    """Return ∂h_T/∂h_{T-k} for k = 0 to `num_steps`, as matrices that a gradient by h_T is multiplied by from the left.

    Args:
        weights: W_hh.
        walked: the states of a network with tanh, at least `num_steps` of them; None without an activation.
        num_steps: the largest k.
    """
    product = np.eye(len(weights))
    result = [product]
    for k in range(num_steps):
        slopes = np.ones(len(weights)) if walked is None else 1 - walked[-1 - k] ** 2
        product = product @ (slopes[:, None] * weights.T)
        result.append(product)
    return result


def norm(matrix: Array) -> float:
    """Return the spectral norm: the largest factor by which the matrix lengthens a gradient."""
    return float(np.linalg.norm(matrix, 2))


@dataclass(frozen=True)
class Walk:
    """The norms of the products for one spectral radius.

    Attributes:
        rho: the spectral radius.
        eigenvalues: the eigenvalues of W_hh.
        plain: norms without an activation, by number of steps back, from 0.
        squashed: norms with tanh.
    """

    rho: float
    eigenvalues: tuple[complex, ...]
    plain: tuple[float, ...]
    squashed: tuple[float, ...]


@lru_cache(maxsize=32)
def walk(rho: float, seed: int) -> Walk:
    """Compute the products of a network with random weights and inputs, without an activation and with tanh."""
    weights = recurrent_weights(rho, seed)
    inputs = np.random.default_rng(seed + 1).normal(0.0, INPUT, (2 * STEPS, NUM_HIDDENS))
    with_tanh = states(weights, inputs, "tanh")
    return Walk(
        rho,
        tuple(complex(value) for value in np.linalg.eigvals(weights)),
        tuple(norm(product) for product in products(weights, None, STEPS)),
        tuple(norm(product) for product in products(weights, with_tanh, STEPS)),
    )


def fate(value: float) -> str:
    """Classify a norm: ``vanishes``, ``shrinks``, ``holds``, ``grows`` or ``explodes``."""
    if value < 1 / TENFOLD:
        return "vanishes" if value <= 1 / THOUSANDFOLD else "shrinks"
    if value > TENFOLD:
        return "explodes" if value >= THOUSANDFOLD else "grows"
    return "holds"


def first_radius(num_hiddens: int, deviation: float = BOOK_DEVIATION) -> float:
    """Return the spectral radius to expect of a W_hh with independent entries of this standard deviation.

    By the circular law, the eigenvalues of a large random matrix fill a disc of radius deviation · √num_hiddens.
    """
    return deviation * math.sqrt(num_hiddens)
