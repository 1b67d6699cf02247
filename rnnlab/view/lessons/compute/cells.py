"""One time step of the RNN, the GRU and the LSTM with numbers, equation by equation as in the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlab.cells import CELLS, Gate
from rnnlab.inference.functions import FUNCTIONS

Array = NDArray[np.float64]
Weights = Mapping[str, Array]


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
    for gate in CELLS[cell].letters:
        named[f"W_x{gate}"] = some(num_inputs, num_hiddens)
        named[f"W_h{gate}"] = some(num_hiddens, num_hiddens)
        named[f"b_{gate}"] = some(num_hiddens)
    named["W_hq"], named["b_q"] = some(num_hiddens, num_outputs), some(num_outputs)
    return named


def take(
    cell: str, x: Array, state: tuple[Array, ...], w: Weights, activation: str = "tanh"
) -> tuple[tuple[Array, ...], dict[str, Array]]:
    """Take one time step by the equation of the cell.

    Args:
        cell: a name in `rnnlab.cells`.
        x: the input, (num_inputs,).
        state: ``(H,)`` or ``(H, C)``, each (num_hiddens,).
        w: as `weights` names them.
        activation: of the RNN, "tanh" or "relu".

    Returns:
        The new state, and every value of the time step by its name in the equation.
    """
    description = CELLS[cell]
    blocks = [(w[f"W_x{letter}"], w[f"W_h{letter}"], w[f"b_{letter}"]) for letter in description.letters]
    after, gates = description.equation(x, state, blocks, FUNCTIONS[activation])
    return after, {**gates, **dict(zip(description.states, after, strict=True))}


def walk(cell: str, x: Array, state: tuple[Array, ...], w: Weights, activation: str = "tanh") -> list[Step]:
    """Compute one time step and return it equation by equation; the last "H" (and "C") are the new state.

    Args:
        cell: "rnn", "gru" or "lstm".
        x: the input, (num_inputs,).
        state: ``(H,)`` or ``(H, C)``, each (num_hiddens,).
        w: the weights, named as by `weights`.
        activation: activation of the RNN, "tanh" or "relu".
    """
    description = CELLS[cell]
    before = dict(zip(description.states, state, strict=True))
    _, values = take(cell, x, state, w, activation)
    lines = {gate.name: _gate(gate, x, before["H"], w, values, activation) for gate in description.gates}
    lines |= _COMBINED[cell](before, values, w)
    if cell == "rnn":
        values["O"] = values["H"] @ w["W_hq"] + w["b_q"]
    return [
        Step(name, equation, shown, values[name])
        for (name, shown), equation in zip(lines.items(), description.latex, strict=True)
    ]


def _gate(gate: Gate, x: Array, H: Array, w: Weights, values: Mapping[str, Array], activation: str) -> tuple[str, ...]:  # noqa: N803
    """Write down how the value of a gate comes from its weights."""
    letter, reset = gate.letter, values.get(gate.resets)
    hidden = H if reset is None else reset * H
    from_input, from_state, bias = x @ w[f"W_x{letter}"], hidden @ w[f"W_h{letter}"], w[f"b_{letter}"]
    shown = r"\mathbf{H}_{t-1}" if reset is None else r"(\ldots)\,"
    squash = SQUASH_SIGN[activation if gate.squash == "φ" else gate.squash]
    lines = [
        rf"\mathbf{{X}}_t \mathbf{{W}}_{{x{letter}}} &= {row(x)} {matrix(w[f'W_x{letter}'])}",
        rf"&= {row(from_input)}",
    ]
    if reset is not None:
        lines.append(rf"\mathbf{{R}}_t \odot \mathbf{{H}}_{{t-1}} &= {row(reset)} \odot {row(H)}")
        lines.append(rf"&= {row(hidden)}")
    return (
        *lines,
        rf"{shown} \mathbf{{W}}_{{h{letter}}} &= {row(hidden)} {matrix(w[f'W_h{letter}'])}",
        rf"&= {row(from_state)}",
        rf"\mathbf{{b}}_{letter} &= {row(bias)}",
        rf"{SIGN[gate.name]} &= {squash}\,{row(from_input + from_state + bias)} = {row(values[gate.name])}",
    )


# what is combined from the gates, by the name of what comes out
Lines = dict[str, tuple[str, ...]]


def _output(before: Mapping[str, Array], values: Mapping[str, Array], w: Weights) -> Lines:
    H, b = values["H"], w["b_q"]  # noqa: N806
    product = H @ w["W_hq"]
    return {
        "O": (
            rf"\mathbf{{H}}_t \mathbf{{W}}_{{hq}} &= {row(H)} {matrix(w['W_hq'])}",
            rf"&= {row(product)}",
            rf"\mathbf{{O}}_t &= {row(product)} + {row(b)}",
            rf"&= {row(product + b)}",
        )
    }


def _mixed_state(before: Mapping[str, Array], values: Mapping[str, Array], w: Weights) -> Lines:
    H, Z, candidate = before["H"], values["Z"], values["H_tilde"]  # noqa: N806
    return {
        "H": (
            rf"\mathbf{{Z}}_t \odot \mathbf{{H}}_{{t-1}} &= {row(Z)} \odot {row(H)}",
            rf"&= {row(Z * H)}",
            rf"1 - \mathbf{{Z}}_t &= {row(1 - Z)}",
            rf"(\ldots) \odot \tilde{{\mathbf{{H}}}}_t &= {row(1 - Z)} \odot {row(candidate)}",
            rf"&= {row((1 - Z) * candidate)}",
            rf"\mathbf{{H}}_t &= {row(Z * H)} + {row((1 - Z) * candidate)}",
            rf"&= {row(values['H'])}",
        )
    }


def _memory(before: Mapping[str, Array], values: Mapping[str, Array], w: Weights) -> Lines:
    I, F, O, candidate = (values[name] for name in ("I", "F", "O", "C_tilde"))  # noqa: N806
    C, shown = before["C"], np.tanh(values["C"])  # noqa: N806
    return {
        "C": (
            rf"\mathbf{{F}}_t \odot \mathbf{{C}}_{{t-1}} &= {row(F)} \odot {row(C)}",
            rf"&= {row(F * C)}",
            rf"\mathbf{{I}}_t \odot \tilde{{\mathbf{{C}}}}_t &= {row(I)} \odot {row(candidate)}",
            rf"&= {row(I * candidate)}",
            rf"\mathbf{{C}}_t &= {row(F * C)} + {row(I * candidate)}",
            rf"&= {row(values['C'])}",
        ),
        "H": (
            rf"\tanh(\mathbf{{C}}_t) &= {row(shown)}",
            rf"\mathbf{{H}}_t &= {row(O)} \odot {row(shown)}",
            rf"&= {row(values['H'])}",
        ),
    }


_COMBINED: dict[str, Callable[[Mapping[str, Array], Mapping[str, Array], Weights], Lines]] = {
    "rnn": _output,
    "gru": _mixed_state,
    "lstm": _memory,
}


def path(
    cell: str, x: Array, state: tuple[Array, ...], w: Weights, num_steps: int, activation: str = "tanh"
) -> list[tuple[Array, ...]]:
    """Return the states of a time step with input `x` and `num_steps` more steps without input (zeros).

    The first entry is the initial state.
    """
    states = [state]
    for t in range(num_steps + 1):
        state, _ = take(cell, x if t == 0 else np.zeros_like(x), state, w, activation)
        states.append(state)
    return states


def memory_left(states: list[tuple[Array, ...]], blank: list[tuple[Array, ...]], part: int = 0) -> float | None:
    """Return the share of the greatest effect of the first step that is left at the end, 0 to 1.

    The effect is the difference from a network that started at zero and had no input, because the effect of the biases
    is not memory. It is compared with its maximum because it can grow after the first step, through the other gates.

    Args:
        states: a path.
        blank: the path of the network without input.
        part: 0 for H, 1 for C.

    Returns:
        The share, or None if the first step made no difference.
    """
    gaps = [float(np.linalg.norm(read[part] - idle[part])) for read, idle in zip(states[1:], blank[1:], strict=True)]
    return gaps[-1] / max(gaps) if max(gaps) > 1e-6 else None


def row(values: Array) -> str:
    """Return a row of numbers as LaTeX."""
    # in braces, a minus is a sign and not an operation between two numbers
    return "[" + r"\;".join(f"{{{number(value)}}}" for value in values) + "]"


def matrix(values: Array) -> str:
    """Return a matrix as LaTeX with one decimal, its numbers as large as those of `row`."""
    rows = r"\\".join(" & ".join(f"{value:.1f}" for value in line) for line in values)
    return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"


def number(value: float) -> str:
    """Return a number with two decimals and without a negative zero."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


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
