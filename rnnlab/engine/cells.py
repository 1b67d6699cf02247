"""The cells of `rnnlab.cells` in torch: their weights, and a sequence computed step by step from the equation.

The weights of all gates of a cell are side by side in `W_x`, `W_h` and `b`, so that a single matrix product can compute
all gates (as `rnnlab.engine.sequence` does); the equations get them separately, under the book's names. A state is
always a tuple: `(H,)` or `(H, C)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlab.cells import CellDescription, Functions, OneHot
from rnnlab.cells.description import Equation
from rnnlab.config import Activation

State = tuple[Tensor, ...]

FUNCTIONS: dict[Activation, Functions] = {
    "tanh": Functions(torch.sigmoid, torch.tanh, torch.tanh),
    "relu": Functions(torch.sigmoid, torch.tanh, torch.relu),
}
"""The functions of torch for each choice of the activation φ."""


@dataclass(frozen=True)
class Unit:
    """An equation with the weights of one layer and direction, with inputs in rows and gates in columns.

    Attributes:
        equation: function of one time step.
        W_x: weights from the input to all G gates, (num_inputs, G·h).
        W_h: weights from the hidden state, (h, G·h).
        b: bias, (G·h,).
        num_gates: G.
        num_states: 1 for ``(H,)``, 2 for ``(H, C)``.
        activation: φ.
        b_h: second bias, of the product with the state, (G·h,); None if the equation has none.
        order: the place of each gate of the equation among the columns; empty if they are in the same order.
    """

    equation: Equation
    W_x: Tensor
    W_h: Tensor
    b: Tensor
    num_gates: int
    num_states: int
    activation: Activation = "tanh"
    b_h: Tensor | None = None
    order: tuple[int, ...] = ()

    def weights(self) -> tuple[tuple[Tensor, ...], ...]:
        """Return ``(W_xg, W_hg, b_g)`` for each gate g, as the equation expects them."""
        kept = (self.W_x, self.W_h, self.b) if self.b_h is None else (self.W_x, self.W_h, self.b, self.b_h)
        columns = tuple(zip(*(tensor.chunk(self.num_gates, -1) for tensor in kept), strict=True))
        return tuple(columns[place] for place in self.order) if self.order else columns


def walk(unit: Unit, inputs: Iterable[Tensor | OneHot], state: State) -> tuple[Tensor, State]:
    """Compute a sequence from the equation, one time step after another.

    Args:
        unit: the equation and its weights.
        inputs: the rows (B, num_inputs) of each time step.
        state: initial state, each tensor (B, h).

    Returns:
        All hidden states (T, B, h) and the last state.
    """
    weights, f = unit.weights(), FUNCTIONS[unit.activation]
    outputs = []
    for X in inputs:
        state, _ = unit.equation(X, state, weights, f)
        outputs.append(state[0])
    return torch.stack(outputs), state


class Cell(nn.Module):
    """The weights of a cell that is computed from its equation.

    Args:
        description: the cell.
        num_inputs: size of an input row; in the first layer, the size of the vocabulary.
        num_hiddens: number of hidden units.
        activation: φ, for cells whose activation can be chosen.
    """

    def __init__(
        self, description: CellDescription, num_inputs: int, num_hiddens: int, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        columns = len(description.gates) * num_hiddens
        self.description = description
        self.activation: Activation = activation
        self.W_x = nn.Parameter(torch.empty(num_inputs, columns))
        self.W_h = nn.Parameter(torch.empty(num_hiddens, columns))
        self.b = nn.Parameter(torch.empty(columns))

    def unit(self) -> Unit:
        """Return the equation with these weights."""
        cell = self.description
        return Unit(cell.equation, self.W_x, self.W_h, self.b, len(cell.gates), len(cell.states), self.activation)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Compute a sequence of rows (T, B, num_inputs); return all H (T, B, h) and the last state."""
        return walk(self.unit(), inputs, state)
