"""The forward and the backward pass of a unit through a minibatch, as tasks for threads.

A minibatch is divided in two ways. Its time steps are divided into stretches, so that other work can begin when the
first stretch is ready: the next layer, the output layer. Its rows, which do not depend on each other, are divided where
this leaves threads without work: then each walks through the time steps of some rows. Within the passes, threads share
large products by rows and columns (`rnnlab.engine.products`).

Letters and shapes are as in `rnnlab.engine.sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from rnnlab.engine.cells import State, Unit
from rnnlab.engine.forms import Form
from rnnlab.engine.parts import Exact, noise, number_of_threads, parts_of
from rnnlab.engine.products import Factor, add_products, add_sum, factor, product, rows_of
from rnnlab.engine.tasks import Task, Tasks
from rnnlab.engine.walks import compiled

DIVIDED = 2**20
"""Number of multiplications in a time step from which the rows of a minibatch are divided among threads."""
WALK = 2
"""Cost of a multiplication in a walk, with all that belongs to a time step, in multiplications of a large product."""

Item = TypeVar("Item")
Prepared = tuple[list[Tensor], list[bool]]
"""Right factors of the products in a walk, and which of them are packed."""


@dataclass(frozen=True)
class Division:
    """How a minibatch is divided.

    Attributes:
        steps: the time steps of each stretch.
        rows: the rows that are walked through separately.
    """

    steps: list[slice]
    rows: list[slice]


def groups_of(items: Sequence[Item], number: int) -> list[Sequence[Item]]:
    """Divide a sequence into `number` sequences of equal length."""
    length = len(items) // number
    return [items[start : start + length] for start in range(0, len(items), length)]


def with_weights(unit: Unit, tensors: Sequence[Tensor]) -> Unit:
    """Return a unit with the weights of (inputs, W_x, b, W_h, b_h, ...), which a function of autograd got."""
    _, W_x, b, W_h, b_h, *_ = tensors
    return replace(unit, W_x=W_x, b=b, W_h=W_h, b_h=b_h)


class ForwardPass:
    """The pass of a unit forward through the time steps of a minibatch; see `new`.

    Args:
        form: the fast form of the equation.
        unit: the weights.
        inputs: characters (T, B), or rows (T, B, num_inputs), which need not be computed before the tasks.
        division: how the minibatch is divided.
        A: the pre-activations of each stretch, which the gates replace, (steps, B, G·h).
        buffers: see `Form.buffers`.

    Attributes:
        characters: the inputs, if they are characters.
        H: all hidden states, (T, B, h).
    """

    def __init__(
        self, form: Form, unit: Unit, inputs: Tensor, division: Division, A: list[Tensor], buffers: list[Tensor]
    ) -> None:
        self.form, self.unit, self.inputs, self.division = form, unit, inputs, division
        self.A, self.buffers = A, buffers
        self.characters = inputs if inputs.dtype == torch.long else None
        self.H = buffers[0][1:]
        self._W: Prepared = [], []
        self._loop = compiled(form.forward)

    @classmethod
    def new(cls, form: Form, unit: Unit, inputs: Tensor, division: Division, state: State) -> ForwardPass:
        """Return a pass from an initial state, each tensor (B, h)."""
        B, width = len(state[0]), unit.W_h.shape[1]
        A = [unit.W_h.new_empty(steps.stop - steps.start, B, width) for steps in division.steps]
        return cls(form, unit, inputs, division, A, form.buffers(len(inputs), state))

    def saved(self) -> list[Tensor | None]:
        """Return everything from which `restored` makes the pass again."""
        unit = self.unit
        return [self.inputs, unit.W_x, unit.b, unit.W_h, unit.b_h, *self.A, *self.buffers]

    @classmethod
    def restored(cls, form: Form, unit: Unit, division: Division, tensors: Sequence[Tensor]) -> ForwardPass:
        """Return a pass that has been computed, for the pass back.

        Args:
            form: the fast form of the equation.
            unit: the settings of the unit; its weights are replaced.
            division: how the minibatch is divided.
            tensors: what `saved` returned.
        """
        first = 5 + len(division.steps)
        buffers = list(tensors[first:])
        return cls(form, with_weights(unit, tensors), tensors[0], division, list(tensors[5:first]), buffers)

    def add(self, tasks: Tasks, ready: Sequence[Sequence[Task]] = ()) -> list[list[Task]]:
        """Add the pass to `tasks`; return the tasks that compute the states of each stretch.

        Args:
            tasks: the tasks.
            ready: the tasks that compute the inputs of each stretch; empty: they are there.
        """
        begun = tasks.add(self._prepare)
        before = [begun] * len(self.division.rows)
        ended = []
        for number in range(len(self.division.steps)):
            read = [*ready[number]] if ready else []
            if self.characters is None:
                read = [tasks.add(partial(self._read, number), read)]
            walks = zip(self.division.rows, before, strict=True)
            before = [tasks.add(partial(self._walk, number, rows), [*read, last]) for rows, last in walks]
            ended.append(before)
        return ended

    def stretch(self, number: int, rows: slice) -> tuple[Tensor, list[Tensor]]:
        """Return the gates and the buffers of some rows in a stretch."""
        return self.A[number][:, rows], self.form.steps_of(self.buffers, self.division.steps[number], rows)

    def _prepare(self) -> None:
        self._W = _prepared(self.form.factors(self.unit.W_h), self.division)

    def _read(self, number: int) -> None:
        """Compute X_t W_x + b of a stretch; for characters, the walk gathers rows of W_x."""
        A = self.A[number]
        X = self.inputs[self.division.steps[number]].flatten(0, 1)
        self.A[number] = product(X, self.unit.W_x, self.unit.b, A.flatten(0, 1)).view(A.shape)

    def _walk(self, number: int, rows: slice) -> None:
        unit, (W, packed) = self.unit, self._W
        characters = None if self.characters is None else self.characters[self.division.steps[number], rows]
        A, buffers = self.stretch(number, rows)
        relu, order = unit.activation == "relu", list(unit.order)
        self._loop(characters, unit.W_x, unit.b, A, W, packed, unit.b_h, relu, order, buffers)


@dataclass
class Gradients:
    """The gradients that a backward pass computes; what tasks have not computed yet is missing.

    Attributes:
        inputs: gradient of the inputs of each stretch, (steps · B, num_inputs), by its number, if it is wanted.
        state: gradient of the initial state.
        W_x, b, W_h, b_h: gradients of the weights; there is none of `b_h` without a second bias.
    """

    inputs: dict[int, Tensor]
    state: State
    W_x: Tensor | None = None
    b: Tensor | None = None
    W_h: Tensor | None = None
    b_h: Tensor | None = None


class BackwardPass:
    """The pass of a unit back through the time steps of a minibatch.

    Args:
        forward: the pass forward.
        dH: gradient of the hidden states of each stretch, (steps · B, h) or (steps, B, h), by its number; it need not
            be computed before the tasks.
        d_state: gradient of the last state apart from `dH`, each tensor (B, h).
        passes_down: whether the gradient of the inputs is wanted.

    Attributes:
        gradients: what is computed.
        written: what `Form.back` wrote.
    """

    def __init__(self, forward: ForwardPass, dH: dict[int, Tensor], d_state: State, passes_down: bool) -> None:
        self.forward, self.form, self.unit, self.division = forward, forward.form, forward.unit, forward.division
        self.dH, self.passes_down = dH, passes_down
        self.gradients = Gradients({}, tuple(S.clone() for S in d_state))
        T, B, h = forward.H.shape
        self.written = [forward.H.new_empty(T, B, width * h) for width in self.form.back_widths]
        self._dA = self.written[0]
        if self.form.input_gradient is not None:
            self._dA = self._dA.new_empty(T, B, self.unit.W_h.shape[1])
        self._W: Prepared = [], []
        self._loop = compiled(self.form.back)

    def add(self, tasks: Tasks, ready: Sequence[Sequence[Task]] = ()) -> list[list[Task]]:
        """Add the pass to `tasks`; return the tasks that compute the gradient of the inputs of each stretch.

        Without a gradient of the inputs, these are the tasks that walk through the stretch.

        Args:
            tasks: the tasks.
            ready: the tasks that compute `dH` of each stretch; empty: it is there.
        """
        begun = tasks.add(self._prepare)
        before = [begun] * len(self.division.rows)
        ended = []
        for number in reversed(range(len(self.division.steps))):
            above = ready[number] if ready else []
            walks = zip(self.division.rows, before, strict=True)
            before = [tasks.add(partial(self._walk, number, rows), [*above, last]) for rows, last in walks]
            ended.append([tasks.add(partial(self._pass_down, number), before)] if self.passes_down else before)
        self._add_gradients(tasks, before)
        return ended[::-1]

    def _add_gradients(self, tasks: Tasks, after: Sequence[Task]) -> None:
        """Add the gradients of the weights to `tasks`, after the tasks that end the walk."""
        forward, found, dA = self.forward, self.gradients, self._dA.flatten(0, 1)
        found.W_h, column = torch.empty_like(self.unit.W_h, memory_format=torch.contiguous_format), 0
        for a, b in self.form.weight_factors(forward.buffers, self.written):
            columns = slice(column, column + b.shape[1])
            add_products(tasks, a, b, after, out=found.W_h[:, columns])
            column = columns.stop
        if forward.characters is None:
            found.W_x = add_products(tasks, forward.inputs.flatten(0, 1).t(), dA, after)
        else:
            tasks.add(partial(self._gather, forward.characters), after, urgent=False)
        found.b = add_sum(tasks, dA, after)
        if self.unit.b_h is not None:
            found.b_h = add_sum(tasks, self.written[0], after)

    def _prepare(self) -> None:
        self._W = _prepared([part.t() for part in self.form.factors(self.unit.W_h)], self.division)

    def _walk(self, number: int, rows: slice) -> None:
        unit, (W, packed), steps = self.unit, self._W, self.division.steps[number]
        gates, buffers = self.forward.stretch(number, rows)
        written = [tensor[steps, rows] for tensor in self.written]
        later = [S[rows] for S in self.gradients.state]
        relu, order = unit.activation == "relu", list(unit.order)
        dH = self.dH[number].view(len(gates), self.forward.H.shape[1], -1)[:, rows]
        first = self._loop(W, packed, relu, order, gates, buffers, dH, later, written)
        for S, S_first in zip(later, first, strict=True):
            S.copy_(S_first)
        if self.form.input_gradient is not None:
            self._dA[steps, rows] = self.form.input_gradient(written)

    def _pass_down(self, number: int) -> None:
        """Compute the gradient of the inputs of a stretch."""
        dA = self._dA[self.division.steps[number]].flatten(0, 1)
        self.gradients.inputs[number] = product(dA, self.unit.W_x.t())

    def _gather(self, characters: Tensor) -> None:
        """Add up the gradients wherever a character was read."""
        add_up = torch.ops.aten.embedding_dense_backward
        self.gradients.W_x = add_up(self._dA, characters, len(self.unit.W_x), -1, False)


def _prepared(parts: list[Tensor], division: Division) -> Prepared:
    found = [factor(part, division.rows[0].stop) for part in parts]
    return [W for W, _ in found], [packed for _, packed in found]


def divide(
    form: Form,
    units: Sequence[Unit],
    inputs: Tensor,
    depth: int,
    matrices: Sequence[tuple[Tensor, Tensor]],
) -> Division:
    """Divide a minibatch among the threads, as far as this changes no bit.

    Args:
        form: the fast form of the units.
        units: all units; their W_h have the same shape.
        inputs: inputs of the minibatch, (T, B) or (T, B, num_inputs).
        depth: number of units of which each reads the states of the one before.
        matrices: the weights (k, m) and biases (m,) that all rows of the minibatch are multiplied by between the walks.
    """
    T, B = inputs.shape[:2]
    factors: list[Factor] = [*matrices, *((W.t(), None) for W, _ in matrices)]  # of the forward and the backward pass
    steps = [slice(rows.start // B, rows.stop // B) for rows in rows_of(T * B, factors, unit=B)]
    walk = WALK * units[0].W_h.numel()
    longest = walk * (1 + (depth - 1) / len(steps))  # each unit ends a stretch after the one before
    total = walk * len(units) + sum(W.numel() for W, _ in matrices)
    return Division(steps, _rows(form, units[0], B, math.ceil(number_of_threads() * longest / total)))


_exact = Exact()


def _rows(form: Form, unit: Unit, B: int, number: int) -> list[slice]:
    """Return the rows of a minibatch, divided into a number of parts if it is worth it and changes no bit."""
    W_h, whole = unit.W_h, [slice(0, B)]
    divided = parts_of(B, number=min(number, number_of_threads()))
    if len(divided) == 1 or W_h.device.type != "cpu" or B * W_h.numel() < DIVIDED:
        return whole

    def compare() -> bool:
        tried = [_tried(form, unit, B, rows) for rows in (whole, divided)]
        return all(map(torch.equal, *tried))

    case = (form, unit.order, unit.activation, tuple(W_h.shape), W_h.stride(), W_h.dtype, B, len(divided))
    return divided if _exact.holds(case, compare) else whole


def _tried(form: Form, unit: Unit, B: int, rows: list[slice]) -> list[Tensor]:
    """Return all results of two time steps with random numbers."""

    def random(*shape: int) -> Tensor:
        return noise(shape, unit.W_h.dtype)

    h, width = unit.W_h.shape
    unit = replace(
        unit,
        W_x=random(2 * B, width),
        W_h=torch.empty_like(unit.W_h).copy_(random(h, width) / h**0.5),
        b=random(width),
        b_h=None if unit.b_h is None else random(width),
    )
    state, division = tuple(random(B, h) for _ in range(form.num_states)), Division([slice(0, 2)], rows)
    forward = ForwardPass.new(form, unit, torch.arange(2 * B).view(2, B), division, state)
    backward = BackwardPass(forward, {0: random(2, B, h)}, state, passes_down=False)
    for one in (forward, backward):
        tasks = Tasks()
        one.add(tasks)
        tasks.run()
    return [*forward.A, *forward.buffers, *backward.written, *backward.gradients.state]
