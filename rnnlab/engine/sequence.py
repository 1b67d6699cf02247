"""The equations of `cells` for a whole sequence, fast: same values, same gradients (tested to 1e-5).

Three things make the difference. A one-hot row times a matrix is a row of that matrix, so the first layer gathers rows.
The inputs of all time steps and all gates go through one matrix product. And the backward pass is written by hand: the
loop over time computes only the gradients that it must (of the pre-activations), and the gradient of each weight matrix
is one product after the loop. (`rnnlab.engine.products` says what serves the products themselves.)

The library's cells are walked the same way, by the library's own weights.

Shapes: T time steps, B rows of the minibatch, h hidden units, G gates. `A` are pre-activations (T, B, G·h); `dA` is the
gradient of the loss with respect to A, and so for every other letter; ``+=`` adds to what comes from the output layer.
The derivatives stand at each sequence: the chain rule on the equations in `cells` (for the RNN 2nd edition 9.7), with
σ' = σ (1 - σ) and tanh' = 1 - tanh². What does not depend on the later time steps is computed for all time steps at
once, before the loop, and named after where it leads: ``to_Z`` times dH_t is dA_z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.engine.cells import GRU, LSTM, RNN, Cell, State
from rnnlab.engine.products import Factor, affine, product


def run_sequence(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Walk `cell` along a sequence.

    Args:
        cell: the cell with its weights.
        inputs: characters (T, B), integer, standing for one-hot rows; or rows (T, B, num_inputs).
        state: ``(H,)`` or ``(H, C)``, each (B, h).

    Returns:
        All hidden states (T, B, h) and the last state.
    """
    A = input_products(cell, inputs)
    apply: Callable[..., Any] = _SEQUENCES[type(cell)].apply
    if isinstance(cell, LSTM):
        outputs, C = apply(A, cell.W_h, *state)
        return outputs, (outputs[-1], C)
    options = (cell.activation == "relu",) if isinstance(cell, RNN) else ()
    outputs = apply(A, cell.W_h, *state, *options)
    return outputs, (outputs[-1],)


def input_products(cell: Cell, inputs: Tensor) -> Tensor:
    """Return X_t W_x + b for all time steps and gates: (T, B, G·h), a buffer of its own."""
    if inputs.dtype == torch.long:
        return torch.nn.functional.embedding(inputs, cell.W_x).add_(cell.b)
    T, B, num_inputs = inputs.shape
    return affine(inputs.reshape(T * B, num_inputs), cell.W_x, cell.b).view(T, B, -1)


def _previous(H_0: Tensor, H: Tensor) -> Tensor:
    """Return the state before each time step, (T·B, h)."""
    return torch.cat((H_0[None], H[:-1])).flatten(0, 1)


class _RNNSequence(Function):
    """H_t = φ(A_t),  A_t = X_t W_xh + b_h + H_{t-1} W_hh.

    dA_t = dH_t ⊙ φ'(A_t),  dH_{t-1} += dA_t W_hhᵀ,  dW_hh = Σ_t H_{t-1}ᵀ dA_t
    """

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_hh: Tensor, H_0: Tensor, relu: bool) -> Tensor:
        outputs = torch.empty_like(A)
        H = H_0
        hidden = Factor(W_hh, len(H_0))
        for A_t, out in zip(A, outputs, strict=True):
            hidden.times(H, A_t, out)
            H = out.relu_() if relu else out.tanh_()
        ctx.save_for_backward(outputs, W_hh, H_0)
        ctx.relu = relu
        return outputs

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, W_hh, H_0 = ctx.saved_tensors
        # the derivative of the activation, all time steps at once
        slope = (outputs > 0).to(outputs.dtype) if ctx.relu else 1 - outputs * outputs
        dA = torch.empty_like(outputs)
        back = Factor(W_hh.t(), len(H_0))
        later = torch.zeros_like(H_0)
        for t in range(len(dH) - 1, -1, -1):
            torch.mul(later.add_(dH[t]), slope[t], out=dA[t])
            later = back.applied_to(dA[t])
        dW_hh = product(_previous(H_0, outputs).t(), dA.flatten(0, 1))
        return dA, dW_hh, later, None


class _GRUSequence(Function):
    """H_t = Z ⊙ H_{t-1} + (1 - Z) ⊙ H̃,  where H̃ = tanh(A_h) and A_h has (R ⊙ H_{t-1}) W_hh in it.

    dA_z = dH_t ⊙ (H_{t-1} - H̃) ⊙ Z (1 - Z)
    dA_h = dH_t ⊙ (1 - Z) ⊙ (1 - H̃²),  d(R ⊙ H_{t-1}) = dA_h W_hhᵀ
    dA_r = d(R ⊙ H_{t-1}) ⊙ H_{t-1} ⊙ R (1 - R)
    dH_{t-1} += dH_t ⊙ Z + d(R ⊙ H_{t-1}) ⊙ R + dA_r W_hrᵀ + dA_z W_hzᵀ
    """

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, H_0: Tensor) -> Tensor:
        T, B, h = len(A), A.shape[1], H_0.shape[1]
        hidden_RZ, hidden_H = Factor(W_h[:, : 2 * h], B), Factor(W_h[:, 2 * h :], B)
        outputs = A.new_empty(T, B, h)
        gates = A.new_empty(T, B, 3 * h)  # R, Z and H̃
        RH = A.new_empty(T, B, h)
        H = H_0
        for t in range(T):
            RZ, H_tilde = gates[t, :, : 2 * h], gates[t, :, 2 * h :]
            hidden_RZ.times(H, A[t, :, : 2 * h], RZ).sigmoid_()
            torch.mul(RZ[:, :h], H, out=RH[t])
            hidden_H.times(RH[t], A[t, :, 2 * h :], H_tilde).tanh_()
            H = torch.lerp(H_tilde, H, RZ[:, h:], out=outputs[t])
        ctx.save_for_backward(outputs, gates, RH, W_h, H_0)
        return outputs

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, RH, W_h, H_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        R, Z, H_tilde = torch.split(gates, h, dim=2)
        H_before = torch.cat((H_0[None], outputs[:-1]))
        # what multiplies dH in the gradients of A_z and A_h, and d(RH) in that of A_r, all time steps at once
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
        return dA, torch.cat((dW_hrz, dW_hh), dim=1), later


class _LSTMSequence(Function):
    """C_t = F ⊙ C_{t-1} + I ⊙ C̃,  H_t = O ⊙ tanh(C_t).

    dC_t += dH_t ⊙ O ⊙ (1 - tanh²(C_t)),  dC_{t-1} = dC_t ⊙ F
    dA_i = dC_t ⊙ C̃ ⊙ I (1 - I),  dA_f = dC_t ⊙ C_{t-1} ⊙ F (1 - F)
    dA_o = dH_t ⊙ tanh(C_t) ⊙ O (1 - O),  dA_c = dC_t ⊙ I ⊙ (1 - C̃²)
    dH_{t-1} += dA_i W_hiᵀ + dA_f W_hfᵀ + dA_o W_hoᵀ + dA_c W_hcᵀ,  one product, as the gates lie side by side
    """

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, H_0: Tensor, C_0: Tensor) -> tuple[Tensor, Tensor]:
        T, B, h = len(A), A.shape[1], H_0.shape[1]
        outputs = A.new_empty(T, B, h)
        gates = torch.empty_like(A)  # I, F, O and C̃
        cells, tanh_C = A.new_empty(T, B, h), A.new_empty(T, B, h)
        H, C = H_0, C_0
        hidden = Factor(W_h, B)
        for t in range(T):
            hidden.times(H, A[t], gates[t])
            gates[t, :, : 3 * h].sigmoid_()
            gates[t, :, 3 * h :].tanh_()
            I, F, O, C_tilde = torch.split(gates[t], h, dim=1)
            C = torch.mul(F, C, out=cells[t]).addcmul_(I, C_tilde)
            torch.tanh(C, out=tanh_C[t])
            H = torch.mul(O, tanh_C[t], out=outputs[t])
        ctx.save_for_backward(outputs, gates, cells, tanh_C, W_h, H_0, C_0)
        return outputs, C.clone()

    @staticmethod
    def backward(ctx: Any, dH: Tensor, dC_last: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, cells, tanh_C, W_h, H_0, C_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        I, F, O, C_tilde = torch.split(gates, h, dim=2)
        C_before = torch.cat((C_0[None], cells[:-1]))
        # what multiplies dC in the gradients of A_i, A_f and A_c, and dH in that of A_o, all time steps at once
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
        return dA, dW_h, later, dC


class _LibraryGRUSequence(Function):
    """The cell of `torch.nn.GRU`, which resets after the product, so that all gates share one.

    G_t = H_{t-1} W_h + b_h,  N_t = tanh(X_t W_xn + b_xn + R_t ⊙ G_tn),  H_t = (1 - Z_t) ⊙ N_t + Z_t ⊙ H_{t-1}

    dA_n = dH_t ⊙ (1 - Z) ⊙ (1 - N²),  dG_n = dA_n ⊙ R,  dA_r = dG_r = dA_n ⊙ G_n ⊙ R (1 - R)
    dA_z = dG_z = dH_t ⊙ (H_{t-1} - N) ⊙ Z (1 - Z),  dH_{t-1} += dH_t ⊙ Z + dG W_hᵀ
    """

    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, b_h: Tensor, H_0: Tensor) -> Tensor:
        T, B, h = len(A), A.shape[1], H_0.shape[1]
        outputs = A.new_empty(T, B, h)
        gates = torch.empty_like(A)  # R, Z and N
        G = torch.empty_like(A)
        H = H_0
        hidden = Factor(W_h, B)
        for t in range(T):
            hidden.times(H, b_h, G[t])
            RZ, N = gates[t, :, : 2 * h], gates[t, :, 2 * h :]
            torch.add(A[t, :, : 2 * h], G[t, :, : 2 * h], out=RZ).sigmoid_()
            torch.addcmul(A[t, :, 2 * h :], RZ[:, :h], G[t, :, 2 * h :], out=N).tanh_()
            H = torch.lerp(N, H, RZ[:, h:], out=outputs[t])
        ctx.save_for_backward(outputs, gates, G, W_h, H_0)
        return outputs

    @staticmethod
    def backward(ctx: Any, dH: Tensor) -> tuple[Tensor | None, ...]:
        outputs, gates, G, W_h, H_0 = ctx.saved_tensors
        T, h = len(dH), H_0.shape[1]
        R, Z, N = torch.split(gates, h, dim=2)
        H_before = torch.cat((H_0[None], outputs[:-1]))
        # what multiplies dH in the gradients of the three gates, all time steps at once
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
        return dA, dW_h, db_h, later


def run_library_sequence(
    kind: str, inputs: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor], state: State, relu: bool = False
) -> tuple[Tensor, State]:
    """Walk one layer and direction of `torch.nn.RNN`, `GRU` or `LSTM` along a sequence, by its own weights.

    Args:
        kind: "rnn", "gru" or "lstm".
        inputs: characters (T, B), integer, standing for one-hot rows; or rows (T, B, num_inputs).
        weights: the library's ``weight_ih, weight_hh, bias_ih, bias_hh``; its weights are transposed, gates in rows.
        state: ``(H,)`` or ``(H, C)``, each (B, h).

    Returns:
        All hidden states (T, B, h) and the last state.
    """
    W_ih, W_hh, b_ih, b_hh = weights
    positions = inputs
    if inputs.dtype == torch.long:  # only the columns of the characters that are present
        present, positions = torch.unique(inputs, return_inverse=True)
        W_ih = W_ih.index_select(1, present)
    bias = b_ih if kind == "gru" else b_ih + b_hh
    if kind == "lstm":  # the library's order is i, f, c, o
        W_ih, W_hh, bias = (_output_gate_third(tensor) for tensor in (W_ih, W_hh, bias))
    if inputs.dtype == torch.long:
        A = torch.nn.functional.embedding(positions, W_ih.t().contiguous()).add_(bias)
    else:
        T, B, num_inputs = inputs.shape
        A = affine(inputs.reshape(T * B, num_inputs), W_ih.t(), bias).view(T, B, -1)
    apply: Callable[..., Any] = _LIBRARY_SEQUENCES[kind].apply
    if kind == "lstm":
        outputs, C = apply(A, W_hh.t(), *state)
        return outputs, (outputs[-1], C)
    outputs = apply(A, W_hh.t(), b_hh, *state) if kind == "gru" else apply(A, W_hh.t(), *state, relu)
    return outputs, (outputs[-1],)


def _output_gate_third(tensor: Tensor) -> Tensor:
    I, F, C, O = tensor.chunk(4)
    return torch.cat((I, F, O, C))


_SEQUENCES: dict[type[Cell], type[Function]] = {RNN: _RNNSequence, GRU: _GRUSequence, LSTM: _LSTMSequence}
_LIBRARY_SEQUENCES: dict[str, type[Function]] = {"rnn": _RNNSequence, "gru": _LibraryGRUSequence, "lstm": _LSTMSequence}
