"""Fast and as written: two computations of the same network with the same curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import MinibatchFinished
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

V = 12
SIX = [(cell, implementation) for cell in ("rnn", "gru", "lstm") for implementation in ("scratch", "library")]


def losses(vocab: Vocab, indices: Tensor, **settings: Any) -> list[float]:
    """Train for twenty minibatches and return their losses."""
    config = tiny(initialization="uniform", clip_norm=None, num_epochs=20, pred_period=20, **settings)
    events = train(TrainingState.begin(build_model(config, len(vocab)), config), vocab, indices)
    found = (event.loss for event in events if isinstance(event, MinibatchFinished))
    return [loss for loss, _ in zip(found, range(20), strict=False)]


@pytest.mark.parametrize(
    "helps",
    [{}, {"residual": True, "layer_norm": True, "objective": "cloze", "optimizer": "adam", "learning_rate": 0.01}],
)
@pytest.mark.parametrize(("cell", "implementation"), SIX)
def test_both_give_the_same_curve(
    cell: str, implementation: str, helps: dict[str, Any], vocab: Vocab, indices: Tensor
) -> None:
    settings = {"cell": cell, "implementation": implementation, "num_layers": 2, "bidirectional": True, **helps}
    fast = losses(vocab, indices, **settings)
    as_written = losses(vocab, indices, computation="as_written", **settings)
    assert len(fast) == 20
    assert fast == pytest.approx(as_written, abs=1e-4)
    assert sum(fast[-5:]) < sum(fast[:5]) - 0.01  # the weights have moved


def functions(node: Any, seen: set[Any] | None = None) -> Iterator[str]:
    """Name every function in the graph that leads to a loss."""
    seen = set() if seen is None else seen
    if node is None or node in seen:
        return
    seen.add(node)
    yield type(node).__name__
    for before, _ in node.next_functions:
        yield from functions(before, seen)


@pytest.mark.parametrize("objective", ["next", "cloze"])
@pytest.mark.parametrize(("cell", "implementation"), SIX)
def test_as_written_takes_every_derivative_from_autograd(cell: str, implementation: str, objective: str) -> None:
    X = torch.arange(12).view(2, 6) % V
    by_hand = {}
    called: list[str] = []
    for computation in ("fast", "as_written"):
        config = tiny(
            cell=cell, implementation=implementation, objective=objective, bidirectional=True, computation=computation
        )
        model = build_model(config, V)
        for module in model.modules():
            if isinstance(module, nn.RNNBase):
                module.register_forward_hook(lambda module, *_: called.append(type(module).__name__))
        called.clear()
        loss, _ = model.loss(X, X, model.begin_state(2))
        by_hand[computation] = {name for name in functions(loss.grad_fn) if name.startswith("_")}
        # the framework's own layer is used
        assert bool(called) == (computation == "as_written" and implementation == "library")
    assert "_SequencesBackward" in by_hand["fast"]
    assert any("Loss" in name for name in by_hand["fast"])
    assert by_hand["as_written"] == set()
