"""Scratch cells against independent references, and the fast sequences against the readable equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.cells import Cell, walk
from rnnlab.engine.model import LibraryLayers
from rnnlab.engine.sequence import run_sequence

T, B, NUM_INPUTS, H = 7, 3, 5, 4
CASES = [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")]


def new_cell(name: str, activation: str = "tanh", dtype: torch.dtype = torch.float32) -> Cell:
    torch.manual_seed(3)
    cell = Cell(CELLS[name], NUM_INPUTS, H, activation).to(dtype)
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -0.8, 0.8)
    return cell


def new_state(cell: Cell, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    return tuple(torch.randn(B, H, dtype=dtype).requires_grad_() for _ in cell.description.states)


def library_twin(cell: Cell, order: list[int]) -> nn.RNNBase:
    """Return the library's layer with the weights of the cell; `order` sorts the gates as in the library."""
    lstm = cell.description.name == "lstm"
    twin = nn.LSTM(NUM_INPUTS, H) if lstm else nn.RNN(NUM_INPUTS, H, nonlinearity=cell.activation)
    n = len(cell.description.gates)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(torch.cat([cell.W_x.chunk(n, 1)[i] for i in order], 1).t())
        twin.weight_hh_l0.copy_(torch.cat([cell.W_h.chunk(n, 1)[i] for i in order], 1).t())
        twin.bias_ih_l0.copy_(torch.cat([cell.b.chunk(n)[i] for i in order]))
        twin.bias_hh_l0.zero_()
    return twin


@pytest.mark.parametrize(
    ("name", "activation", "order"), [("rnn", "tanh", [0]), ("rnn", "relu", [0]), ("lstm", "tanh", [0, 1, 3, 2])]
)
@pytest.mark.parametrize("fast", [False, True])
def test_scratch_equals_the_library_with_the_same_weights(
    name: str, activation: str, order: list[int], fast: bool
) -> None:
    cell = new_cell(name, activation)
    twin = library_twin(cell, order)
    inputs, state = torch.randn(T, B, NUM_INPUTS), new_state(cell)
    outputs, last = run_sequence(cell.unit(), inputs, state) if fast else cell(inputs, state)
    hidden = tuple(S.detach()[None] for S in state)
    expected, expected_last = twin(inputs, hidden if len(hidden) == 2 else hidden[0])
    torch.testing.assert_close(outputs, expected, atol=1e-6, rtol=1e-5)
    if isinstance(expected_last, Tensor):
        expected_last = (expected_last,)
    for S, expected_S in zip(last, expected_last, strict=True):
        torch.testing.assert_close(S, expected_S[0], atol=1e-6, rtol=1e-5)

    weight = torch.randn_like(outputs)
    (outputs * weight).sum().backward()
    (expected * weight).sum().backward()
    n = len(cell.description.gates)
    for mine, theirs in [(cell.W_x, twin.weight_ih_l0), (cell.W_h, twin.weight_hh_l0), (cell.b, twin.bias_ih_l0)]:
        assert mine.grad is not None
        sorted_grad = torch.cat([mine.grad.chunk(n, -1)[i] for i in order], -1).t()
        torch.testing.assert_close(sorted_grad, theirs.grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fast", [False, True])
def test_scratch_gru_follows_the_book(fast: bool) -> None:
    from tests.engine.oracles import gru

    cell = new_cell("gru", dtype=torch.float64)
    inputs, state = torch.randn(T, B, NUM_INPUTS, dtype=torch.float64), new_state(cell, torch.float64)
    outputs, _ = run_sequence(cell.unit(), inputs, state) if fast else cell(inputs, state)
    weights = [p.detach().numpy() for p in (cell.W_x, cell.W_h, cell.b)]
    expected, _ = gru(inputs.numpy(), state[0].detach().numpy(), *weights)
    np.testing.assert_allclose(outputs.detach().numpy(), expected, atol=1e-12)


def test_the_books_gru_differs_from_the_librarys() -> None:
    cell = new_cell("gru")
    twin = nn.GRU(NUM_INPUTS, H)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(cell.W_x.t())
        twin.weight_hh_l0.copy_(cell.W_h.t())
        twin.bias_ih_l0.copy_(cell.b)
        twin.bias_hh_l0.zero_()
    inputs, (H_0,) = torch.randn(T, B, NUM_INPUTS), new_state(cell)
    assert (run_sequence(cell.unit(), inputs, (H_0,))[0] - twin(inputs, H_0.detach()[None])[0]).abs().max() > 0.01


@pytest.mark.parametrize(("name", "activation"), CASES)
@pytest.mark.parametrize("one_hot", [False, True])
def test_fast_sequence_equals_the_readable_equations(name: str, activation: str, one_hot: bool) -> None:
    cell = new_cell(name, activation)
    characters = torch.randint(NUM_INPUTS, (T, B))
    rows = torch.nn.functional.one_hot(characters, NUM_INPUTS).float() if one_hot else torch.randn(T, B, NUM_INPUTS)
    state, weight = new_state(cell), torch.randn(T, B, H)
    results = []
    for fast in (False, True):
        cell.zero_grad()
        for S in state:
            S.grad = None
        inputs = rows.clone().requires_grad_()
        given = characters if one_hot and fast else inputs
        outputs, last = run_sequence(cell.unit(), given, state) if fast else cell(given, state)
        ((outputs * weight).sum() + sum((S * 0.7).sum() for S in last)).backward()
        grads = [p.grad for p in cell.parameters()] + [S.grad for S in state]
        results.append([outputs, *last, *grads, *([] if one_hot else [inputs.grad])])
    for readable, fast_result in zip(*results, strict=True):
        torch.testing.assert_close(fast_result, readable, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "activation"), CASES)
@pytest.mark.parametrize("fast", [False, True])
def test_gradients_by_finite_differences(name: str, activation: str, fast: bool) -> None:
    cell = new_cell(name, activation, torch.float64)
    names = [n for n, _ in cell.named_parameters()]

    def outputs_of(inputs: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        parameters, state = rest[: len(names)], rest[len(names) :]
        for parameter_name, value in zip(names, parameters, strict=True):
            delattr(cell, parameter_name) if hasattr(cell, parameter_name) else None
            setattr(cell, parameter_name, value)
        outputs, last = run_sequence(cell.unit(), inputs, state) if fast else cell(inputs, state)
        return outputs, *last

    parameters = [p.detach().clone().requires_grad_() for p in cell.parameters()]
    for parameter_name in names:
        delattr(cell, parameter_name)
    inputs = torch.randn(4, 2, NUM_INPUTS, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(2, H, dtype=torch.float64, requires_grad=True) for _ in cell.description.states]
    assert torch.autograd.gradcheck(outputs_of, (inputs, *parameters, *state))


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_the_equation_with_the_librarys_weights_equals_its_layer(name: str) -> None:
    config = TrainConfig.make(cell=name, implementation="library", num_hiddens=H, computation="as_written")
    torch.manual_seed(5)
    layers = LibraryLayers(config, NUM_INPUTS).double()
    inputs = torch.randn(T, B, NUM_INPUTS, dtype=torch.float64)
    state = tuple(torch.randn(B, H, dtype=torch.float64) for _ in CELLS[name].states)
    expected, expected_last = layers(inputs, tuple(S[None] for S in state))
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()
    gradients = [parameter.grad.clone() for parameter in layers.parameters()]
    for run in (walk, run_sequence):
        layers.zero_grad()
        outputs, last = run(layers.unit(0, 0), inputs, state)
        torch.testing.assert_close(outputs, expected)
        torch.testing.assert_close(last, tuple(S[0] for S in expected_last))
        (outputs * weight).sum().backward()
        for mine, theirs in zip(layers.parameters(), gradients, strict=True):
            torch.testing.assert_close(mine.grad, theirs)
