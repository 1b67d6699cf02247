"""Gradients of the equations: compared with complex steps through the same equations."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.cells import CELLS, Functions
from rnnlab.cells.description import Equation
from rnnlab.inference.gradient import TRACED, Tape

V, H, T = 7, 5, 6
EQUATIONS: dict[str, tuple[str, Equation, int]] = {
    **{name: (name, cell.equation, 3) for name, cell in CELLS.items()},
    "gru_of_the_library": ("gru", CELLS["gru"].library.equation, 4),  # type: ignore[dict-item, union-attr]
}
ANALYTIC = Functions(lambda x: 1 / (1 + np.exp(-x)), np.tanh, np.tanh)
"""The functions for complex arguments."""


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_gradient_is_that_of_complex_steps(name: str) -> None:
    """f(x + iε) = f(x) + iε f'(x) + O(ε²): with a tiny ε, the imaginary part is the derivative to the last digit."""
    cell_name, equation, tensors = EQUATIONS[name]
    cell = CELLS[cell_name]
    chance = np.random.default_rng(1)
    shapes = ((V, H), (H, H), (H,), (H,))[:tensors]
    weights = [tuple(chance.normal(size=shape) for shape in shapes) for _ in cell.gates]
    text = chance.integers(V, size=T)
    zero = tuple(np.zeros(H) for _ in cell.states)

    tape = Tape()
    rows = [tape.one_hot(int(index)) for index in text]
    state = zero
    for row in rows:
        state, _ = equation(row, state, weights, TRACED["tanh"])
    found = tape.gradient(state[-1], rows)

    step = 1e-30
    for t in range(T):
        gradient = found[t]
        assert gradient is not None
        for axis in range(V):
            inputs = np.eye(V)[text].astype(complex)
            inputs[t, axis] += 1j * step
            state = zero
            for x in inputs:
                state, _ = equation(x, state, weights, ANALYTIC)
            assert gradient[axis] == pytest.approx(state[-1].sum().imag / step, rel=1e-10, abs=1e-14)


def test_a_row_that_is_not_used_has_no_gradient() -> None:
    tape = Tape()
    used, unused = tape.one_hot(1), tape.one_hot(2)
    result = used @ np.ones((3, 2))
    unused @ np.ones((3, 2))  # recorded, but the result does not depend on it
    assert [gradient is None for gradient in tape.gradient(result, [used, unused])] == [False, True]


def test_every_operation_has_its_derivative() -> None:
    """The derivative of a polynomial in each of its coordinates."""
    tape = Tape()
    x = tape.one_hot(0) @ np.array([[2.0, -3.0]])
    two = np.array([2.0, 2.0])
    result = (1 - x) * x * two - (x - two) + two * x + (two - x) * 3
    row = tape.one_hot(0)
    assert result.value == pytest.approx([(1 - v) * v * 2 - (v - 2) + 2 * v + (2 - v) * 3 for v in (2.0, -3.0)])
    assert tape.gradient(result, [row]) == [None]
    (start,) = (step for step, _ in x.operands)
    (gradient,) = tape.gradient(result, [start])  # type: ignore[list-item]
    slopes = [2 - 4 * v - 1 + 2 - 3 for v in (2.0, -3.0)]
    assert gradient == pytest.approx(np.array([[2.0, -3.0]]) @ slopes)
