"""The benchmarks compare equal computations."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks import two_checkouts
from benchmarks.engine_speed import book_shaped_text, engine_epochs, measure
from benchmarks.published import PublishedRun, multiplications
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.recipes import recipe
from rnnlab.text.vocab import Vocab


@pytest.mark.parametrize("name", ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10"])
def test_the_published_algorithm_and_the_engine_learn_the_same(name: str) -> None:
    text = book_shaped_text(600, 40)
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    config = recipe(name).config.change(
        num_hiddens=12, num_steps=7, batch_size=4, num_epochs=9, pred_period=9, num_preds=0, prefixes=(text[0],)
    )
    published = PublishedRun(build_model(config, len(vocab)), config, indices).epochs()
    engine = engine_epochs(config, vocab, indices)
    for _ in range(3):
        assert math.log(next(published)) == pytest.approx(next(engine), rel=1e-4)


def test_a_row_has_both_times_and_their_ratio() -> None:
    row = measure("A3", rounds=1)
    assert row["ratio"] == pytest.approx(float(row["published"]) / float(row["engine"]))
    assert row["floor_share"] == pytest.approx(float(row["floor"]) / float(row["engine"]))
    assert float(row["own_floor_share"]) > 0


def test_the_floor_counts_the_products_that_no_method_avoids() -> None:
    base = TrainConfig(cell="rnn", num_hiddens=10)
    assert multiplications(base, 100, 7) == 6 * (10 * 10 + 10 * 100) * 7
    two = base.change(cell="lstm", num_layers=2, bidirectional=True)
    assert multiplications(two, 100, 1) == 6 * (2 * 2 * 400 + 2 * 4 * 10 * 20 + 2000)


@pytest.mark.parametrize("kind", two_checkouts.ROUNDS)
def test_what_two_checkouts_are_compared_by_can_be_done_again_and_again(kind: str) -> None:
    task = two_checkouts.prepare(kind, "A2")
    first, second = task(), task()
    if kind == "minibatch":
        assert (first.minibatch, second.minibatch) == (1, 2)  # type: ignore[attr-defined]
    else:
        assert first == second
