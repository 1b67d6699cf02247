"""All layers and the loss in one function: the values and gradients of the layers one after the other."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine import model as models
from rnnlab.engine import passes, products, sequence, stack
from rnnlab.engine.dropout import Dropout
from rnnlab.engine.forms import FORMS
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.parts import Exact, use_threads
from rnnlab.engine.tasks import Task, Tasks
from tests.engine.conftest import tiny
from tests.engine.test_computation import SIX, functions

V = 12


@pytest.fixture
def everything_is_divided(monkeypatch: pytest.MonkeyPatch) -> list[passes.Division]:
    """Divide minibatches as finely as threads allow, however small they are; return the divisions that are used."""
    used: list[passes.Division] = []
    divide = passes.divide

    def noting(*args: Any, **settings: Any) -> passes.Division:
        used.append(divide(*args, **settings))
        return used[-1]

    for module in (stack, sequence):
        monkeypatch.setattr(module, "divide", noting)
    monkeypatch.setattr(passes, "DIVIDED", 1)
    monkeypatch.setattr(products, "DIVIDED", 1)
    monkeypatch.setattr(products, "LEAST_ROWS", 1)
    monkeypatch.setattr(Exact, "holds", lambda self, case, compare: True)  # equal up to rounding will do
    return used


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


def in_random_order(self: Tasks) -> None:
    """Do the tasks in one of the orders that are allowed."""
    tasks, self._tasks = self._tasks, []
    generator, waits = random.Random(len(tasks)), {task: task.waits_for for task in tasks}
    ready, done = [task for task in tasks if not task.waits_for], 0
    while ready:
        task = ready.pop(generator.choice((0, -1, generator.randrange(len(ready)))))
        task.work()
        done += 1
        for follower in task.followers:
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
    assert done == len(tasks)


SHAPES = [
    {"num_layers": 3},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 2, "layer_norm": True, "residual": True},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("cell", "implementation"), SIX)
def test_every_task_waits_for_what_it_reads(
    cell: str,
    implementation: str,
    shape: dict[str, Any],
    everything_is_divided: list[passes.Division],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings: dict[str, Any] = {"cell": cell, "implementation": implementation, "precision": "float64", **shape}
    network = build_model(tiny(num_hiddens=17, **settings), V)
    wanted = results(network, network.loss)
    monkeypatch.setattr(Tasks, "run", in_random_order)
    use_threads(3)
    torch.use_deterministic_algorithms(True)  # fills new memory with NaN
    try:
        for _ in range(3):
            for mine, other in zip(results(network, network.loss), wanted, strict=True):
                torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-8)
    finally:
        torch.use_deterministic_algorithms(False)
    assert any(len(division.steps) > 1 for division in everything_is_divided)
    assert any(len(division.rows) > 1 for division in everything_is_divided) or "bidirectional" in shape


def test_where_parts_are_not_exact_nothing_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    divide = passes.divide
    monkeypatch.setattr(stack, "divide", lambda *args, **settings: used.append(divide(*args, **settings)) or used[-1])
    monkeypatch.setattr(Exact, "holds", lambda self, case, compare: False)
    network = build_model(TrainConfig.make(cell="lstm", prefixes=("a",)), 300)
    X = torch.arange(32 * 35).view(32, 35) % 300
    losses = []
    for number in (1, 2):
        use_threads(number)
        losses.append(network.loss(X, X, network.begin_state(32))[0])
    assert torch.equal(*losses)
    assert [(len(division.steps), len(division.rows)) for division in used] == [(1, 1), (1, 1)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"bidirectional": True}], ids=["stack", "layer by layer"])
def test_gradients_can_be_computed_twice(threads: int, settings: dict[str, Any]) -> None:
    use_threads(threads)
    network = build_model(tiny(num_layers=2, **settings), V)
    X, Y, state = minibatch(network)
    loss, _ = network.loss(X, Y, state)
    wanted = [*network.parameters(), *state]
    first = torch.autograd.grad(loss, wanted, retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(loss, wanted)))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"bidirectional": True}], ids=["stack", "layer by layer"])
def test_the_memory_of_a_minibatch_is_free_afterwards(
    threads: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Any]] = []
    for kind in (passes.ForwardPass, passes.BackwardPass):
        begin: Any = kind.__init__

        def noting(self: Any, *args: Any, begin: Any = begin, **others: Any) -> None:
            begin(self, *args, **others)
            made.append(weakref.ref(self.written[0] if hasattr(self, "written") else self.buffers[0]))

        monkeypatch.setattr(kind, "__init__", noting)
    use_threads(threads)
    network = build_model(tiny(num_layers=2, **settings), V)
    X, Y, state = minibatch(network)
    gc.disable()
    try:
        loss, last = network.loss(X, Y, state)
        loss.backward()  # type: ignore[no-untyped-call]
        del loss, last
        assert made
        assert not any(reference() is not None for reference in made)
    finally:
        gc.enable()


def test_frozen_parameters_get_no_gradient() -> None:
    network = build_model(tiny(num_layers=2), V)
    X, Y, _ = minibatch(network)
    wanted = torch.autograd.grad(network.loss(X, Y, network.begin_state(3))[0], list(network.parameters()))
    for frozen, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(frozen % 2 == 1)
    network.loss(X, Y, network.begin_state(3))[0].backward()  # type: ignore[no-untyped-call]
    for number, (parameter, gradient) in enumerate(zip(network.parameters(), wanted, strict=True)):
        assert (parameter.grad is None) == (number % 2 == 0)
        assert parameter.grad is None or torch.equal(parameter.grad, gradient)


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
    assert "_StackLossBackward" in names(build_model(tiny(implementation=implementation, residual=True), V))
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
    monkeypatch.setattr(Exact, "holds", lambda self, case, compare: True)  # whatever this processor does
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
    assert {task.place[0] for task in of_weights} == {True}, "they are not urgent"
    assert {task.place[0] for task in walks} == {False}


def test_a_single_layer_with_long_walks_is_divided_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exact, "holds", lambda self, case, compare: True)  # whatever this processor does
    use_threads(2)
    lstm = build_model(TrainConfig.make(cell="lstm", prefixes=("a",)), 300).recurrent.unit(0, 0)
    rnn = build_model(TrainConfig.make(cell="rnn", prefixes=("a",)), 300).recurrent.unit(0, 0)
    characters, W = torch.zeros(35, 32, dtype=torch.long), torch.randn(1000, 256)
    matrices = [(W.t(), W[:, 0])]
    of_lstm = passes.divide(FORMS[lstm.equation], [lstm], characters, 1, matrices)
    of_rnn = passes.divide(FORMS[rnn.equation], [rnn], characters, 1, matrices)
    assert len(of_lstm.rows) == 2
    assert len(of_rnn.rows) == 1, "the output layer takes longer than the walk, which it can follow"
    assert len(of_rnn.steps) > 1
    use_threads(1)
    alone = passes.divide(FORMS[lstm.equation], [lstm], characters, 1, matrices)
    assert (len(alone.rows), len(alone.steps)) == (1, 1)
