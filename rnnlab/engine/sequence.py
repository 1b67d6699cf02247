"""Fast forms of the equations of `rnnlab.cells` for whole sequences: same values and gradients (tested to 1e-5).

They save time in five ways. A one-hot row times a matrix is a row of that matrix, so the first layer gathers rows. The
inputs of all time steps and all gates go through a single matrix product. The backward pass is written by hand: the
loop over time computes only the gradients of the pre-activations, and the gradient of each weight matrix is a single
product after the loop. The gates replace their pre-activations in memory. The rows of a minibatch do not depend on each
other, so that threads can walk through the time steps of some of the rows each.

The loops over time are in `rnnlab.engine.walks`, the products in `rnnlab.engine.products`, and what divides the work
among threads in `rnnlab.engine.parts`. The layers of the library are computed in the same way. A cell without a fast
form is computed from its equation, with derivatives from autograd.

Shapes: T time steps, B rows of the minibatch, h hidden units, G gates. `A` are pre-activations (T, B, G·h); `dA` is the
gradient of the loss with respect to A, and likewise for every other letter; ``+=`` adds to the gradient from the output
layer. Each loop lists its derivatives: the chain rule on the equations (for the RNN 2nd edition 9.7), with
σ' = σ (1 - σ) and tanh' = 1 - tanh². Factors that do not depend on later time steps are computed for all time steps at
once, before the loop, and named after their result: ``to_Z`` times dH_t is dA_z. In the loops, `later` is the gradient
of the state that comes from the later time steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.cells import OneHot
from rnnlab.cells.description import Equation
from rnnlab.cells.gru import gru, gru_of_the_library
from rnnlab.cells.lstm import lstm
from rnnlab.cells.rnn import rnn
from rnnlab.engine import walks
from rnnlab.engine.cells import FUNCTIONS, State, Unit, walk
from rnnlab.engine.parts import Exact, Work, noise, parts_of, run
from rnnlab.engine.products import affine, factor, products
from rnnlab.engine.walks import compiled

DIVIDED = 2**20
"""Number of multiplications in a time step from which the rows of a minibatch are divided among threads."""


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
        tensors += [*begin(unit, rows), unit.W_x, unit.b, unit.W_h, unit.b_h, *state]
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
        characters, A = begin(unit, inputs)
        buffers = form.buffers(A, state)
        run(form.walk(unit, characters, A, buffers, [slice(0, 1)]))
        return tuple(S[1:, 0] for S in buffers[: unit.num_states])
    weights, f, steps = unit.weights(), FUNCTIONS[unit.activation], []
    for X in _one_hot_rows(inputs[:, 0]):
        state, _ = unit.equation(X, state, weights, f)
        steps.append(state)
    return tuple(torch.cat(tensors) for tensors in zip(*steps, strict=True))


def begin(unit: Unit, inputs: Tensor) -> tuple[Tensor | None, Tensor]:
    """Return the inputs if they are characters (T, B), and the pre-activations A as a new tensor (T, B, G·h).

    A contains X_t W_x + b of all time steps; for characters, the walk writes them into it.
    """
    if inputs.dtype == torch.long:
        return inputs, unit.W_x.new_empty(*inputs.shape, unit.W_x.shape[1])
    T, B, num_inputs = inputs.shape
    return None, affine(inputs.reshape(T * B, num_inputs), unit.W_x, unit.b).view(T, B, -1)


def _one_hot_rows(inputs: Tensor) -> Sequence[Tensor | OneHot]:
    return [OneHot(column) for column in inputs] if inputs.dtype == torch.long else list(inputs)


@dataclass(frozen=True)
class Form:
    """A fast form of an equation, with derivatives written by hand.

    Attributes:
        views: returns what the steps read and write at all time steps, see `rnnlab.engine.walks`.
        step: computes one time step.
        forward: the loop over time.
        back: the loop of the derivatives.
        weight_factors: returns, from the buffers and from what `back` wrote, pairs of factors whose products are the
            columns of dW_h (h, G·h).
        input_gradient: returns the gradient of the pre-activations (T, B, G·h) from what `back` wrote. The first tensor
            of the latter is the gradient of the products with W_h, whose sum is the gradient of a second bias.
        widths: of the buffers of `forward` in multiples of h; the states come first.
        back_widths: of the buffers of `back` in multiples of h.
        num_states: 1 for ``(H,)``, 2 for ``(H, C)``.
        parts: parts of W_h by their first and last column in multiples of h, each with a product of its own; empty: all
            columns share one.
        any_order: whether the gates may be in any order among the columns, see `Unit.order`.
    """

    views: Callable[..., list[Tensor]]
    step: Callable[..., None]
    forward: Callable[..., None]
    back: Callable[..., list[Tensor]]
    weight_factors: Callable[[list[Tensor], list[Tensor]], list[tuple[Tensor, Tensor]]]
    widths: tuple[int, ...]
    back_widths: tuple[int, ...]
    input_gradient: Callable[[list[Tensor]], Tensor] = itemgetter(0)
    num_states: int = 1
    parts: tuple[tuple[int, int], ...] = ()
    any_order: bool = False

    def factors(self, W_h: Tensor) -> list[Tensor]:
        """Return the parts of W_h (h, G·h) that are used in separate products."""
        h = len(W_h)
        return [W_h[:, first * h : last * h] for first, last in self.parts] or [W_h]

    def buffers(self, A: Tensor, state: State) -> list[Tensor]:
        """Return the buffers of a walk forward with the pre-activations A (T, B, G·h).

        The first ones hold the states, (T + 1, B, h), beginning with the initial state; the others are (T, B, width·h).
        """
        T, B, h = *A.shape[:2], state[0].shape[1]
        states = [A.new_empty(T + 1, B, h) for _ in state]
        for S, S_0 in zip(states, state, strict=True):
            S[0] = S_0
        return [*states, *(A.new_empty(T, B, width * h) for width in self.widths[len(state) :])]

    def step_for(self, unit: Unit, A: Tensor, buffers: list[Tensor]) -> Callable[[], None]:
        """Return a function that computes a single time step of a single row: A (1, 1, G·h), weights not packed."""
        views = [view[0] for view in self.views(A, unit.b_h, list(unit.order), buffers)]
        W = self.factors(unit.W_h)
        return functools.partial(self.step, views, W, [False] * len(W), unit.activation == "relu")

    def walk(
        self, unit: Unit, characters: Tensor | None, A: Tensor, buffers: list[Tensor], rows: list[slice]
    ) -> list[Work]:
        """Return the work of computing all time steps; the gates replace the pre-activations A (T, B, G·h).

        Args:
            unit: the weights.
            characters: see `begin`.
            A: the pre-activations.
            buffers: see `buffers`.
            rows: the rows of the minibatch in each part of the work.
        """
        forward = compiled(self.forward)
        prepared = _prepared(self.factors(unit.W_h), rows)
        relu, order = unit.activation == "relu", list(unit.order)

        def work(some: slice) -> None:
            W, packed = prepared()
            read = None if characters is None else characters[:, some]
            parts = [buffer[:, some] for buffer in buffers]
            forward(read, unit.W_x, unit.b, A[:, some], W, packed, unit.b_h, relu, order, parts)

        return [functools.partial(work, some) for some in rows]

    def walk_back(
        self,
        unit: Unit,
        gates: Tensor,
        buffers: list[Tensor],
        dH: Tensor,
        d_state: State,
        written: list[Tensor],
        rows: list[slice],
    ) -> list[Work]:
        """Return the work of walking back through all time steps.

        Args:
            unit: the weights.
            gates: the gates that `walk` computed, (T, B, G·h).
            buffers: the buffers of `walk`.
            dH: gradient of the hidden states, (T, B, h).
            d_state: gradient of the last state apart from dH, each tensor (B, h), which is replaced by that of the
                initial state.
            written: see `written_back`.
            rows: the rows of the minibatch in each part of the work.
        """
        back = compiled(self.back)
        prepared = _prepared([part.t() for part in self.factors(unit.W_h)], rows)
        relu, order = unit.activation == "relu", list(unit.order)

        def work(some: slice) -> None:
            def of(tensors: Sequence[Tensor]) -> list[Tensor]:
                return [tensor[:, some] for tensor in tensors]

            W, packed = prepared()
            last = [S[some] for S in d_state]
            first = back(W, packed, relu, order, gates[:, some], of(buffers), dH[:, some], last, of(written))
            for S, S_first in zip(last, first, strict=True):
                S.copy_(S_first)

        return [functools.partial(work, some) for some in rows]

    def written_back(self, dH: Tensor) -> list[Tensor]:
        """Return the tensors that `walk_back` writes, from which `gradients` starts, each (T, B, width·h)."""
        return [dH.new_empty(*dH.shape[:2], width * dH.shape[2]) for width in self.back_widths]


def _prepared(parts: list[Tensor], rows: list[slice]) -> Callable[[], tuple[list[Tensor], list[bool]]]:
    """Return what returns the right-hand sides of the products in a walk, and which of them are packed."""

    def prepare() -> tuple[list[Tensor], list[bool]]:
        prepared = [factor(part, rows[0].stop) for part in parts]
        return [W for W, _ in prepared], [packed for _, packed in prepared]

    if len(rows) == 1:
        return prepare  # in the thread that walks: others walk through other sequences
    shared = prepare()
    return lambda: shared


class _Sequences(Function):
    """All time steps of a minibatch, for several units at the same time."""

    @staticmethod
    def forward(ctx: Any, form: Form, units: tuple[Unit, ...], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return for each unit all hidden states (T, B, h), and the last of each other state.

        Args:
            ctx: keeps what the derivatives need.
            form: the fast form.
            units: the units, of which only the settings are used, because autograd must be given their tensors.
            tensors: for each unit the characters or None; the pre-activations A (T, B, G·h), which are replaced; W_x;
                b; W_h; b_h; the initial state.
        """
        work: list[Work] = []
        kept: list[Tensor | None] = []
        results: list[Tensor] = []
        for unit, (characters, A, W_x, b, W_h, b_h, *state) in zip(units, _groups(tensors, len(units)), strict=True):
            unit = replace(unit, W_x=W_x, b=b, W_h=W_h, b_h=b_h)
            buffers = form.buffers(A, tuple(state))
            work += form.walk(unit, characters, A, buffers, _rows(form, unit, A, len(units)))
            kept += [characters, W_h, b_h, A, *buffers]
            results += [buffers[0][1:], *(S[-1] for S in buffers[1 : form.num_states])]
        run(work)
        ctx.save_for_backward(*kept)
        ctx.form, ctx.num_inputs = form, [len(unit.W_x) for unit in units]
        ctx.units = [replace(unit, W_x=A[:0], W_h=A[:0], b=A[:0], b_h=None) for unit in units]
        return tuple(result if result.dim() == 3 else result.clone() for result in results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        form, units = ctx.form, ctx.units
        work: list[Work] = []
        walked = []
        kept, later = _groups(ctx.saved_tensors, len(units)), _groups(gradients, len(units))
        for unit, (characters, W_h, b_h, gates, *buffers), (dH, *others) in zip(units, kept, later, strict=True):
            unit = replace(unit, W_h=W_h, b_h=b_h)
            d_state, written = (torch.zeros_like(dH[0]), *(S.clone() for S in others)), form.written_back(dH)
            rows = _rows(form, unit, dH, len(units))
            work += form.walk_back(unit, gates, buffers, dH, d_state, written, rows)
            walked.append((characters, b_h, buffers, written, d_state))
        run(work)

        factors = [form.weight_factors(buffers, written) for _, _, buffers, written, _ in walked]
        gathered = [
            None if characters is None else _Gathered(characters, form.input_gradient(written), num_inputs)
            for num_inputs, (characters, _, _, written, _) in zip(ctx.num_inputs, walked, strict=True)
        ]
        sums = [rows.dA for rows in gathered if rows is not None]
        sums += [written[0] for _, b_h, _, written, _ in walked if b_h is not None]
        gathers = [(rows.num_read, rows.add) for rows in gathered if rows is not None]
        of_products, of_sums = map(iter, products(list(chain(*factors)), sums, gathers))
        dbs = [None if rows is None else next(of_sums) for rows in gathered]
        found: list[Tensor | None] = []
        for number, (_, b_h, _, written, d_state) in enumerate(walked):
            columns = [next(of_products) for _ in factors[number]]
            dW_h = columns[0] if len(columns) == 1 else torch.cat(columns, dim=1)
            db_h = None if b_h is None else next(of_sums)
            of_rows = gathered[number]
            dA, dW_x = (form.input_gradient(written), None) if of_rows is None else (None, of_rows.dW_x)
            found += [None, dA, dW_x, dbs[number], dW_h, db_h, *d_state]
        return None, None, *found


class _Gathered:
    """The derivatives of the rows of W_x that were gathered for characters.

    Args:
        characters: the characters, (T, B).
        dA: gradient of the pre-activations, (T, B, G·h).
        num_inputs: number of rows of W_x.

    Attributes:
        dW_x: the sum of the gradients wherever a character was read, for every character; set by `add`.
        num_read: number of elements that `add` reads: each gradient, the row to which it is added, and all rows once
            more, as they begin with zero.
    """

    def __init__(self, characters: Tensor, dA: Tensor, num_inputs: int) -> None:
        self.characters, self.dA, self.num_inputs = characters, dA, num_inputs
        self.num_read = 2 * (dA.numel() + num_inputs * dA.shape[2])
        self.dW_x: Tensor | None = None

    def add(self) -> None:
        """Add up the gradients."""
        add = torch.ops.aten.embedding_dense_backward
        self.dW_x = add(self.dA, self.characters, self.num_inputs, -1, False)


def _groups(tensors: Sequence[Tensor], number: int) -> list[Sequence[Tensor]]:
    """Divide a sequence into `number` sequences of equal length."""
    length = len(tensors) // number
    return [tensors[start : start + length] for start in range(0, len(tensors), length)]


_exact = Exact()


def _rows(form: Form, unit: Unit, A: Tensor, beside: int) -> list[slice]:
    """Return the rows of a minibatch (T, B, ·), divided among threads if it is worth it and changes no bit.

    Args:
        form: the fast form.
        unit: the weights.
        A: a tensor of the minibatch.
        beside: number of sequences that share the threads.
    """
    B, W_h = A.shape[1], unit.W_h
    whole, divided = [slice(0, B)], parts_of(B, beside=beside)
    if len(divided) == 1 or A.device.type != "cpu" or B * W_h.numel() < DIVIDED:
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
    W_h = torch.empty_like(unit.W_h).copy_(random(h, width) / h**0.5)
    unit = replace(unit, W_h=W_h, b_h=None if unit.b_h is None else random(width))
    A, state = random(2, B, width), tuple(random(B, h) for _ in range(form.num_states))
    buffers, dH = form.buffers(A, state), random(2, B, h)
    written = form.written_back(dH)
    run(form.walk(unit, None, A, buffers, rows))
    run(form.walk_back(unit, A, buffers, dH, state, written, rows))
    return [A, *buffers, *written, *state]


def _of_one_product(buffers: list[Tensor], written: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return the factors of dW_h of an equation in which all gates share one product with H_{t-1}."""
    return [(_before(buffers).t(), written[0].flatten(0, 1))]


def _of_gru(buffers: list[Tensor], written: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    dA, RH = written[0].flatten(0, 1), buffers[1].flatten(0, 1)
    both = 2 * RH.shape[1]
    return [(_before(buffers).t(), dA[:, :both]), (RH.t(), dA[:, both:])]


def _dA_of_library_gru(written: list[Tensor]) -> Tensor:
    dG, dN = written
    return torch.cat((dG[:, :, : 2 * dN.shape[2]], dN), dim=2)


def _before(buffers: list[Tensor]) -> Tensor:
    """Return the hidden state before each time step, (T·B, h)."""
    return buffers[0][:-1].flatten(0, 1)


FORMS: dict[Equation, Form] = {
    rnn: Form(walks.rnn_views, walks.rnn_step, walks.rnn_forward, walks.rnn_back, _of_one_product, (1,), (1,)),
    gru: Form(
        walks.gru_views,
        walks.gru_step,
        walks.gru_forward,
        walks.gru_back,
        _of_gru,
        (1, 1),
        (3,),
        parts=((0, 2), (2, 3)),
    ),
    gru_of_the_library: Form(
        walks.library_gru_views,
        walks.library_gru_step,
        walks.library_gru_forward,
        walks.library_gru_back,
        _of_one_product,
        (1, 3),
        (3, 1),
        _dA_of_library_gru,
    ),
    lstm: Form(
        walks.lstm_views,
        walks.lstm_step,
        walks.lstm_forward,
        walks.lstm_back,
        _of_one_product,
        (1, 1, 1),
        (4,),
        num_states=2,
        any_order=True,
    ),
}
"""The equations that have a fast form."""


def form_of(unit: Unit) -> Form | None:
    """Return the fast form of a unit, if there is one for its equation and the order of its gates."""
    form = FORMS.get(unit.equation)
    return form if form is not None and (form.any_order or not unit.order) else None
