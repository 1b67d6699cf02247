"""The library's weights in the scratch network: the same function for RNN and LSTM, a different one for the GRU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.cells import CELLS, Library
from rnnlab.engine.parity import parity
from rnnlab.errors import CorpusError
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

SETTINGS = [
    {"num_layers": 1},
    {"num_layers": 3, "bidirectional": True},
    {"num_layers": 2, "residual": True, "layer_norm": True},
    {"num_layers": 2, "bidirectional": True, "objective": "cloze"},
    {"num_hiddens": 96, "activation": "relu"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_rnn_and_lstm_are_the_same_function_in_both_implementations(
    cell: str, settings: dict[str, Any], vocab: Vocab, indices: Tensor
) -> None:
    config = tiny(cell=cell, initialization="uniform", **settings)
    found = parity(config, len(vocab), indices)
    assert found["comparable"] is True
    assert found["logits_difference"] < 1e-5
    assert found["gradient_difference"] < 1e-5
    assert found["loss_scratch"] == pytest.approx(found["loss_library"], abs=1e-5)
    assert found["gradient_difference"] == max(entry["gradient_difference"] for entry in found["parameters"])
    names = [entry["name"] for entry in found["parameters"]]
    assert len(set(names)) == len(names)
    assert {"recurrent.cells.0.W_x", "dense.weight"} <= set(names)


def test_the_gru_of_the_book_is_a_different_function(vocab: Vocab, indices: Tensor) -> None:
    found = parity(tiny(cell="gru", initialization="uniform", num_hiddens=64), len(vocab), indices)
    assert found["comparable"] is False
    assert found["logits_difference"] > 1e-3
    assert found["gradient_difference"] > 1e-5


def test_a_gate_in_the_wrong_place_is_detected(vocab: Vocab, indices: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library("LSTM", (0, 1, 2, 3))
    monkeypatch.setitem(CELLS, "lstm", replace(CELLS["lstm"], library=library))
    found = parity(tiny(cell="lstm", initialization="uniform"), len(vocab), indices)
    assert found["logits_difference"] > 1e-3


def test_the_random_state_is_not_changed(vocab: Vocab, indices: Tensor) -> None:
    before = torch.get_rng_state()
    parity(tiny(cell="lstm"), len(vocab), indices)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("sampling", ["random", "consecutive"])
def test_a_text_without_a_minibatch_is_refused(sampling: str, vocab: Vocab, indices: Tensor) -> None:
    with pytest.raises(CorpusError) as refusal:
        parity(tiny(sampling=sampling, batch_size=8, num_steps=10), len(vocab), indices[:80])
    assert refusal.value.code == "corpus_too_short"
