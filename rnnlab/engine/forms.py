"""The fast forms of the equations of `rnnlab.cells`: their loops over time, and what these read and write.

Letters and shapes are as in `rnnlab.engine.sequence`, which computes minibatches with these forms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnlab.cells.description import Equation
from rnnlab.cells.gru import gru, gru_of_the_library
from rnnlab.cells.lstm import lstm
from rnnlab.cells.rnn import rnn
from rnnlab.engine import walks
from rnnlab.engine.cells import State, Unit


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
        input_gradient: returns the gradient of the pre-activations (T, B, G·h) from what `back` wrote; None: it is the
            first tensor that `back` wrote. In any case, that tensor is the gradient of the products with W_h, whose sum
            is the gradient of a second bias.
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
    input_gradient: Callable[[list[Tensor]], Tensor] | None = None
    num_states: int = 1
    parts: tuple[tuple[int, int], ...] = ()
    any_order: bool = False

    def factors(self, W_h: Tensor) -> list[Tensor]:
        """Return the parts of W_h (h, G·h) that are used in separate products."""
        h = len(W_h)
        return [W_h[:, first * h : last * h] for first, last in self.parts] or [W_h]

    def buffers(self, num_steps: int, state: State) -> list[Tensor]:
        """Return the buffers of a walk forward through T time steps from a state, each tensor (B, h).

        The first ones hold the states, (T + 1, B, h), beginning with the initial state; the others are (T, B, width·h).
        """
        B, h = state[0].shape
        states = [S_0.new_empty(num_steps + 1, B, h) for S_0 in state]
        for S, S_0 in zip(states, state, strict=True):
            S[0] = S_0
        return [*states, *(state[0].new_empty(num_steps, B, width * h) for width in self.widths[len(state) :])]

    def steps_of(self, buffers: Sequence[Tensor], steps: slice, rows: slice) -> list[Tensor]:
        """Return the part of the buffers that belongs to some time steps and rows; of the states also that before."""
        n = self.num_states
        states = [S[steps.start : steps.stop + 1, rows] for S in buffers[:n]]
        return [*states, *(buffer[steps, rows] for buffer in buffers[n:])]

    def step_for(self, unit: Unit, A: Tensor, buffers: list[Tensor]) -> Callable[[], None]:
        """Return a function that computes a single time step of a single row: A (1, 1, G·h), weights not packed."""
        views = [view[0] for view in self.views(A, unit.b_h, list(unit.order), buffers)]
        W = self.factors(unit.W_h)
        return functools.partial(self.step, views, W, [False] * len(W), unit.activation == "relu")


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
