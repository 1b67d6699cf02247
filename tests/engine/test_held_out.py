"""The perplexity on held-out text during training: against an independent computation, and without side effects."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine.held_out import HeldOut
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import EpochFinished
from rnnlab.text.preparation import for_sample
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

OTHER = "the dog and the fox ran over the hill, and over the lazy hill the fox ran. " * 20


def epochs(config: TrainConfig, vocab: Vocab, indices: Tensor, held_out: str) -> list[EpochFinished]:
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    return [event for event in train(state, vocab, indices, held_out=held_out) if isinstance(event, EpochFinished)]


def curve(found: list[EpochFinished]) -> list[tuple[int, float, float]]:
    return [(event.epoch, event.loss, event.grad_norm) for event in found]


@pytest.mark.parametrize("settings", [{}, {"cell": "lstm", "dropout": 0.5}, {"sampling": "random"}])
def test_measuring_changes_nothing(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    without = epochs(tiny(**settings, held_out_period=0), vocab, indices, OTHER)
    measured = epochs(tiny(**settings, held_out_period=1), vocab, indices, OTHER)
    assert curve(without) == curve(measured)
    assert [event.held_out_perplexity for event in without] == [None] * 3
    assert all(event.held_out_perplexity is not None for event in measured)


def test_it_is_measured_at_each_period_and_at_the_end(vocab: Vocab, indices: Tensor) -> None:
    found = epochs(tiny(num_epochs=7, held_out_period=3), vocab, indices, OTHER)
    assert [event.epoch for event in found if event.held_out_perplexity is not None] == [3, 6, 7]
    # nothing to measure on: no text, no known character, or a network that sees the character it predicts
    for settings, text in (({}, ""), ({}, "☃" * 500), ({"bidirectional": True}, OTHER)):
        found = epochs(tiny(held_out_period=1, **settings), vocab, indices, text)
        assert [event.held_out_perplexity for event in found] == [None] * 3


def test_it_is_the_perplexity_of_rows_read_from_the_zero_state(vocab: Vocab) -> None:
    config = tiny(held_out_period=1, num_chars=1500)
    model = build_model(config, len(vocab))
    found = HeldOut(for_sample("☃" + OTHER, config), vocab, config, torch.device("cpu")).perplexity(model, 1)
    # two passages of 100 characters, the first and the last
    text = "☃" + OTHER
    known = vocab.token_to_idx  # without the comma
    rows = [[known[token] for token in part if token in known][:51] for part in (text[:100], text[-100:])]
    W_x, W_h, b = (getattr(model.recurrent.cells[0], name).detach().numpy() for name in ("W_x", "W_h", "b"))  # type: ignore[union-attr]
    W_q, b_q = (parameter.detach().numpy() for parameter in model.dense.parameters())
    losses = []
    for row in rows:
        H = np.zeros(config.num_hiddens)
        for character, following in pairwise(row):
            H = np.tanh(W_x[character] + H @ W_h + b)
            scores = H @ W_q.T + b_q
            losses.append(np.log(np.exp(scores).sum()) - scores[following])
    assert found == pytest.approx(math.exp(np.mean(losses)), rel=1e-4)
