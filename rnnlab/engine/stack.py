"""Recurrent layers and the output layer as one function of autograd, computed as one graph of tasks.

`rnnlab.engine.sequence` and `rnnlab.engine.output` compute the same values and gradients, one layer after the other. In
one function, a layer begins with the first time steps while the one before is still at the next, the output layer
predicts from the first hidden states, and the gradients of the weights are computed beside the pass back in time.

Letters and shapes are as in `rnnlab.engine.sequence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from rnnlab.engine.cells import State, Unit
from rnnlab.engine.forms import Form, form_of
from rnnlab.engine.output import Prediction
from rnnlab.engine.passes import BackwardPass, ForwardPass, Gradients, divide, groups_of, with_weights
from rnnlab.engine.tasks import Task, Tasks


def stack_loss(
    units: Sequence[Unit], characters: Tensor, state: State, dense: nn.Linear, targets: Tensor
) -> tuple[Tensor, State]:
    """Return the mean cross-entropy in nats, and the last state.

    Args:
        units: the layers, from the first to the last, of an equation with a fast form.
        characters: the characters that the first layer reads, (T, B).
        state: initial state of all layers, each tensor (layers, B, h).
        dense: output layer; W_hq is the transpose of its weight.
        targets: characters, (T·B,).
    """
    form = form_of(units[0])
    assert form is not None
    tensors: list[Tensor | None] = []
    for layer, unit in enumerate(units):
        tensors += [None, unit.W_x, unit.b, unit.W_h, unit.b_h, *(S[layer] for S in state)]
    given = characters, targets, dense.weight, dense.bias
    loss, *last = _StackLoss.apply(form, tuple(units), *given, *tensors)  # type: ignore[no-untyped-call]
    return loss, tuple(last)


class _StackLoss(Function):
    @staticmethod
    def forward(
        ctx: Any,
        form: Form,
        units: tuple[Unit, ...],
        characters: Tensor,
        targets: Tensor,
        W: Tensor,
        b: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        groups = groups_of(tensors, len(units))
        units = tuple(with_weights(unit, group) for unit, group in zip(units, groups, strict=True))
        matrices = [*((unit.W_x, unit.b) for unit in units[1:]), (W.t(), b)]
        division = divide(form, units, characters, depth=len(units), matrices=matrices)
        tasks, inputs, B = Tasks(), characters, characters.shape[1]
        ready: list[list[Task]] = []
        passes: list[ForwardPass] = []
        for unit, (_, _, _, _, _, *state) in zip(units, groups, strict=True):
            passes.append(ForwardPass.new(form, unit, inputs, division, tuple(state)))
            ready = passes[-1].add(tasks, ready)
            inputs = passes[-1].H
        H, rows = inputs.flatten(0, 1), [slice(some.start * B, some.stop * B) for some in division.steps]
        prediction = Prediction(W, b, W.new_empty(len(H), len(W)), rows)
        prediction.add(tasks, H, targets, ready)
        tasks.run()
        ctx.form, ctx.units, ctx.division, ctx.rows = form, units, division, rows
        ctx.save_for_backward(W, b, prediction.P, *chain(*(one.saved() for one in passes)))
        last = [torch.stack([one.buffers[place][-1] for one in passes]) for place in range(form.num_states)]
        return prediction.loss(H, targets), *last

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor, *d_last: Tensor) -> tuple[Tensor | None, ...]:
        W, b, P, *tensors = ctx.saved_tensors
        kept = groups_of(tensors, len(ctx.units))
        prediction = Prediction(W, b, P, ctx.rows)
        tasks = Tasks()
        last = ForwardPass.restored(ctx.form, ctx.units[-1], ctx.division, kept[-1])
        output = prediction.add_back(tasks, d_loss, last.H.flatten(0, 1))
        dH, ready = output.H, output.ready
        found: list[Gradients] = []
        for layer in reversed(range(len(ctx.units))):
            forward = ForwardPass.restored(ctx.form, ctx.units[layer], ctx.division, kept[layer])
            back = BackwardPass(forward, dH, tuple(S[layer] for S in d_last), passes_down=layer > 0)
            ready = back.add(tasks, ready)
            found.append(back.gradients)
            dH = back.gradients.inputs
        tasks.run()
        results: list[Tensor | None] = []
        for one in reversed(found):
            results += [None, one.W_x, one.b, one.W_h, one.b_h, *one.state]
        return None, None, None, None, output.W, output.b, *results
