"""The loops over time: compiled, they give the results of Python to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.engine import model, passes, walks
from rnnlab.engine.forms import FORMS
from rnnlab.engine.model import build_model
from tests.engine.conftest import tiny

KINDS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "rnn, relu": {"cell": "rnn", "activation": "relu"},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm"},
    "library rnn": {"cell": "rnn", "implementation": "library"},
    "library gru": {"cell": "gru", "implementation": "library"},
    "library lstm, both directions": {"cell": "lstm", "implementation": "library", "bidirectional": True},
}


def results(settings: dict[str, Any]) -> list[Tensor]:
    """Return the loss, the last state and all gradients of a minibatch."""
    network = build_model(tiny(num_hiddens=70, **settings), 12)
    X = torch.arange(24).view(3, 8) * 5 % 12
    state = tuple(0.1 * torch.ones_like(S) for S in network.begin_state(3))
    loss, last = network.loss(X, X.roll(1, 1), state)
    loss.backward()  # type: ignore[no-untyped-call]
    return [loss, *last, *(p.grad for p in network.parameters() if p.grad is not None)]


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_walks_equal_those_of_python(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = results(KINDS[kind])
    used: list[object] = []

    def in_python(walk: Any) -> Any:
        used.append(walk)
        return walk

    monkeypatch.setattr(passes, "compiled", in_python)
    assert all(map(torch.equal, results(KINDS[kind]), compiled))
    assert len(used) >= 2


def test_every_walk_is_compiled_here() -> None:
    for form in FORMS.values():
        for walk in (form.forward, form.back):
            assert isinstance(walks.compiled(walk), torch.jit.ScriptFunction)


def test_a_walk_that_cannot_be_compiled_runs_in_python() -> None:
    def walk(number):  # type: ignore[no-untyped-def]  # TorchScript takes arguments without a type for tensors
        return [number, *range(number)]

    assert walks.compiled(walk)(2) == [2, 0, 1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("library")])
def test_weights_stored_by_rows_and_by_columns_train_alike(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(num_hiddens=70, **KINDS[kind])
    by_columns, in_columns = build_model(config, 12).state_dict(), results(KINDS[kind])
    monkeypatch.setattr(model, "MOST_IN_COLUMNS", 0)
    by_rows = build_model(config, 12).state_dict()
    assert list(by_rows) == list(by_columns)
    for name, weights in by_rows.items():
        assert torch.equal(weights, by_columns[name])
        if "weight" in name and "dense" not in name:
            assert weights.is_contiguous()
            assert by_columns[name].t().is_contiguous()
    for mine, other in zip(results(KINDS[kind]), in_columns, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-5)
