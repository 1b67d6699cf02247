"""A trained network: its weights in the book's layout, and the walk along a text by the equation of its cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlab.cells import CELLS, Functions, Library
from rnnlab.cells.description import Equation, Gates, State, Weights
from rnnlab.config import TrainConfig
from rnnlab.inference.functions import FUNCTIONS, Array
from rnnlab.text.vocab import Vocab

Row = Any
"""An input or output of a layer at one time step, of any array type: one-hot, a vector, or `SideBySide`."""


class SideBySide:
    """Two rows side by side in compact form: their product with a matrix is a sum of two products.

    Args:
        first: the forward direction's H.
        second: the backward direction's H, of the same length.
    """

    def __init__(self, first: Row, second: Row) -> None:
        self._first, self._second = first, second

    def __matmul__(self, matrix: Array) -> Row:
        half = len(matrix) // 2
        return self._first @ matrix[:half] + self._second @ matrix[half:]


@dataclass(frozen=True)
class Unit:
    """One layer and direction.

    Attributes:
        equation: function of one time step.
        weights: ``(W_xg, W_hg, b_g)`` of each gate g, as the equation expects them.
        num_hiddens: h.
        num_states: 1 for ``(H,)``, 2 for ``(H, C)``.
    """

    equation: Equation
    weights: Weights
    num_hiddens: int
    num_states: int

    def begin_state(self) -> State:
        """Return the zero state, each (h,)."""
        return (np.zeros(self.num_hiddens, np.float32),) * self.num_states

    def walk(self, inputs: Sequence[Row], f: Functions) -> Iterator[tuple[State, Gates]]:
        """Yield the state and the gates after each of the inputs, from the zero state."""
        state = self.begin_state()
        for X in inputs:
            state, gates = self.equation(X, state, self.weights, f)
            yield state, gates


Walked = list[tuple[State, Gates]]
"""State and gates at each position of a text."""


class Network:
    """A trained network that predicts the next character.

    Args:
        config: its configuration; a network with residual connections, layer normalisation or gaps is refused.
        vocab: the vocabulary of its training text.
        tensors: the weights by their names in the engine's model, in any floating-point type.

    Raises:
        ValueError: the network is of a kind that cannot be read here.
        KeyError: a weight is missing.
    """

    def __init__(self, config: TrainConfig, vocab: Vocab, tensors: Mapping[str, Array]) -> None:
        if config.residual or config.layer_norm or config.objective != "next":
            raise ValueError("only plain networks that predict the next character can be read without the engine")
        self.config, self.vocab = config, vocab
        self.cell = CELLS[config.cell]
        self.functions: Functions = FUNCTIONS[config.activation]
        named = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        self.layers = [
            [self._unit(named, layer, direction) for direction in range(2 if config.bidirectional else 1)]
            for layer in range(config.num_layers)
        ]
        self.W_hq, self.b_q = np.ascontiguousarray(named["dense.weight"].T), named["dense.bias"]

    def _unit(self, named: Mapping[str, Array], layer: int, direction: int) -> Unit:
        cell, library, equation = self.cell, self.cell.library, self.cell.equation
        if self.config.implementation == "scratch":
            prefix = f"recurrent.cells.{layer * (2 if self.config.bidirectional else 1) + direction}"
            kept = [named[f"{prefix}.{name}"] for name in ("W_x", "W_h", "b")]
        else:
            assert library is not None  # checked by the configuration
            equation = library.equation or equation
            kept = _of_the_library(named, library, f"_l{layer}{'_reverse' if direction else ''}")
        by_gate = zip(*(np.split(tensor, len(cell.gates), axis=-1) for tensor in kept), strict=True)
        weights = [tuple(np.ascontiguousarray(tensor) for tensor in gate) for gate in by_gate]
        return Unit(equation, weights, self.config.num_hiddens, len(cell.states))

    def walk(self, inputs: Sequence[Row], f: Functions) -> tuple[list[list[Walked]], list[Row]]:
        """Read a text from the zero state.

        Args:
            inputs: the one-hot rows of the characters.
            f: the functions of the rows' array type.

        Returns:
            For each layer and direction the states and gates at each position, where a backward state is the one after
            reading from the end of the text down to the position; and the last layer's output at each position.
        """
        walked: list[list[Walked]] = []
        for units in self.layers:
            forward, *backward = units
            directions = [list(forward.walk(inputs, f))]
            directions += [list(unit.walk(inputs[::-1], f))[::-1] for unit in backward]
            walked.append(directions)
            inputs = [side_by_side([state[0] for state, _ in steps]) for steps in zip(*directions, strict=True)]
        return walked, list(inputs)

    def logits(self, output: Row) -> Array:
        """Return the logits of the next character, O = H W_hq + b_q, for the last layer's output at one position."""
        logits: Array = output @ self.W_hq + self.b_q
        return logits


def side_by_side(rows: Sequence[Row]) -> Row:
    """Return the row of one direction, or those of two directions side by side."""
    return rows[0] if len(rows) == 1 else SideBySide(*rows)


def _of_the_library(named: Mapping[str, Array], library: Library, suffix: str) -> list[Array]:
    """Return the weights of a layer of `torch.nn` in the book's layout: gates in columns, in the book's order."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W_ih, W_hh, b_ih, b_hh = (named[f"recurrent.layers.{name}{suffix}"] for name in names)
    # the two biases act as their sum, unless the equation uses both
    biases = [b_ih + b_hh] if library.equation is None else [b_ih, b_hh]
    return [_to_book_layout(tensor, library.order) for tensor in (W_ih, W_hh, *biases)]


def _to_book_layout(tensor: Array, order: Sequence[int]) -> Array:
    blocks = np.split(tensor, len(order))
    return np.concatenate([blocks[gate] for gate in order]).T
