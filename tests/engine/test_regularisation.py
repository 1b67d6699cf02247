"""Dropout, weight decay and the schedule of the learning rate, against their formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnlab.config import TrainConfig
from rnnlab.engine import schedule
from rnnlab.engine.dropout import Dropout
from rnnlab.engine.minibatch import epoch_minibatches
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import EpochFinished, MinibatchFinished
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

KINDS: tuple[dict[str, Any], ...] = (
    {"num_layers": 2},
    {"cell": "gru", "num_layers": 2, "bidirectional": True},
    {"cell": "lstm", "implementation": "library", "num_layers": 2},
    {"cell": "lstm", "implementation": "library", "num_layers": 2, "residual": True, "layer_norm": True},
)


def trained(config: TrainConfig, vocab: Vocab, indices: Tensor, minibatches: int) -> tuple[list[float], list[Tensor]]:
    """Return the losses of the first minibatches, and the parameters after them."""
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    losses: list[float] = []
    for event in train(state, vocab, indices):
        if isinstance(event, MinibatchFinished):
            losses.append(event.loss)
        if len(losses) == minibatches:
            break
    return losses, [parameter.detach().clone() for parameter in state.model.parameters()]


def test_dropout_keeps_the_mean_and_lets_the_gradient_through_where_it_drops_nothing() -> None:
    H = torch.ones(100, 200, requires_grad=True)
    dropped = Dropout(0.3, seed=0)(H)
    zero = dropped == 0
    assert zero.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped[~zero].unique().tolist() == pytest.approx([1 / 0.7])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    dropped.sum().backward()  # type: ignore[no-untyped-call]
    assert H.grad is not None
    assert torch.equal(H.grad == 0, zero)


@pytest.mark.parametrize("settings", KINDS)
def test_no_dropout_is_none_to_the_last_bit(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    plain = trained(tiny(**settings), vocab, indices, 9)
    off = {"dropout": 0.0, "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0}
    again = trained(tiny(**settings, **off), vocab, indices, 9)
    assert plain[0] == again[0]
    assert all(torch.equal(a, b) for a, b in zip(plain[1], again[1], strict=True))
    assert trained(tiny(**settings, dropout=0.1), vocab, indices, 9)[0] != plain[0]


@pytest.mark.parametrize("settings", KINDS)
def test_both_computations_drop_the_same(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    fast, as_written = (
        trained(tiny(**settings, dropout=0.4, computation=computation), vocab, indices, 20)[0]
        for computation in ("fast", "as_written")
    )
    assert fast == pytest.approx(as_written, rel=1e-4)


def test_the_output_of_each_layer_is_dropped_and_nothing_else(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(num_layers=2, dropout=0.5)
    model = build_model(config, len(vocab))
    _, minibatches = epoch_minibatches(indices, config, torch.Generator().manual_seed(0))
    X, Y = next(iter(minibatches))
    with torch.no_grad(), model.dropping(Dropout(0.5, seed=7)):
        loss, _ = model.loss(X, Y, model.begin_state(len(X)))
    # the oracle draws the masks of both layers from the same generator
    generator = torch.Generator().manual_seed(7)
    inputs = functional.one_hot(X.t(), len(vocab)).float().numpy()
    for cell in model.recurrent.cells:  # type: ignore[union-attr]
        W_x, W_h, b = (getattr(cell, name).detach().numpy() for name in ("W_x", "W_h", "b"))
        H, outputs = np.zeros((len(X), config.num_hiddens), np.float32), []
        for X_t in inputs:
            H = np.tanh(X_t @ W_x + H @ W_h + b)  # the state itself is not dropped
            outputs.append(H)
        mask = torch.empty(len(outputs), *H.shape).bernoulli_(0.5, generator=generator).numpy()
        inputs = np.stack(outputs) * mask / 0.5
    logits = model.dense(torch.from_numpy(inputs.astype(np.float32))).flatten(0, 1)
    assert loss.item() == pytest.approx(functional.cross_entropy(logits, Y.t().flatten()).item(), rel=1e-5)
    # without `dropping`, as when a text is generated, nothing is dropped
    first, second = (model.loss(X, Y, model.begin_state(len(X)))[0].item() for _ in range(2))
    assert first == second != loss.item()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_decay_shrinks_the_weights_before_the_step_and_leaves_the_biases(
    optimizer: str, vocab: Vocab, indices: Tensor
) -> None:
    config = tiny(optimizer=optimizer, learning_rate=0.5 if optimizer == "sgd" else 0.01)
    before = [parameter.detach().clone() for parameter in build_model(config, len(vocab)).parameters()]
    _, plain = trained(config, vocab, indices, 1)
    _, decayed = trained(config.change(weight_decay=0.25), vocab, indices, 1)
    assert any(parameter.ndim == 1 for parameter in before)
    for old, without, with_decay in zip(before, plain, decayed, strict=True):
        shrunk = config.learning_rate * 0.25 * old.numpy() if old.ndim > 1 else 0.0
        np.testing.assert_allclose(with_decay.numpy(), without.numpy() - shrunk, rtol=1e-5, atol=1e-8)


def test_the_schedules_follow_their_formulas() -> None:
    at = [0.0, 1.0, 2.5, 5.0, 7.4, 7.5, 9.99, 10.0, 12.0]
    constant, step, cosine = (
        [schedule.factor(tiny(num_epochs=10, schedule=name), epochs) for epochs in at]
        for name in ("constant", "step", "cosine")
    )
    assert constant == [1.0] * len(at)
    assert step == [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01]
    assert cosine == pytest.approx([(1 + math.cos(math.pi * min(1, epochs / 10))) / 2 for epochs in at])
    warm = tiny(num_epochs=12, schedule="cosine", warmup_epochs=2)
    assert [schedule.factor(warm, epochs) for epochs in (0, 0.5, 1, 2, 7, 12)] == pytest.approx(
        [0, 0.25, 0.5, 1, 0.5, 0]
    )
    assert schedule.factor(tiny(num_epochs=3, schedule="step", warmup_epochs=9), 8) == pytest.approx(8 / 9)


def test_the_learning_rate_follows_the_schedule(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(num_epochs=4, schedule="step", learning_rate=2.0)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    rates = [event.learning_rate for event in train(state, vocab, indices) if isinstance(event, EpochFinished)]
    assert rates == pytest.approx([2, 0.2, 0.02, 0.02])  # of the next minibatch
    # during a warm-up, the first minibatch changes nothing
    warm = config.change(schedule="constant", warmup_epochs=2)
    before = list(build_model(warm, len(vocab)).parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, trained(warm, vocab, indices, 1)[1], strict=True))
