"""What a cell is made of: its equation, its gates, its states, and what they are called.

The letters are the book's: `X` input (batch_size, num_inputs), `H` hidden state and `C` memory cell (batch_size,
num_hiddens), `W_xh` from input to hidden, `W_hh` from hidden to hidden, `b_h` bias; σ is the sigmoid, ⊙ the product by
element. Its sizes n, d, h and q are `batch_size`, `num_inputs`, `num_hiddens` and, of the output layer, the size of the
vocabulary. Without the axis of the minibatch the same equations hold for one row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Array = Any
"""An array of torch or NumPy, or `OneHot`."""
State = tuple[Array, ...]
"""The hidden state H and what else a cell keeps: ``(H,)`` or ``(H, C)``."""
Weights = Sequence[tuple[Array, ...]]
"""For each gate g, in the order of the description: ``(W_xg, W_hg, b_g)``."""
Gates = Mapping[str, Array]
"""The values of the gates by the names in the equation."""


@dataclass(frozen=True)
class Functions:
    """The functions by element of a library of arrays.

    Attributes:
        sigmoid: σ.
        tanh: the hyperbolic tangent.
        φ: the activation of a cell that leaves the choice: tanh or ReLU.
    """

    sigmoid: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    φ: Callable[[Array], Array]


Equation = Callable[[Array, State, Weights, Functions], tuple[State, Gates]]
"""One time step: input, state, weights and functions give the new state and the gates."""


class OneHot:
    """One-hot rows that are not written out: their product with a matrix is rows of the matrix.

    Args:
        index: where the ones stand: a whole number for one row, an array of them for as many rows.
    """

    def __init__(self, index: Array) -> None:
        self._index = index

    def __matmul__(self, matrix: Array) -> Array:
        return matrix[self._index]


Role = Literal["input_gate", "forget_gate", "output_gate", "update_gate", "reset_gate", "candidate"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What a gate can be for, in the order in which gates are shown; each has a name in both languages."""


@dataclass(frozen=True)
class Gate:
    """A block of weights in a cell, and the value that they give.

    Attributes:
        letter: the index of its weights in the book: "i" of W_xi, W_hi and b_i.
        name: what the equation calls its value: "I" or, of a candidate, "C_tilde".
        squash: the function that gives the value.
        role: what it is for; None where the value is the new state itself.
        resets: the name of the gate that multiplies the state before this block's product; "" for none.
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
        layer: its name there.
        order: where the gates of the description lie among those of the layer.
        equation: where the layer computes another function than the book, that function. The weights of each gate are
            then ``(W_xg, W_hg, b_g, c_g)``, with the layer's second bias c_g on the product with the state.
    """

    layer: str
    order: tuple[int, ...]
    equation: Equation | None = None


@dataclass(frozen=True)
class CellDescription:
    """A cell.

    Attributes:
        name: in a configuration.
        equation: one time step.
        gates: its blocks of weights, in the order in which they lie side by side.
        states: the letters of what it keeps from one time step to the next; "H" comes first.
        latex: the book's equations, one for each value that a time step computes.
        section: of the book's first edition.
        calls: small operations in a time step, by which the time of an epoch is estimated.
        library: the layer of `torch.nn`; None where it has none.
        chooses_activation: whether φ can be chosen.
        keeping: the letter of the gate that decides how long the state is kept; "" for none.
        forget: the letter of the gate to whose bias `forget_bias` is added; "" for none.
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
        """The letters of the gates, in their order."""
        return tuple(gate.letter for gate in self.gates)
