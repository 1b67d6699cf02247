"""Fast forms of the equations of `rnnlab.cells` for whole sequences: same values and gradients (tested to 1e-5).

They save time in three ways. A one-hot row times a matrix is a row of that matrix, so the first layer gathers rows. The
inputs of all time steps and all gates go through a single matrix product. The backward pass is written by hand: the
loop over time computes only the gradients of the pre-activations, and the gradient of each weight matrix is a single
product after the loop. (The products themselves are in `rnnlab.engine.products`.)

Each fast form has one `step`, which writes into buffers. Training passes the rows of a minibatch and packed weights;
`rnnlab.engine.reader` passes a single row and unpacked weights. The layers of the library are computed in the same way,
with their weights in the book's layout. A cell without a fast form is computed from its equation, with derivatives from
autograd.

Shapes: T time steps, B rows of the minibatch, h hidden units, G gates. `A` are pre-activations (T, B, G·h); `dA` is the
gradient of the loss with respect to A, and likewise for every other letter; ``+=`` adds to the gradient from the output
layer. Each form lists its derivatives: the chain rule on the equations (for the RNN 2nd edition 9.7), with
σ' = σ (1 - σ) and tanh' = 1 - tanh². Factors that do not depend on later time steps are computed for all time steps at
once, before the loop, and named after their result: ``to_Z`` times dH_t is dA_z. In the loops, `later` is the gradient
of the state that comes from the later time steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.cells import OneHot
from rnnlab.cells.description import Equation
from rnnlab.cells.gru import gru, gru_of_the_library
from rnnlab.cells.lstm import lstm
from rnnlab.cells.rnn import rnn
from rnnlab.engine.cells import FUNCTIONS, State, Unit, walk
from rnnlab.engine.products import Factor, affine, product


def run_sequence(unit: Unit, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Compute a sequence, by the fast form of the equation if there is one.

    Args:
        unit: the equation and its weights.
        inputs: characters (T, B), the indices of one-hot rows; or rows (T, B, num_inputs).
        state: initial state, ``(H,)`` or ``(H, C)``, each (B, h).

    Returns:
        All hidden states (T, B, h) and the last state.
    """
    form = FORMS.get(unit.equation)
    if form is None:
        return walk(unit, _rows(inputs), state)
    A = input_products(unit, inputs)
    apply: Callable[..., tuple[Tensor, ...]] = form.apply
    outputs, *others = apply(A, unit.W_h, unit.b_h, unit.activation == "relu", *state)
    return outputs, (outputs[-1], *others)


@torch.no_grad()
def all_states(unit: Unit, inputs: Tensor) -> State:
    """Return the states at all time steps, each (T, h), along a sequence of single rows from the zero state.

    Args:
        unit: the equation and its weights.
        inputs: characters (T, 1), or rows (T, 1, num_inputs).
    """
    h = len(unit.W_h)
    form = FORMS.get(unit.equation)
    state = tuple(unit.b.new_zeros(h) for _ in range(unit.num_states))
    if form is not None:
        A = input_products(unit, inputs)[:, 0]
        hidden = [InPlace(part) for part in form.parts(unit.W_h)]
        buffers = _walk(form, hidden, A, unit.b_h, unit.activation == "relu", state)
        return tuple(buffers[: unit.num_states])
    weights, f, steps = unit.weights(), FUNCTIONS[unit.activation], []
    for X in _rows(inputs[:, 0]):
        state, _ = unit.equation(X, state, weights, f)
        steps.append(state)
    return tuple(torch.stack(tensors) for tensors in zip(*steps, strict=True))


def input_products(unit: Unit, inputs: Tensor) -> Tensor:
    """Return X_t W_x + b for all time steps and gates as a new tensor, (T, B, G·h)."""
    if inputs.dtype == torch.long:
        return torch.nn.functional.embedding(inputs, unit.W_x).add_(unit.b)
    T, B, num_inputs = inputs.shape
    return affine(inputs.reshape(T * B, num_inputs), unit.W_x, unit.b).view(T, B, -1)


def _rows(inputs: Tensor) -> Sequence[Tensor | OneHot]:
    return [OneHot(column) for column in inputs] if inputs.dtype == torch.long else list(inputs)


class Product(Protocol):
    """A product of hidden states with a part of W_h: `Factor` for a minibatch, `InPlace` for a single row."""

    def times(self, a: Tensor, plus: Tensor, out: Tensor) -> Tensor:
        """Compute a @ W + plus into `out`."""


class InPlace:
    """A product of a single hidden state (h,) with unpacked weights (h, m)."""

    def __init__(self, W: Tensor) -> None:
        self._W = W.t()

    def times(self, a: Tensor, plus: Tensor, out: Tensor) -> Tensor:
        """Compute a @ W + plus into `out`."""
        return torch.addmv(plus, self._W, a, out=out)


class Form(Function):
    """A fast form of an equation, with derivatives written by hand.

    Attributes:
        widths: of the buffers that a step writes into, in multiples of h; the new states come first.
    """

    widths: tuple[int, ...]

    @staticmethod
    def parts(W_h: Tensor) -> tuple[Tensor, ...]:
        """Return the parts of W_h that are used in separate products, in order."""
        return (W_h,)

    @staticmethod
    def views(A: Tensor, *buffers: Tensor) -> tuple[Tensor, ...]:
        """Return the views that `step` reads and writes, of the pre-activations (..., G·h) and the buffers."""
        return (A, *buffers)

    @staticmethod
    def step(hidden: Sequence[Product], state: State, b_h: Tensor | None, relu: bool, *views: Tensor) -> State:
        """Compute one time step and return the new state, which is stored in the first buffers.

        Args:
            hidden: the products with `parts`.
            state: the previous state, each tensor (..., h).
            b_h: second bias, (G·h,), if the equation has one.
            relu: whether φ is ReLU.
            views: views of this time step, see `views`; the pre-activations are not changed.
        """
        raise NotImplementedError


def _walk(
    form: type[Form], hidden: Sequence[Product], A: Tensor, b_h: Tensor | None, relu: bool, state: State
) -> list[Tensor]:
    """Compute all time steps from the pre-activations A (T, ..., G·h); return the buffers, each (T, ..., width·h)."""
    h = state[0].shape[-1]
    buffers = [A.new_empty(*A.shape[:-1], width * h) for width in form.widths]
    for views in zip(*form.views(A, *buffers), strict=True):
        state = form.step(hidden, state, b_h, relu, *views)
    return buffers


def _walk_minibatch(
    form: type[Form], A: Tensor, W_h: Tensor, b_h: Tensor | None, relu: bool, state: State
) -> list[Tensor]:
    """Compute all time steps of a minibatch, A (T, B, G·h), with weights packed for B rows."""
    return _walk(form, [Factor(part, A.shape[1]) for part in form.parts(W_h)], A, b_h, relu, state)


def _previous(H_0: Tensor, H: Tensor) -> Tensor:
    """Return the state before each time step, (T·B, h)."""
    return torch.cat((H_0[None], H[:-1])).flatten(0, 1)


class _RNN(Form):
    """H_t = φ(A_t),  A_t = X_t W_xh + b_h + H_{t-1} W_hh.

    dA_t = dH_t ⊙ φ'(A_t),  dH_{t-1} += dA_t W_hhᵀ,  dW_hh = Σ_t H_{t-1}ᵀ dA_t
    """

    widths = (1,)

    @staticmethod
    def step(hidden: Sequence[Product], state: State, b_h: Tensor | None, relu: bool, *views: Tensor) -> State:
        A, H = views
        hidden[0].times(state[0], A, H)
        return (H.relu_() if relu else H.tanh_(),)

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_hh: Tensor, b_h: Tensor | None, relu: bool, H_0: Tensor) -> tuple[Tensor, ...]:
        (outputs,) = _walk_minibatch(_RNN, A, W_hh, b_h, relu, (H_0,))
        ctx.save_for_backward(outputs, W_hh, H_0)
        ctx.relu = relu
        return (outputs,)

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, W_hh, H_0 = ctx.saved_tensors
        # derivative of the activation at all time steps
        slope = (outputs > 0).to(outputs.dtype) if ctx.relu else 1 - outputs * outputs
        dA = torch.empty_like(outputs)
        back = Factor(W_hh.t(), len(H_0))
        later = torch.zeros_like(H_0)
        for t in range(len(dH) - 1, -1, -1):
            torch.mul(later.add_(dH[t]), slope[t], out=dA[t])
            later = back.applied_to(dA[t])
        dW_hh = product(_previous(H_0, outputs).t(), dA.flatten(0, 1))
        return dA, dW_hh, None, None, later


class _GRU(Form):
    """H_t = Z ⊙ H_{t-1} + (1 - Z) ⊙ H̃,  where H̃ = tanh(A_h) and A_h contains (R ⊙ H_{t-1}) W_hh.

    dA_z = dH_t ⊙ (H_{t-1} - H̃) ⊙ Z (1 - Z)
    dA_h = dH_t ⊙ (1 - Z) ⊙ (1 - H̃²),  d(R ⊙ H_{t-1}) = dA_h W_hhᵀ
    dA_r = d(R ⊙ H_{t-1}) ⊙ H_{t-1} ⊙ R (1 - R)
    dH_{t-1} += dH_t ⊙ Z + d(R ⊙ H_{t-1}) ⊙ R + dA_r W_hrᵀ + dA_z W_hzᵀ
    """

    widths = (1, 3, 1)  # H; R, Z and H̃; R ⊙ H

    @staticmethod
    def parts(W_h: Tensor) -> tuple[Tensor, ...]:
        h = len(W_h)
        return W_h[:, : 2 * h], W_h[:, 2 * h :]

    @staticmethod
    def views(A: Tensor, *buffers: Tensor) -> tuple[Tensor, ...]:
        H, gates, RH = buffers
        h = H.shape[-1]
        RZ, H_tilde = gates[..., : 2 * h], gates[..., 2 * h :]
        return A[..., : 2 * h], A[..., 2 * h :], H, RZ, RZ[..., :h], RZ[..., h:], H_tilde, RH

    @staticmethod
    def step(hidden: Sequence[Product], state: State, b_h: Tensor | None, relu: bool, *views: Tensor) -> State:
        A_rz, A_h, H, RZ, R, Z, H_tilde, RH = views
        hidden[0].times(state[0], A_rz, RZ).sigmoid_()
        torch.mul(R, state[0], out=RH)
        hidden[1].times(RH, A_h, H_tilde).tanh_()
        return (torch.lerp(H_tilde, state[0], Z, out=H),)

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, b_h: Tensor | None, relu: bool, H_0: Tensor) -> tuple[Tensor, ...]:
        outputs, gates, RH = _walk_minibatch(_GRU, A, W_h, b_h, relu, (H_0,))
        ctx.save_for_backward(outputs, gates, RH, W_h, H_0)
        return (outputs,)

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, RH, W_h, H_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        R, Z, H_tilde = torch.split(gates, h, dim=2)
        H_before = torch.cat((H_0[None], outputs[:-1]))
        # factors of dH in the gradients of A_z and A_h, and of d(RH) in that of A_r, at all time steps
        to_Z = (H_before - H_tilde).mul_(Z).mul_(1 - Z)
        to_H_tilde = (1 - H_tilde * H_tilde).mul_(1 - Z)
        to_R = R * (1 - R) * H_before
        dA = torch.empty_like(gates)
        back_RZ, back_H = Factor(W_h[:, : 2 * h].t(), len(H_0)), Factor(W_h[:, 2 * h :].t(), len(H_0))
        later = torch.zeros_like(H_0)
        for t in range(T - 1, -1, -1):
            later = later + dH[t]
            dA_rz, dA_h = dA[t, :, : 2 * h], dA[t, :, 2 * h :]
            torch.mul(later, to_H_tilde[t], out=dA_h)
            dRH = back_H.applied_to(dA_h)
            torch.mul(dRH, to_R[t], out=dA_rz[:, :h])
            torch.mul(later, to_Z[t], out=dA_rz[:, h:])
            later = (later * Z[t]).addcmul_(dRH, R[t]).add_(back_RZ.applied_to(dA_rz))
        dA_flat = dA.flatten(0, 1)
        dW_hrz = product(H_before.flatten(0, 1).t(), dA_flat[:, : 2 * h])
        dW_hh = product(RH.flatten(0, 1).t(), dA_flat[:, 2 * h :])
        return dA, torch.cat((dW_hrz, dW_hh), dim=1), None, None, later


class _LSTM(Form):
    """C_t = F ⊙ C_{t-1} + I ⊙ C̃,  H_t = O ⊙ tanh(C_t).

    dC_t += dH_t ⊙ O ⊙ (1 - tanh²(C_t)),  dC_{t-1} = dC_t ⊙ F
    dA_i = dC_t ⊙ C̃ ⊙ I (1 - I),  dA_f = dC_t ⊙ C_{t-1} ⊙ F (1 - F)
    dA_o = dH_t ⊙ tanh(C_t) ⊙ O (1 - O),  dA_c = dC_t ⊙ I ⊙ (1 - C̃²)
    dH_{t-1} += dA_i W_hiᵀ + dA_f W_hfᵀ + dA_o W_hoᵀ + dA_c W_hcᵀ,  a single product, as the gates are side by side
    """

    widths = (1, 1, 4, 1)  # H; C; I, F, O and C̃; tanh(C)

    @staticmethod
    def views(A: Tensor, *buffers: Tensor) -> tuple[Tensor, ...]:
        H, C, gates, tanh_C = buffers
        return A, H, C, gates, gates[..., : -H.shape[-1]], *torch.split(gates, H.shape[-1], dim=-1), tanh_C

    @staticmethod
    def step(hidden: Sequence[Product], state: State, b_h: Tensor | None, relu: bool, *views: Tensor) -> State:
        A, H, C, gates, IFO, I, F, O, C_tilde, tanh_C = views
        hidden[0].times(state[0], A, gates)
        IFO.sigmoid_()
        C_tilde.tanh_()
        torch.mul(F, state[1], out=C).addcmul_(I, C_tilde)
        torch.tanh(C, out=tanh_C)
        return torch.mul(O, tanh_C, out=H), C

    @staticmethod
    def forward(
        ctx: Any, A: Tensor, W_h: Tensor, b_h: Tensor | None, relu: bool, H_0: Tensor, C_0: Tensor
    ) -> tuple[Tensor, ...]:
        outputs, cells, gates, tanh_C = _walk_minibatch(_LSTM, A, W_h, b_h, relu, (H_0, C_0))
        ctx.save_for_backward(outputs, gates, cells, tanh_C, W_h, H_0, C_0)
        return outputs, cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, dH: Tensor, dC_last: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, cells, tanh_C, W_h, H_0, C_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        I, F, O, C_tilde = torch.split(gates, h, dim=2)
        C_before = torch.cat((C_0[None], cells[:-1]))
        # factors of dC in the gradients of A_i, A_f and A_c, and of dH in that of A_o, at all time steps
        dA = torch.empty_like(gates)
        to_I, to_F, to_O, to_C = torch.split(dA, h, dim=2)
        torch.mul(I, 1 - I, out=to_I).mul_(C_tilde)
        torch.mul(F, 1 - F, out=to_F).mul_(C_before)
        torch.mul(O, 1 - O, out=to_O).mul_(tanh_C)
        torch.mul(I, 1 - C_tilde * C_tilde, out=to_C)
        H_to_C = (1 - tanh_C * tanh_C).mul_(O)
        back = Factor(W_h.t(), len(H_0))
        dC = dC_last
        later = torch.zeros_like(H_0)
        for t in range(T - 1, -1, -1):
            dH_t = later + dH[t]
            dC = torch.addcmul(dC, dH_t, H_to_C[t])
            to_I[t].mul_(dC)
            to_F[t].mul_(dC)
            to_O[t].mul_(dH_t)
            to_C[t].mul_(dC)
            later = back.applied_to(dA[t])
            dC = dC * F[t]
        dW_h = product(_previous(H_0, outputs).t(), dA.flatten(0, 1))
        return dA, dW_h, None, None, later, dC


class _LibraryGRU(Form):
    """The GRU that resets after the product, so that all gates share a single product.

    G_t = H_{t-1} W_h + b_h,  N_t = tanh(X_t W_xn + b_xn + R_t ⊙ G_tn),  H_t = (1 - Z_t) ⊙ N_t + Z_t ⊙ H_{t-1}

    dA_n = dH_t ⊙ (1 - Z) ⊙ (1 - N²),  dG_n = dA_n ⊙ R,  dA_r = dG_r = dA_n ⊙ G_n ⊙ R (1 - R)
    dA_z = dG_z = dH_t ⊙ (H_{t-1} - N) ⊙ Z (1 - Z),  dH_{t-1} += dH_t ⊙ Z + dG W_hᵀ
    """

    widths = (1, 3, 3)  # H; R, Z and N; G

    @staticmethod
    def views(A: Tensor, *buffers: Tensor) -> tuple[Tensor, ...]:
        H, gates, G = buffers
        h = H.shape[-1]
        RZ, N = gates[..., : 2 * h], gates[..., 2 * h :]
        A_rz, A_n, G_rz, G_n = A[..., : 2 * h], A[..., 2 * h :], G[..., : 2 * h], G[..., 2 * h :]
        return A_rz, A_n, H, RZ, RZ[..., :h], RZ[..., h:], N, G, G_rz, G_n

    @staticmethod
    def step(hidden: Sequence[Product], state: State, b_h: Tensor | None, relu: bool, *views: Tensor) -> State:
        assert b_h is not None
        A_rz, A_n, H, RZ, R, Z, N, G, G_rz, G_n = views
        hidden[0].times(state[0], b_h, G)
        torch.add(A_rz, G_rz, out=RZ).sigmoid_()
        torch.addcmul(A_n, R, G_n, out=N).tanh_()
        return (torch.lerp(N, state[0], Z, out=H),)

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, b_h: Tensor | None, relu: bool, H_0: Tensor) -> tuple[Tensor, ...]:
        outputs, gates, G = _walk_minibatch(_LibraryGRU, A, W_h, b_h, relu, (H_0,))
        ctx.save_for_backward(outputs, gates, G, W_h, H_0)
        return (outputs,)

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, G, W_h, H_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        R, Z, N = torch.split(gates, h, dim=2)
        H_before = torch.cat((H_0[None], outputs[:-1]))
        # factors of dH in the gradients of the three gates, at all time steps
        to_N = (1 - N * N).mul_(1 - Z)
        to_Z = (H_before - N).mul_(Z).mul_(1 - Z)
        to_R = (R * (1 - R)).mul_(G[:, :, 2 * h :]).mul_(to_N)
        to_HN = to_N * R
        dG = torch.empty_like(gates)
        dN = torch.empty_like(outputs)
        back = Factor(W_h.t(), len(H_0))
        later = torch.zeros_like(H_0)
        for t in range(T - 1, -1, -1):
            dH_t = later + dH[t]
            torch.mul(dH_t, to_R[t], out=dG[t, :, :h])
            torch.mul(dH_t, to_Z[t], out=dG[t, :, h : 2 * h])
            torch.mul(dH_t, to_HN[t], out=dG[t, :, 2 * h :])
            torch.mul(dH_t, to_N[t], out=dN[t])
            later = dH_t.mul_(Z[t]).add_(back.applied_to(dG[t]))
        dG_flat = dG.flatten(0, 1)
        dW_h, db_h = product(H_before.flatten(0, 1).t(), dG_flat), dG_flat.sum(0)
        dA = torch.cat((dG[:, :, : 2 * h], dN), dim=2)
        return dA, dW_h, db_h, None, later


FORMS: dict[Equation, type[Form]] = {rnn: _RNN, gru: _GRU, gru_of_the_library: _LibraryGRU, lstm: _LSTM}
"""The equations that have a fast form."""
