"""Fast forms of the equations of `rnnlab.cells` for whole sequences: same values and gradients (tested to 1e-5).

They save time in five ways. A one-hot row times a matrix is a row of that matrix, so the first layer gathers rows. The
inputs of all time steps and all gates go through a single matrix product. The backward pass is written by hand: the
loop over time computes only the gradients of the pre-activations, and the gradient of each weight matrix is a single
product after the loop. The gates replace their pre-activations in memory. The work is divided among threads, see
`rnnlab.engine.passes`.

The loops over time are in `rnnlab.engine.walks`, their description in `rnnlab.engine.forms`, and the products in
`rnnlab.engine.products`. The layers of the library are computed in the same way. A cell without a fast form is computed
from its equation, with derivatives from autograd. Layers that only read each other's states are computed together with
the output layer, in `rnnlab.engine.stack`.

Shapes: T time steps, B rows of the minibatch, h hidden units, G gates. `A` are pre-activations (T, B, G·h); `dA` is the
gradient of the loss with respect to A, and likewise for every other letter; ``+=`` adds to the gradient from the output
layer. Each loop lists its derivatives: the chain rule on the equations (for the RNN 2nd edition 9.7), with
σ' = σ (1 - σ) and tanh' = 1 - tanh². Factors that do not depend on later time steps are computed for all time steps at
once, before the loop, in the memory of their result and named after it: ``to_Z`` times dH_t is dA_z. In the loops,
`later` is the gradient of the state that comes from the later time steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.cells import OneHot
from rnnlab.engine.cells import FUNCTIONS, State, Unit, walk
from rnnlab.engine.forms import Form, form_of
from rnnlab.engine.passes import (
    BackwardPass,
    Division,
    ForwardPass,
    Gradients,
    divide,
    groups_of,
    with_weights,
)
from rnnlab.engine.products import joined
from rnnlab.engine.tasks import Tasks

Result = tuple[Tensor, State]
"""All hidden states (T, B, h) and the last state."""


def run_sequence(unit: Unit, inputs: Tensor, state: State) -> Result:
    """Compute a sequence, by the fast form of the equation if there is one.

    Args:
        unit: the equation and its weights.
        inputs: characters (T, B), the indices of one-hot rows; or rows (T, B, num_inputs).
        state: initial state, ``(H,)`` or ``(H, C)``, each (B, h).
    """
    return run_sequences([unit], [inputs], [state])[0]


def run_sequences(units: Sequence[Unit], inputs: Sequence[Tensor], states: Sequence[State]) -> list[Result]:
    """Compute sequences that do not depend on each other, such as the two directions of a layer, at the same time.

    Args:
        units: the equation and the weights of each sequence; the same equation for all.
        inputs: the inputs of each, as in `run_sequence`.
        states: the initial state of each.
    """
    form = form_of(units[0])
    if form is None:
        return [walk(unit, _one_hot_rows(rows), state) for unit, rows, state in zip(units, inputs, states, strict=True)]
    tensors: list[Tensor | None] = []
    for unit, rows, state in zip(units, inputs, states, strict=True):
        tensors += [rows, unit.W_x, unit.b, unit.W_h, unit.b_h, *state]
    apply: Callable[..., tuple[Tensor, ...]] = _Sequences.apply
    results = iter(apply(form, tuple(units), *tensors))
    sequences = [tuple(islice(results, form.num_states)) for _ in units]
    return [(outputs, (outputs[-1], *others)) for outputs, *others in sequences]


@torch.no_grad()
def all_states(unit: Unit, inputs: Tensor) -> State:
    """Return the states at all time steps, each (T, h), along a sequence of single rows from the zero state.

    Args:
        unit: the equation and its weights.
        inputs: characters (T, 1), or rows (T, 1, num_inputs).
    """
    form = form_of(unit)
    state = tuple(unit.b.new_zeros(1, len(unit.W_h)) for _ in range(unit.num_states))
    if form is not None:
        forward = ForwardPass.new(form, unit, inputs, Division([slice(0, len(inputs))], [slice(0, 1)]), state)
        tasks = Tasks()
        forward.add(tasks)
        tasks.run()
        return tuple(S[1:, 0] for S in forward.buffers[: unit.num_states])
    weights, f, steps = unit.weights(), FUNCTIONS[unit.activation], []
    for X in _one_hot_rows(inputs[:, 0]):
        state, _ = unit.equation(X, state, weights, f)
        steps.append(state)
    return tuple(torch.cat(tensors) for tensors in zip(*steps, strict=True))


def _one_hot_rows(inputs: Tensor) -> Sequence[Tensor | OneHot]:
    return [OneHot(column) for column in inputs] if inputs.dtype == torch.long else list(inputs)


class _Sequences(Function):
    """All time steps of a minibatch, for several units at the same time."""

    @staticmethod
    def forward(ctx: Any, form: Form, units: tuple[Unit, ...], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return for each unit all hidden states (T, B, h), and the last of each other state.

        Args:
            ctx: keeps what the derivatives need.
            form: the fast form.
            units: the units, of which only the settings are used, because autograd must be given their tensors.
            tensors: for each unit the inputs; W_x; b; W_h; b_h; the initial state.
        """
        groups = groups_of(tensors, len(units))
        units = tuple(with_weights(unit, group) for unit, group in zip(units, groups, strict=True))
        of_rows = [unit for unit, group in zip(units, groups, strict=True) if group[0].dtype != torch.long]
        division = divide(form, units, tensors[0], depth=1, matrices=[(unit.W_x, unit.b) for unit in of_rows])
        tasks, passes = Tasks(), []
        for unit, (inputs, _, _, _, _, *state) in zip(units, groups, strict=True):
            passes.append(ForwardPass.new(form, unit, inputs, division, tuple(state)))
            passes[-1].add(tasks)
        tasks.run()
        ctx.form, ctx.units, ctx.division = form, units, division
        ctx.save_for_backward(*chain(*(one.saved() for one in passes)))
        results: list[Tensor] = []
        for one in passes:
            results += [one.H, *(S[-1].clone() for S in one.buffers[1 : form.num_states])]
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        form, units, division = ctx.form, ctx.units, ctx.division
        tasks, found = Tasks(), list[Gradients]()
        kept, later = groups_of(ctx.saved_tensors, len(units)), groups_of(gradients, len(units))
        wanted = groups_of(ctx.needs_input_grad[2:], len(units))
        for unit, tensors, (of_inputs, *_), (dH, *others) in zip(units, kept, wanted, later, strict=True):
            forward = ForwardPass.restored(form, unit, division, tensors)
            stretches = {number: dH[steps] for number, steps in enumerate(division.steps)}
            back = BackwardPass(forward, stretches, (torch.zeros_like(dH[0]), *others), of_inputs)
            back.add(tasks)
            found.append(back.gradients)
        tasks.run()
        results: list[Tensor | None] = []
        for (inputs, *_), (of_inputs, *_), one in zip(kept, wanted, found, strict=True):
            d_inputs = joined(one.inputs).view(inputs.shape) if of_inputs else None
            results += [d_inputs, one.W_x, one.b, one.W_h, one.b_h, *one.state]
        return None, None, *results
