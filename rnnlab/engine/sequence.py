"""The equations of `cells` for a whole sequence, fast: same values, same gradients (tested to 1e-5).

Three things make the difference. A one-hot row times a matrix is a row of that matrix, so the first layer gathers rows.
The inputs of all time steps and all gates go through one matrix product. And the backward pass is written by hand: the
loop over time computes only the gradients that it must (of the pre-activations), and the gradient of each weight matrix
is one product after the loop.

Shapes: T time steps, B rows of the minibatch, h hidden units, G gates. `A` are pre-activations (T, B, G·h); `dA` is the
gradient of the loss with respect to A. Source of the derivatives: the chain rule on the equations in `cells`; for the
RNN 2nd edition 9.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.engine.cells import GRU, LSTM, RNN, Cell, State


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
    return torch.addmm(cell.b, inputs.reshape(T * B, num_inputs), cell.W_x).view(T, B, -1)


def _previous(H_0: Tensor, H: Tensor) -> Tensor:
    """Return the state before each time step, (T·B, h)."""
    return torch.cat((H_0[None], H[:-1])).flatten(0, 1)


class _RNNSequence(Function):
    @staticmethod
    def forward(ctx: Any, A: Tensor, W_hh: Tensor, H_0: Tensor, relu: bool) -> Tensor:
        outputs = torch.empty_like(A)
        H = H_0
        for A_t, out in zip(A, outputs, strict=True):
            torch.addmm(A_t, H, W_hh, out=out)
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
        W_hhT = W_hh.t()
        later = dH[-1]
        for t in range(len(dH) - 1, -1, -1):
            torch.mul(later, slope[t], out=dA[t])
            later = torch.addmm(dH[t - 1], dA[t], W_hhT) if t else dA[0] @ W_hhT
        dW_hh = _previous(H_0, outputs).t() @ dA.flatten(0, 1)
        return dA, dW_hh, later, None


class _GRUSequence(Function):
    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, H_0: Tensor) -> Tensor:
        T, B, h = len(A), A.shape[1], H_0.shape[1]
        W_hrz, W_hh = W_h[:, : 2 * h], W_h[:, 2 * h :]
        outputs = A.new_empty(T, B, h)
        gates = A.new_empty(T, B, 3 * h)  # R, Z and H̃
        RH = A.new_empty(T, B, h)
        H = H_0
        for t in range(T):
            RZ, H_tilde = gates[t, :, : 2 * h], gates[t, :, 2 * h :]
            torch.addmm(A[t, :, : 2 * h], H, W_hrz, out=RZ).sigmoid_()
            torch.mul(RZ[:, :h], H, out=RH[t])
            torch.addmm(A[t, :, 2 * h :], RH[t], W_hh, out=H_tilde).tanh_()
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
        W_hrzT, W_hhT = W_h[:, : 2 * h].t(), W_h[:, 2 * h :].t()
        later = torch.zeros_like(H_0)
        for t in range(T - 1, -1, -1):
            later = later + dH[t]
            dA_rz, dA_h = dA[t, :, : 2 * h], dA[t, :, 2 * h :]
            torch.mul(later, to_H_tilde[t], out=dA_h)
            dRH = dA_h @ W_hhT
            torch.mul(dRH, to_R[t], out=dA_rz[:, :h])
            torch.mul(later, to_Z[t], out=dA_rz[:, h:])
            later = (later * Z[t]).addcmul_(dRH, R[t]).addmm_(dA_rz, W_hrzT)
        dA_flat = dA.flatten(0, 1)
        dW_h = torch.empty_like(W_h)
        torch.mm(H_before.flatten(0, 1).t(), dA_flat[:, : 2 * h], out=dW_h[:, : 2 * h])
        torch.mm(RH.flatten(0, 1).t(), dA_flat[:, 2 * h :], out=dW_h[:, 2 * h :])
        return dA, dW_h, later


class _LSTMSequence(Function):
    @staticmethod
    def forward(ctx: Any, A: Tensor, W_h: Tensor, H_0: Tensor, C_0: Tensor) -> tuple[Tensor, Tensor]:
        T, B, h = len(A), A.shape[1], H_0.shape[1]
        outputs = A.new_empty(T, B, h)
        gates = torch.empty_like(A)  # I, F, O and C̃
        cells, tanh_C = A.new_empty(T, B, h), A.new_empty(T, B, h)
        H, C = H_0, C_0
        for t in range(T):
            torch.addmm(A[t], H, W_h, out=gates[t])
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
        W_hT = W_h.t()
        dC = dC_last
        later = torch.zeros_like(H_0)
        for t in range(T - 1, -1, -1):
            dH_t = later + dH[t]
            dC = torch.addcmul(dC, dH_t, H_to_C[t])
            to_I[t].mul_(dC)
            to_F[t].mul_(dC)
            to_O[t].mul_(dH_t)
            to_C[t].mul_(dC)
            later = dA[t] @ W_hT
            dC = dC * F[t]
        dW_h = _previous(H_0, outputs).t() @ dA.flatten(0, 1)
        return dA, dW_h, later, dC


_SEQUENCES: dict[type[Cell], type[Function]] = {RNN: _RNNSequence, GRU: _GRUSequence, LSTM: _LSTMSequence}
