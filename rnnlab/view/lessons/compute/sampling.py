"""The text positions in each row of each minibatch; the same as in `rnnlab.engine.minibatch`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def num_windows(length: int, num_steps: int) -> int:
    """Return how many windows of `num_steps` characters, each with a target, fit into the text."""
    return max(0, length - 1) // num_steps


def random_positions(length: int, batch_size: int, num_steps: int, order: Positions) -> Positions:
    """Return the positions of X by random sampling, (num_minibatches, batch_size, num_steps).

    Args:
        length: number of characters in the text.
        batch_size: rows of a minibatch.
        num_steps: characters of a window.
        order: order of the windows, a permutation of ``range(num_windows(...))``.
    """
    count = len(order) // batch_size
    starts = order[: count * batch_size].reshape(count, batch_size, 1) * num_steps
    positions: Positions = starts + np.arange(num_steps)
    return positions


def shuffled(length: int, num_steps: int, seed: int) -> Positions:
    """Return a random order of the windows."""
    order: Positions = np.random.default_rng(seed).permutation(num_windows(length, num_steps))
    return order


def consecutive_positions(length: int, batch_size: int, num_steps: int) -> Positions:
    """Return the positions of X by consecutive sampling, (num_minibatches, batch_size, num_steps)."""
    row_length = length // batch_size
    count = max(0, row_length - 1) // num_steps
    rows = np.arange(batch_size * row_length).reshape(batch_size, row_length)[:, : count * num_steps]
    positions: Positions = rows.reshape(batch_size, count, num_steps).transpose(1, 0, 2)
    return positions


def rows_that_continue(positions: Positions, minibatch: int) -> int:
    """Count the rows of `minibatch` (from 0) that start where the same row of the previous minibatch ended."""
    if not 0 < minibatch < len(positions):
        return 0
    return int(np.count_nonzero(positions[minibatch][:, 0] == positions[minibatch - 1][:, -1] + 1))


def left_out(positions: Positions, length: int) -> int:
    """Count the characters that are in no X of the epoch."""
    return length - positions.size
