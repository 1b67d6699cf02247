"""The two samplers against their definitions."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.config import TrainConfig
from rnnlab.engine.minibatch import (
    consecutive_minibatches,
    epoch_minibatches,
    num_minibatches,
    random_minibatches,
)
from rnnlab.text.preparation import min_length
from tests.engine.oracles import random_windows

lengths = st.integers(0, 400)
sizes = st.integers(1, 9)


@given(lengths, sizes, sizes, st.integers(0, 5))
def test_random_sampling_yields_windows_that_do_not_overlap(
    length: int, batch_size: int, num_steps: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    text = torch.arange(length)
    batches = list(random_minibatches(text, batch_size, num_steps, generator))
    starts = [int(row[0]) for X, _ in batches for row in X]
    assert len(set(starts)) == len(starts)
    windows = random_windows(length, num_steps)
    assert set(starts) <= windows
    assert len(batches) == len(windows) // batch_size
    for X, Y in batches:
        assert X.shape == Y.shape == (batch_size, num_steps)
        assert torch.equal(X + 1, Y)
        assert torch.equal(X, X[:, :1] + torch.arange(num_steps))


def test_random_sampling_changes_its_order_with_the_generator_and_repeats_it_with_the_seed() -> None:
    text = torch.arange(300)
    generator = torch.Generator().manual_seed(1)
    first = torch.cat([X for X, _ in random_minibatches(text, 4, 5, generator)])
    second = torch.cat([X for X, _ in random_minibatches(text, 4, 5, generator)])
    again = torch.cat([X for X, _ in random_minibatches(text, 4, 5, torch.Generator().manual_seed(1))])
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


@given(lengths, sizes, sizes)
def test_consecutive_sampling_continues_every_row(length: int, batch_size: int, num_steps: int) -> None:
    text = torch.arange(length)
    batches = list(consecutive_minibatches(text, batch_size, num_steps))
    row_length = length // batch_size
    assert len(batches) == max(0, (row_length - 1) // num_steps)
    for number, (X, Y) in enumerate(batches):
        expected = torch.arange(batch_size)[:, None] * row_length + number * num_steps + torch.arange(num_steps)
        assert torch.equal(X, expected)
        assert torch.equal(Y, expected + 1)


def test_the_books_text_gives_eight_minibatches_an_epoch() -> None:
    assert num_minibatches(10_000, TrainConfig.make(sampling="consecutive")) == 8
    assert num_minibatches(10_000, TrainConfig.make(sampling="random")) == 8


@given(lengths, sizes, sizes, st.sampled_from(["random", "consecutive"]), st.sampled_from(["zero", "random"]))
def test_the_count_equals_the_minibatches_of_an_epoch_and_min_length_is_sufficient(
    length: int, batch_size: int, num_steps: int, sampling: str, offset: str
) -> None:
    config = TrainConfig.make(batch_size=batch_size, num_steps=num_steps, sampling=sampling, offset=offset)
    generator = torch.Generator().manual_seed(length)
    count, batches = epoch_minibatches(torch.arange(length), config, generator)
    assert count == len(list(batches))
    if length >= min_length(config):
        assert count >= 1
    if offset == "zero" and length == min_length(config) - 1:
        assert count == 0


def test_a_random_offset_moves_the_rows_within_one_window() -> None:
    config = TrainConfig.make(batch_size=2, num_steps=7, offset="random")
    generator = torch.Generator().manual_seed(0)
    starts = {int(next(epoch_minibatches(torch.arange(100), config, generator)[1])[0][0, 0]) for _ in range(200)}
    assert starts == set(range(7))
