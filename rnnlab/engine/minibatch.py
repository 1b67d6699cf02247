"""Minibatches of a text: random and consecutive sampling.

Both yield pairs (X, Y) of index tensors, each of shape (batch_size, num_steps), where Y is X shifted by one character.
Source: *Dive into Deep Learning*, 1st edition 6.3.3, 2nd edition 9.3.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from rnnlab.config import TrainConfig

Minibatch = tuple[Tensor, Tensor]


def random_minibatches(
    indices: Tensor, batch_size: int, num_steps: int, generator: torch.Generator
) -> Iterator[Minibatch]:
    """Cut `indices` into windows of `num_steps` and yield them in random order.

    Consecutive minibatches are not adjacent in the text, so the state starts at zero in each. The windows that are left
    over after the last complete minibatch are skipped; each epoch skips different windows.

    Args:
        indices: the text, (length,).
        batch_size: number of windows in a minibatch.
        num_steps: length of a window.
        generator: source of the random order.
    """
    num_windows = max(0, len(indices) - 1) // num_steps  # -1: the last character has no target
    order = torch.randperm(num_windows, generator=generator)
    steps = torch.arange(num_steps)
    for starts in (order[: num_windows // batch_size * batch_size] * num_steps).view(-1, batch_size):
        window = starts[:, None] + steps
        yield indices[window], indices[window + 1]


def consecutive_minibatches(indices: Tensor, batch_size: int, num_steps: int) -> Iterator[Minibatch]:
    """Split `indices` into `batch_size` rows and yield `num_steps` characters of all rows at a time.

    Row i of a minibatch continues row i of the previous minibatch, so the state can be carried on.

    Args:
        indices: the text, (length,).
        batch_size: number of rows.
        num_steps: length of a minibatch along the rows.
    """
    row_length = len(indices) // batch_size
    rows = indices[: batch_size * row_length].view(batch_size, row_length)
    for start in range(0, (row_length - 1) // num_steps * num_steps, num_steps):
        yield rows[:, start : start + num_steps], rows[:, start + 1 : start + num_steps + 1]


def epoch_minibatches(
    indices: Tensor, config: TrainConfig, generator: torch.Generator
) -> tuple[int, Iterator[Minibatch]]:
    """Return the number of minibatches of an epoch, and the minibatches; all randomness comes from `generator`."""
    if config.offset == "random":
        indices = indices[int(torch.randint(config.num_steps, (), generator=generator)) :]
    count = num_minibatches(len(indices), config)
    if config.sampling == "random":
        return count, random_minibatches(indices, config.batch_size, config.num_steps, generator)
    return count, consecutive_minibatches(indices, config.batch_size, config.num_steps)


def num_minibatches(length: int, config: TrainConfig) -> int:
    """Return the number of minibatches of an epoch over `length` characters, from offset 0."""
    if config.sampling == "random":
        return max(0, (length - 1) // config.num_steps // config.batch_size)
    return max(0, (length // config.batch_size - 1) // config.num_steps)
