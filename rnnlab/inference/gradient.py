"""Gradients of the equations by the chain rule, backwards through the steps of a computation.

An equation of `rnnlab.cells` accepts arrays of any library with ``@``, ``*`` and ``+``. A `Traced` vector is such an
array: it computes with NumPy, and its `Tape` records each operation together with the rule of its derivative.
`Tape.gradient` then goes through the operations from the last to the first. So the gradient is that of the very
equation that computes the states, and a new cell needs no derivative of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnlab.cells import Functions
from rnnlab.inference.functions import FUNCTIONS, Array

Rule = Callable[[Array], Array]
"""Maps the gradient of a result to the gradient of an operand."""


class Tape:
    """The operations of a computation, in order."""

    def __init__(self) -> None:
        self._steps: list[Traced] = []

    def one_hot(self, index: int) -> OneHotRow:
        """Return the one-hot row of a character, whose gradient can be asked for."""
        return OneHotRow(self, index)

    def record(self, value: Array, *operands: tuple[Traced, Rule]) -> Traced:
        """Return the result of an operation, with its operands and the rules of its derivative."""
        result = Traced(self, value, operands)
        self._steps.append(result)
        return result

    def gradient(self, result: Traced, wanted: Sequence[OneHotRow]) -> list[Array | None]:
        """Return the gradient of the sum of `result` with respect to each of the rows `wanted`; None: it is zero."""
        gradients: dict[Traced, Array] = {result: np.ones_like(result.value)}
        for step in reversed(self._steps):
            gradient = gradients.pop(step, None)
            if gradient is None:  # the result does not depend on it
                continue
            for operand, rule in step.operands:
                part = rule(gradient)
                gradients[operand] = gradients[operand] + part if operand in gradients else part
        return [gradients.get(row) for row in wanted]


class Traced:
    """A vector whose operations are recorded.

    Args:
        tape: where its operations are recorded.
        value: its value, (length,).
        operands: what it was computed from.
    """

    # NumPy leaves an operation between an array and a traced vector to the vector
    __array_ufunc__ = None

    def __init__(self, tape: Tape, value: Array, operands: tuple[tuple[Traced, Rule], ...] = ()) -> None:
        self.tape, self.value, self.operands = tape, value, operands

    def __add__(self, other: Traced | Array | float) -> Traced:
        if isinstance(other, Traced):
            return self.tape.record(self.value + other.value, (self, _same), (other, _same))
        return self.tape.record(self.value + other, (self, _same))

    __radd__ = __add__

    def __mul__(self, other: Traced | Array | float) -> Traced:
        if isinstance(other, Traced):
            mine, theirs = self.value, other.value
            return self.tape.record(mine * theirs, (self, lambda d: d * theirs), (other, lambda d: d * mine))
        return self.tape.record(self.value * other, (self, lambda d: d * other))

    __rmul__ = __mul__

    def __neg__(self) -> Traced:
        return self * -1

    def __sub__(self, other: Traced | Array | float) -> Traced:
        return self + -other

    def __rsub__(self, other: Array | float) -> Traced:
        return -self + other

    def __matmul__(self, matrix: Array) -> Traced:
        return self.tape.record(self.value @ matrix, (self, lambda d: matrix @ d))


class OneHotRow(Traced):
    """A one-hot row in compact form, whose product with a matrix is a row of the matrix.

    Args:
        tape: where its operations are recorded.
        index: the position of the 1.
    """

    def __init__(self, tape: Tape, index: int) -> None:
        super().__init__(tape, np.empty(0))
        self._index = index

    def __matmul__(self, matrix: Array) -> Traced:
        # the gradient is that of all positions of the row, not only of the 1
        return self.tape.record(matrix[self._index], (self, lambda d: matrix @ d))


def _same(gradient: Array) -> Array:
    return gradient


def traced(functions: Functions) -> Functions:
    """Return the functions of NumPy for traced vectors and for arrays."""
    return Functions(
        _recorded(functions.sigmoid, lambda y: y * (1 - y)),
        _recorded(functions.tanh, lambda y: 1 - y * y),
        _recorded(functions.φ, (lambda y: 1 - y * y) if functions.φ is functions.tanh else (lambda y: y > 0)),
    )


def _recorded(function: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Callable[[Traced], Traced]:
    """Return an elementwise function whose derivative `slope` is given as a function of its value."""

    def apply(x: Traced) -> Traced:
        y = function(x.value)
        return x.tape.record(y, (x, lambda d: d * slope(y)))

    return apply


TRACED = {activation: traced(functions) for activation, functions in FUNCTIONS.items()}
"""The functions of traced vectors for each choice of the activation φ."""
