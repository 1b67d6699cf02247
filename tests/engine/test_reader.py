"""The reader of single characters against the model on windows of one character."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnlab.engine.model import build_model
from rnnlab.engine.reader import Reader
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

EXTRAS: list[dict[str, Any]] = [
    {},
    {"residual": True, "layer_norm": True},
    {"residual": True},
    {"layer_norm": True},
    {"precision": "float64"},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: "-".join(extra) or "plain")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_it_predicts_like_the_readable_model(
    cell: str, implementation: str, num_layers: int, bidirectional: bool, extra: dict[str, Any], vocab: Vocab
) -> None:
    settings = {"cell": cell, "implementation": implementation, "num_layers": num_layers} | extra
    _compare(tiny(**settings, bidirectional=bidirectional, initialization="uniform", num_hiddens=80), vocab)


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_the_activation_may_be_relu(implementation: str, vocab: Vocab) -> None:
    _compare(tiny(implementation=implementation, activation="relu", initialization="uniform"), vocab)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_cloze_network_has_no_right_side(cell: str, implementation: str, num_layers: int, vocab: Vocab) -> None:
    settings = {"cell": cell, "implementation": implementation, "num_layers": num_layers}
    _compare(tiny(**settings, bidirectional=True, objective="cloze", initialization="uniform"), vocab)


def _compare(config: Any, vocab: Vocab) -> None:
    model = build_model(config, len(vocab))
    model.recurrent.as_written = True  # the equations, step by step, or the framework's own layers
    reader, state = Reader(model), model.begin_state(1)
    for index in vocab.encode("the fox"):
        with torch.no_grad():
            logits, state = model(torch.tensor([[index]]), state)
        torch.testing.assert_close(reader.read(index), logits[0], rtol=1e-5, atol=1e-5)
