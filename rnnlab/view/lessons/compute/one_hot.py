"""A one-hot vector times a matrix is a row of the matrix: an example with small numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LookUp:
    """The product of a one-hot vector and a matrix, and the row of the matrix.

    Attributes:
        row: one-hot vector, (vocab_size,).
        matrix: weights, (vocab_size, num_hiddens).
        product: row times matrix, (num_hiddens,).
        looked_up: row of the matrix, (num_hiddens,).
    """

    row: Array
    matrix: Array
    product: Array
    looked_up: Array

    @property
    def same(self) -> bool:
        """Whether both results are equal, to the last bit."""
        return bool(np.array_equal(self.product, self.looked_up))

    @property
    def multiplications(self) -> int:
        """The number of multiplications of the product; the lookup needs none."""
        return self.matrix.size

    @property
    def by_zero(self) -> int:
        """The number of multiplications by zero."""
        return int(np.count_nonzero(self.row == 0) * self.matrix.shape[1])


def matrix(vocab_size: int, num_hiddens: int, seed: int) -> Array:
    """Return small random weights with one decimal and without zeros, (vocab_size, num_hiddens)."""
    numbers = np.random.default_rng(seed).integers(1, 10, (vocab_size, num_hiddens)) / 10
    signs = np.random.default_rng(seed + 1).choice([-1.0, 1.0], (vocab_size, num_hiddens))
    weights: Array = numbers * signs
    return weights


def look_up(index: int, weights: Array) -> LookUp:
    """Multiply the one-hot vector of `index` by `weights`, and look up the row."""
    row = np.zeros(len(weights))
    row[index] = 1.0
    return LookUp(row, weights, row @ weights, weights[index])
