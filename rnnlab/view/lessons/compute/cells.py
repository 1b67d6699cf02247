"""One time step of the RNN, the GRU and the LSTM with numbers, equation by equation as in the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlab.view.language.equations import EQUATIONS

Array = NDArray[np.float64]
Weights = Mapping[str, Array]

GATES = {"rnn": ("h",), "gru": ("r", "z", "h"), "lstm": ("i", "f", "o", "c")}
"""The blocks of weights by their letter in the book, in the order of `rnnlab.engine.cells`."""
KEEPING = {"gru": "z", "lstm": "f"}
"""The gate whose bias decides how long the state is kept."""


class Step(NamedTuple):
    """An equation with numbers substituted.

    Attributes:
        name: name of the result: "H", "O", "R", "Z", "H_tilde", "I", "F", "C_tilde" or "C".
        equation: the book's equation as LaTeX.
        lines: the equation with numbers as LaTeX, each line short enough for a phone.
        value: the result, (num_hiddens,).
    """

    name: str
    equation: str
    lines: tuple[str, ...]
    value: Array


def weights(
    cell: str, num_inputs: int = 2, num_hiddens: int = 2, num_outputs: int = 2, seed: int = 0
) -> dict[str, Array]:
    """Return small weights with one decimal under the book's names: ``W_xh``, ``W_hh``, ``b_h``, and so on."""
    chance = np.random.default_rng(seed)

    def some(*shape: int) -> Array:
        numbers: Array = np.round(chance.uniform(-1, 1, shape), 1) + 0.0  # no negative zeros
        return numbers

    named: dict[str, Array] = {}
    for gate in GATES[cell]:
        named[f"W_x{gate}"] = some(num_inputs, num_hiddens)
        named[f"W_h{gate}"] = some(num_hiddens, num_hiddens)
        named[f"b_{gate}"] = some(num_hiddens)
    named["W_hq"], named["b_q"] = some(num_hiddens, num_outputs), some(num_outputs)
    return named


def walk(cell: str, x: Array, state: tuple[Array, ...], w: Weights, activation: str = "tanh") -> list[Step]:
    """Compute one time step and return it equation by equation; the last "H" (and "C") are the new state.

    Args:
        cell: "rnn", "gru" or "lstm".
        x: the input, (num_inputs,).
        state: ``(H,)`` or ``(H, C)``, each (num_hiddens,).
        w: the weights, named as by `weights`.
        activation: activation of the RNN, "tanh" or "relu".
    """
    equations = iter(EQUATIONS[cell])
    H = state[0]  # noqa: N806
    steps: list[Step] = []

    def gate(name: str, letter: str, squash: str, reset: Array | None = None) -> Array:
        hidden = H if reset is None else reset * H
        from_input, from_state, bias = x @ w[f"W_x{letter}"], hidden @ w[f"W_h{letter}"], w[f"b_{letter}"]
        total = from_input + from_state + bias
        value = SQUASH[squash](total)
        shown = r"\mathbf{H}_{t-1}" if reset is None else r"(\ldots)\,"
        lines = [
            rf"\mathbf{{X}}_t \mathbf{{W}}_{{x{letter}}} &= {row(x)} {matrix(w[f'W_x{letter}'])} = {row(from_input)}"
        ]
        if reset is not None:
            lines.append(rf"\mathbf{{R}}_t \odot \mathbf{{H}}_{{t-1}} &= {row(reset)} \odot {row(H)}")
            lines.append(rf"&= {row(hidden)}")
        lines += [
            rf"{shown} \mathbf{{W}}_{{h{letter}}} &= {row(hidden)} {matrix(w[f'W_h{letter}'])} = {row(from_state)}",
            rf"\mathbf{{b}}_{letter} &= {row(bias)}",
            rf"{SIGN[name]} &= {SQUASH_SIGN[squash]}\,{row(total)} = {row(value)}",
        ]
        steps.append(Step(name, next(equations), tuple(lines), value))
        return value

    if cell == "rnn":
        new = gate("H", "h", activation)
        logits = new @ w["W_hq"] + w["b_q"]
        steps.append(
            Step(
                "O",
                next(equations),
                (
                    rf"\mathbf{{H}}_t \mathbf{{W}}_{{hq}} &= {row(new)} {matrix(w['W_hq'])} = {row(new @ w['W_hq'])}",
                    rf"\mathbf{{O}}_t &= {row(new @ w['W_hq'])} + {row(w['b_q'])}",
                    rf"&= {row(logits)}",
                ),
                logits,
            )
        )
        return steps
    if cell == "gru":
        R, Z = gate("R", "r", "sigmoid"), gate("Z", "z", "sigmoid")  # noqa: N806
        candidate = gate("H_tilde", "h", "tanh", R)
        kept, fresh = Z * H, (1 - Z) * candidate
        steps.append(
            Step(
                "H",
                next(equations),
                (
                    rf"\mathbf{{Z}}_t \odot \mathbf{{H}}_{{t-1}} &= {row(Z)} \odot {row(H)}",
                    rf"&= {row(kept)}",
                    rf"1 - \mathbf{{Z}}_t &= {row(1 - Z)}",
                    rf"(\ldots) \odot \tilde{{\mathbf{{H}}}}_t &= {row(1 - Z)} \odot {row(candidate)}",
                    rf"&= {row(fresh)}",
                    rf"\mathbf{{H}}_t &= {row(kept)} + {row(fresh)}",
                    rf"&= {row(kept + fresh)}",
                ),
                kept + fresh,
            )
        )
        return steps
    C = state[1]  # noqa: N806
    I, F, O = gate("I", "i", "sigmoid"), gate("F", "f", "sigmoid"), gate("O", "o", "sigmoid")  # noqa: N806
    candidate = gate("C_tilde", "c", "tanh")
    kept, fresh = F * C, I * candidate
    memory = kept + fresh
    steps.append(
        Step(
            "C",
            next(equations),
            (
                rf"\mathbf{{F}}_t \odot \mathbf{{C}}_{{t-1}} &= {row(F)} \odot {row(C)}",
                rf"&= {row(kept)}",
                rf"\mathbf{{I}}_t \odot \tilde{{\mathbf{{C}}}}_t &= {row(I)} \odot {row(candidate)}",
                rf"&= {row(fresh)}",
                rf"\mathbf{{C}}_t &= {row(kept)} + {row(fresh)}",
                rf"&= {row(memory)}",
            ),
            memory,
        )
    )
    shown = np.tanh(memory)
    steps.append(
        Step(
            "H",
            next(equations),
            (
                rf"\tanh(\mathbf{{C}}_t) &= {row(shown)}",
                rf"\mathbf{{H}}_t &= {row(O)} \odot {row(shown)}",
                rf"&= {row(O * shown)}",
            ),
            O * shown,
        )
    )
    return steps


def new_state(cell: str, steps: list[Step]) -> tuple[Array, ...]:
    """Return the state after the steps of `walk`."""
    values = {step.name: step.value for step in steps}
    return (values["H"], values["C"]) if cell == "lstm" else (values["H"],)


def path(
    cell: str, x: Array, state: tuple[Array, ...], w: Weights, num_steps: int, activation: str = "tanh"
) -> list[tuple[Array, ...]]:
    """Return the states of a time step with input `x` and `num_steps` more steps without input (zeros).

    The first entry is the initial state.
    """
    states = [state]
    for t in range(num_steps + 1):
        state = new_state(cell, walk(cell, x if t == 0 else np.zeros_like(x), state, w, activation))
        states.append(state)
    return states


def memory_left(states: list[tuple[Array, ...]], blank: list[tuple[Array, ...]], part: int = 0) -> float | None:
    """Return the share of the effect of the first step that is left at the end.

    The effect is the difference from a network that started at zero and had no input, because the effect of the biases
    is not memory.

    Args:
        states: a path.
        blank: the path of the network without input.
        part: 0 for H, 1 for C.

    Returns:
        The share, or None if the first step made no difference.
    """
    first, last = (float(np.linalg.norm(states[at][part] - blank[at][part])) for at in (1, -1))
    return last / first if first > 1e-6 else None


def row(values: Array) -> str:
    """Return a row of numbers as LaTeX."""
    return "[" + r"\;".join(number(value) for value in values) + "]"


def matrix(values: Array) -> str:
    """Return a matrix as compact LaTeX with one decimal."""
    rows = r"\\".join(" & ".join(f"{value:.1f}" for value in line) for line in values)
    return rf"\left[\begin{{smallmatrix}}{rows}\end{{smallmatrix}}\right]"


def number(value: float) -> str:
    """Return a number with two decimals and without a negative zero."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _sigmoid(values: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-values))
    return result


def _tanh(values: Array) -> Array:
    result: Array = np.tanh(values)
    return result


def _relu(values: Array) -> Array:
    result: Array = np.maximum(values, 0.0)
    return result


SQUASH: dict[str, Callable[[Array], Array]] = {"sigmoid": _sigmoid, "tanh": _tanh, "relu": _relu}
SQUASH_SIGN = {"sigmoid": r"\sigma", "tanh": r"\tanh", "relu": r"\mathrm{ReLU}"}
SIGN = {
    "H": r"\mathbf{H}_t",
    "H_tilde": r"\tilde{\mathbf{H}}_t",
    "C_tilde": r"\tilde{\mathbf{C}}_t",
    "R": r"\mathbf{R}_t",
    "Z": r"\mathbf{Z}_t",
    "I": r"\mathbf{I}_t",
    "F": r"\mathbf{F}_t",
    "O": r"\mathbf{O}_t",
}
