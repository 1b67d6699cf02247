"""All layers and the loss in one function: the values and gradients of the layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine import model as models
from rnnlab.engine import passes
from rnnlab.engine.dropout import Dropout
from rnnlab.engine.forms import FORMS
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.parts import use_threads
from rnnlab.engine.tasks import Task, Tasks
from tests.engine.conftest import tiny
from tests.engine.test_computation import SIX, functions

V = 12


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield
    use_threads(1)


def minibatch(network: LanguageModel) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Return characters, targets, and an initial state with a gradient."""
    generator = torch.Generator().manual_seed(1)
    X, Y = torch.randint(V, (2, 3, 7), generator=generator)
    dtype = network.dense.weight.dtype
    state = [torch.randn(S.shape, generator=generator, dtype=dtype) for S in network.begin_state(3)]
    return X, Y, tuple(S.requires_grad_() for S in state)


def results(network: LanguageModel, loss_of: Callable[..., tuple[Tensor, tuple[Tensor, ...]]]) -> list[Tensor]:
    """Return loss, last state and the gradients of something that depends on both."""
    X, Y, state = minibatch(network)
    loss, last = loss_of(X, Y, state)
    wanted = loss + sum((S * torch.arange(S.numel()).view(S.shape) / S.numel()).sum() for S in last)
    return [loss, *last, *torch.autograd.grad(wanted, [*network.parameters(), *state])]


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize(("cell", "implementation"), SIX)
def test_it_equals_the_layers_one_after_the_other(cell: str, implementation: str, num_layers: int) -> None:
    config = tiny(cell=cell, implementation=implementation, num_layers=num_layers, precision="float64")
    network = build_model(config, V)

    def one_after_the_other(X: Tensor, Y: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        H, last = network.recurrent(X.t(), state)
        return network._output_loss(H, Y), last

    found = results(network, network.loss)
    assert all(map(torch.equal, found, results(network, one_after_the_other)))
    written = build_model(config.change(computation="as_written"), V)  # the same seed draws the same weights
    for mine, other in zip(found, results(written, written.loss), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-8)


def names(network: LanguageModel, dropout: Dropout | None = None) -> set[str]:
    """Return the names of the functions that lead to a loss."""
    X, Y, state = minibatch(network)
    with network.dropping(dropout):
        return set(functions(network.loss(X, Y, state)[0].grad_fn))


DEPARTURES: list[dict[str, Any]] = [
    {"bidirectional": True},
    {"layer_norm": True},
    {"residual": True},
    {"computation": "as_written"},
    {"objective": "cloze", "bidirectional": True},
]


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_only_layers_that_just_read_each_other_are_computed_together(implementation: str) -> None:
    def built(**settings: Any) -> LanguageModel:
        return build_model(tiny(implementation=implementation, num_layers=2, **settings), V)

    assert "_StackLossBackward" in names(built())
    assert "_StackLossBackward" not in names(built(dropout=0.5), Dropout(0.5, 0))
    for settings in DEPARTURES:
        assert "_StackLossBackward" not in names(built(**settings)), settings


def test_a_cell_without_a_fast_form_is_computed_by_its_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_model(tiny(), V)
    monkeypatch.setattr(models, "form_of", lambda unit: None)
    assert "_StackLossBackward" not in names(network)


def test_the_next_layer_begins_before_this_one_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: dict[Task, set[Task]] = {}
    named: list[tuple[str, Task]] = []
    add = Tasks.add

    def noting(self: Tasks, work: Any, after: Any = (), urgent: bool = True) -> Task:
        after = list(after)
        task = add(self, work, after, urgent)
        waits[task] = set(after).union(*(waits[before] for before in after))
        named.append((getattr(getattr(work, "func", work), "__qualname__", ""), task))
        return task

    monkeypatch.setattr(Tasks, "add", noting)
    config = TrainConfig.make(cell="lstm", num_layers=2, num_hiddens=200, prefixes=("a",))
    network = build_model(config, 300)
    X = torch.arange(32 * 35).view(32, 35) % 300
    use_threads(2)
    loss, _ = network.loss(X, X, network.begin_state(32))
    walks = [task for name, task in named if name == "ForwardPass._walk"]
    predictions = [task for name, task in named if name == "Prediction._predict"]
    first, second = walks[: len(walks) // 2], walks[len(walks) // 2 :]
    assert len(predictions) >= 2
    assert first[-1] not in waits[second[0]]
    assert second[-1] not in waits[predictions[0]]
    named.clear()
    loss.backward()  # type: ignore[no-untyped-call]
    walks = [task for name, task in named if name == "BackwardPass._walk"]
    first, second = walks[: len(walks) // 2], walks[len(walks) // 2 :]
    assert first[-1] not in waits[second[0]]
    of_weights = [task for name, task in named if name.startswith("_work")]
    assert any(not waits[task] for task in of_weights), "the output layer's weights wait for no walk"


def test_a_single_layer_with_long_walks_is_divided_by_rows() -> None:
    use_threads(2)
    lstm = build_model(TrainConfig.make(cell="lstm", prefixes=("a",)), 300).recurrent.unit(0, 0)
    rnn = build_model(TrainConfig.make(cell="rnn", prefixes=("a",)), 300).recurrent.unit(0, 0)
    characters, W = torch.zeros(35, 32, dtype=torch.long), torch.randn(1000, 256)
    factors = [(W.t(), W[:, 0]), (W, None)]
    of_lstm = passes.divide(FORMS[lstm.equation], [lstm], characters, 1, factors)
    of_rnn = passes.divide(FORMS[rnn.equation], [rnn], characters, 1, factors)
    assert len(of_lstm.rows) == 2
    assert len(of_rnn.rows) == 1, "the output layer takes longer than the walk, which it can follow"
    assert len(of_rnn.steps) > 1
    use_threads(1)
    alone = passes.divide(FORMS[lstm.equation], [lstm], characters, 1, factors)
    assert (len(alone.rows), len(alone.steps)) == (1, 1)
