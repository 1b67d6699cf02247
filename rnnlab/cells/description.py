"""The description of a cell: its equation, gates and states, and their names.

The letters are those of the book: `X` input (batch_size, num_inputs), `H` hidden state and `C` memory cell (batch_size,
num_hiddens), `W_xh` from input to hidden, `W_hh` from hidden to hidden, `b_h` bias; σ is the sigmoid, ⊙ the
elementwise product. The sizes n, d, h and q of the book are `batch_size`, `num_inputs`, `num_hiddens` and the size of
the vocabulary. The equations also hold for a single row, without the minibatch axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Array = Any
"""A torch or NumPy array, or a `OneHot`."""
State = tuple[Array, ...]
"""The state of a cell, the hidden state H first: ``(H,)`` or ``(H, C)``."""
Weights = Sequence[tuple[Array, ...]]
"""``(W_xg, W_hg, b_g)`` for each gate g, in the order of the description."""
Gates = Mapping[str, Array]
"""The gate values by their names in the equation."""


@dataclass(frozen=True)
class Functions:
    """The elementwise functions of an array library.

    Attributes:
        sigmoid: σ.
        tanh: the hyperbolic tangent.
        φ: the activation of cells whose activation can be chosen: tanh or ReLU.
    """

    sigmoid: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    φ: Callable[[Array], Array]


Equation = Callable[[Array, State, Weights, Functions], tuple[State, Gates]]
"""One time step: maps (input, state, weights, functions) to (new state, gates)."""


class OneHot:
    """One-hot rows in compact form: their product with a matrix selects rows of the matrix.

    Args:
        index: the position of the 1: an integer for a single row, an integer array for several rows.
    """

    def __init__(self, index: Array) -> None:
        self._index = index

    def __matmul__(self, matrix: Array) -> Array:
        return matrix[self._index]


Role = Literal["input_gate", "forget_gate", "output_gate", "update_gate", "reset_gate", "candidate"]
ROLES: tuple[Role, ...] = get_args(Role)
"""The roles of gates in display order; each has a name in both languages."""


@dataclass(frozen=True)
class Gate:
    """A block of weights in a cell and the value computed from it.

    Attributes:
        letter: index of its weights in the book, e.g. "i" for W_xi, W_hi and b_i.
        name: name of the value in the equation, e.g. "I", or "C_tilde" for a candidate.
        squash: activation function of the value.
        role: role of the gate; None if the value is the new state itself.
        resets: name of the gate that multiplies the state before the product with W_h; "" for none.
    """

    letter: str
    name: str
    squash: Literal["sigmoid", "tanh", "φ"]
    role: Role | None = None
    resets: str = ""


@dataclass(frozen=True)
class Library:
    """The layer of `torch.nn` for a cell.

    Attributes:
        layer: name of the class in `torch.nn`.
        order: position of each gate of the description among the gates of the layer.
        equation: function of the layer, if it differs from the book's equation. The weights of each gate are then
            ``(W_xg, W_hg, b_g, c_g)``, where c_g is the layer's second bias, of the product with the state.
    """

    layer: str
    order: tuple[int, ...]
    equation: Equation | None = None


@dataclass(frozen=True)
class CellDescription:
    """A recurrent cell.

    Attributes:
        name: name in a configuration.
        equation: function of one time step.
        gates: blocks of weights, in their order along the columns of the weight matrices.
        states: letters of the states that are carried to the next time step, "H" first.
        latex: the book's equations, one for each computed value.
        section: section of the book's first edition.
        calls: number of small operations in a time step, used to estimate the time of an epoch.
        library: layer of `torch.nn`; None if there is none.
        chooses_activation: whether the activation φ can be chosen.
        keeping: letter of the gate that controls how long the state is kept; "" for none.
        forget: letter of the gate to whose bias `forget_bias` is added; "" for none.
    """

    name: str
    equation: Equation
    gates: tuple[Gate, ...]
    states: tuple[str, ...]
    latex: tuple[str, ...]
    section: str
    calls: int
    library: Library | None = None
    chooses_activation: bool = False
    keeping: str = ""
    forget: str = ""

    @property
    def letters(self) -> tuple[str, ...]:
        """Return the letters of the gates in order."""
        return tuple(gate.letter for gate in self.gates)
