"""The loops over time of the fast forms in `rnnlab.engine.sequence`, compiled by TorchScript.

Compiled, a loop runs without Python between its operations, so that several threads can walk at the same time: in
Python, each would wait for the others between two operations (two threads walk through the LSTM of the book 1.8 times
as fast as one, in Python 1.3 times). The functions are ordinary Python, and run as such where TorchScript is missing,
with the same results to the last bit. Generation takes single steps, for which it calls the steps in Python.

Shapes and letters are as in `rnnlab.engine.sequence`. A contains the pre-activations of all time steps, (T, B, G·h); a
walk forward overwrites them with the gates. The buffer of a state is (T + 1, B, h) and begins with the initial state.
``1 - x`` is written as `rsub` or `complement`, because TorchScript makes two operations of it.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from rnnlab.engine.products import add_product, row_product

Walk = TypeVar("Walk", bound=Callable[..., Any])


def _forward(views: Callable[..., list[Tensor]], step: Callable[..., None]) -> Callable[..., None]:
    """Return the walk forward of an equation: `step` for each time step, on what `views` returns of all time steps.

    Of characters (T, B), the rows of W_x are gathered and b is added just before a few time steps, which find them in
    the processor's cache; without characters, A contains X_t W_x + b of all time steps already.
    """

    def forward(
        characters: Tensor | None,
        W_x: Tensor,
        b: Tensor,
        A: Tensor,
        W: list[Tensor],
        packed: list[bool],
        b_h: Tensor | None,
        relu: bool,
        order: list[int],
        buffers: list[Tensor],
    ) -> None:
        of_all = views(A, b_h, order, buffers)
        at_once = 4 if A.is_contiguous() else 1  # of some rows of a minibatch, only those of one step are adjacent
        for t in range(A.size(0)):
            if characters is not None and t % at_once == 0:
                read = A[t : t + at_once].view(-1, A.size(2))
                torch.index_select(W_x, 0, characters[t : t + at_once].flatten(), out=read)
                read.add_(b)
            step([view[t] for view in of_all], W, packed, relu)

    return forward


def complement(x: Tensor, out: Tensor) -> Tensor:
    """Compute 1 - x into `out`, which may be x, and return it; `rsub` can only make a new tensor."""
    return torch.sub(torch.scalar_tensor(1.0, dtype=x.dtype, device=x.device), x, out=out)


def rnn_views(A: Tensor, b_h: Tensor | None, order: list[int], buffers: list[Tensor]) -> list[Tensor]:
    """Return A, H_{t-1} and H_t at all time steps; the buffer is H."""
    H = buffers[0]
    return [A, H[:-1], H[1:]]


def rnn_step(views: list[Tensor], W: list[Tensor], packed: list[bool], relu: bool) -> None:
    """Compute H_t = φ(A_t), where A_t = X_t W_xh + b_h + H_{t-1} W_hh."""
    A, before, H = views
    add_product(A, before, W[0], packed[0], A)
    if relu:
        H.copy_(A).relu_()
    else:
        torch.tanh(A, out=H)


rnn_forward = _forward(rnn_views, rnn_step)


def rnn_back(
    W: list[Tensor],
    packed: list[bool],
    relu: bool,
    order: list[int],
    gates: Tensor,
    buffers: list[Tensor],
    dH: Tensor,
    later: list[Tensor],
    written: list[Tensor],
) -> list[Tensor]:
    """Compute dA_t = dH_t ⊙ φ'(A_t) and dH_{t-1} += dA_t W_hhᵀ; later, dW_hh = Σ_t H_{t-1}ᵀ dA_t."""
    H, dA = buffers[0][1:], written[0]
    # first the derivative of the activation at all time steps
    if relu:
        dA.copy_(H > 0)
    else:
        complement(torch.mul(H, H, out=dA), dA)
    dH_t = later[0]
    for back in range(dH.size(0)):
        t = dH.size(0) - 1 - back
        dA[t].mul_(dH_t + dH[t])
        dH_t = row_product(dA[t], W[0], packed[0])
    return [dH_t]


def gru_views(A: Tensor, b_h: Tensor | None, order: list[int], buffers: list[Tensor]) -> list[Tensor]:
    """Return H_{t-1}, H_t, R and Z together, R, Z, H̃ and R ⊙ H_{t-1}; the buffers are H and R ⊙ H_{t-1}."""
    H = buffers[0]
    R, Z, H_tilde = A.chunk(3, 2)
    return [H[:-1], H[1:], A[:, :, : 2 * H.size(2)], R, Z, H_tilde, buffers[1]]


def gru_step(views: list[Tensor], W: list[Tensor], packed: list[bool], relu: bool) -> None:
    """Compute H_t = Z ⊙ H_{t-1} + (1 - Z) ⊙ H̃, where H̃ = tanh(A_h) and A_h contains (R ⊙ H_{t-1}) W_hh."""
    before, H, RZ, R, Z, H_tilde, RH = views
    add_product(RZ, before, W[0], packed[0], RZ)
    RZ.sigmoid_()
    torch.mul(R, before, out=RH)
    add_product(H_tilde, RH, W[1], packed[1], H_tilde)
    H_tilde.tanh_()
    torch.lerp(H_tilde, before, Z, out=H)


gru_forward = _forward(gru_views, gru_step)


def gru_back(
    W: list[Tensor],
    packed: list[bool],
    relu: bool,
    order: list[int],
    gates: Tensor,
    buffers: list[Tensor],
    dH: Tensor,
    later: list[Tensor],
    written: list[Tensor],
) -> list[Tensor]:
    """Compute the derivatives.

    dA_z = dH_t ⊙ (H_{t-1} - H̃) ⊙ Z (1 - Z)
    dA_h = dH_t ⊙ (1 - Z) ⊙ (1 - H̃²),  d(R ⊙ H_{t-1}) = dA_h W_hhᵀ
    dA_r = d(R ⊙ H_{t-1}) ⊙ H_{t-1} ⊙ R (1 - R)
    dH_{t-1} += dH_t ⊙ Z + d(R ⊙ H_{t-1}) ⊙ R + dA_r W_hrᵀ + dA_z W_hzᵀ
    """
    H_before, dA = buffers[0][:-1], written[0]
    R, Z, H_tilde = gates.chunk(3, 2)
    # factors of dH in the gradients of A_z and A_h, and of d(RH) in that of A_r, at all time steps
    to_R, to_Z, to_H_tilde = dA.chunk(3, 2)
    from_new = torch.rsub(Z, 1)
    torch.sub(H_before, H_tilde, out=to_Z).mul_(Z).mul_(from_new)
    complement(torch.mul(H_tilde, H_tilde, out=to_H_tilde), to_H_tilde).mul_(from_new)
    complement(R, to_R).mul_(R).mul_(H_before)
    dA_rz = dA[:, :, : 2 * H_before.size(2)]
    dH_t = later[0]
    for back in range(dH.size(0)):
        t = dH.size(0) - 1 - back
        dH_t = dH_t + dH[t]
        dRH = row_product(to_H_tilde[t].mul_(dH_t), W[1], packed[1])
        to_R[t].mul_(dRH)
        to_Z[t].mul_(dH_t)
        dH_t = (dH_t * Z[t]).addcmul_(dRH, R[t]).add_(row_product(dA_rz[t], W[0], packed[0]))
    return [dH_t]


def library_gru_views(A: Tensor, b_h: Tensor | None, order: list[int], buffers: list[Tensor]) -> list[Tensor]:
    """Return H_{t-1}, H_t, R and Z together, R, Z, N, G with its parts for R and Z and for N, and b_h.

    The buffers are H and G.
    """
    assert b_h is not None
    H, G = buffers[0], buffers[1]
    R, Z, N = A.chunk(3, 2)
    both = 2 * H.size(2)
    return [H[:-1], H[1:], A[:, :, :both], R, Z, N, G, G[:, :, :both], G[:, :, both:], b_h.expand(A.size(0), -1)]


def library_gru_step(views: list[Tensor], W: list[Tensor], packed: list[bool], relu: bool) -> None:
    """Compute the GRU that resets after the product, so that all gates share a single product.

    G_t = H_{t-1} W_h + b_h,  N_t = tanh(X_t W_xn + b_xn + R_t ⊙ G_tn),  H_t = (1 - Z_t) ⊙ N_t + Z_t ⊙ H_{t-1}
    """
    before, H, RZ, R, Z, N, G, G_rz, G_n, b_h = views
    add_product(b_h, before, W[0], packed[0], G)
    RZ.add_(G_rz).sigmoid_()
    N.addcmul_(R, G_n).tanh_()
    torch.lerp(N, before, Z, out=H)


library_gru_forward = _forward(library_gru_views, library_gru_step)


def library_gru_back(
    W: list[Tensor],
    packed: list[bool],
    relu: bool,
    order: list[int],
    gates: Tensor,
    buffers: list[Tensor],
    dH: Tensor,
    later: list[Tensor],
    written: list[Tensor],
) -> list[Tensor]:
    """Compute the derivatives; what is written are dG and dA_n.

    dA_n = dH_t ⊙ (1 - Z) ⊙ (1 - N²),  dG_n = dA_n ⊙ R,  dA_r = dG_r = dA_n ⊙ G_n ⊙ R (1 - R)
    dA_z = dG_z = dH_t ⊙ (H_{t-1} - N) ⊙ Z (1 - Z),  dH_{t-1} += dH_t ⊙ Z + dG W_hᵀ
    """
    H_before, dG, dN = buffers[0][:-1], written[0], written[1]
    R, Z, N = gates.chunk(3, 2)
    # factors of dH in the gradients of the three gates and of G_n, at all time steps
    to_N = dN
    to_R, to_Z, to_HN = dG.chunk(3, 2)
    from_new = torch.rsub(Z, 1)
    complement(torch.mul(N, N, out=to_N), to_N).mul_(from_new)
    torch.sub(H_before, N, out=to_Z).mul_(Z).mul_(from_new)
    complement(R, to_R).mul_(R).mul_(buffers[1][:, :, 2 * dN.size(2) :]).mul_(to_N)
    torch.mul(to_N, R, out=to_HN)
    dH_t = later[0]
    for back in range(dH.size(0)):
        t = dH.size(0) - 1 - back
        dH_t = dH_t + dH[t]
        dG[t].view(dH_t.size(0), 3, dH_t.size(1)).mul_(dH_t.unsqueeze(1))
        to_N[t].mul_(dH_t)
        dH_t = (dH_t * Z[t]).add_(row_product(dG[t], W[0], packed[0]))
    return [dH_t]


def lstm_views(A: Tensor, b_h: Tensor | None, order: list[int], buffers: list[Tensor]) -> list[Tensor]:
    """Return all gates, I and F together, I, F, O and C̃, C_{t-1}, C_t and tanh(C_t), H_{t-1} and H_t.

    The gates are in the places of `order`, I and F first; the buffers are H, C and tanh(C).
    """
    H, C = buffers[0], buffers[1]
    I, F, O, C_tilde = _in_order(list(A.chunk(4, 2)), order)
    return [A, A[:, :, : 2 * H.size(2)], I, F, O, C_tilde, C[:-1], C[1:], buffers[2], H[:-1], H[1:]]


def lstm_step(views: list[Tensor], W: list[Tensor], packed: list[bool], relu: bool) -> None:
    """Compute C_t = F ⊙ C_{t-1} + I ⊙ C̃ and H_t = O ⊙ tanh(C_t)."""
    A, IF, I, F, O, C_tilde, C_before, C, tanh_C, before, H = views
    add_product(A, before, W[0], packed[0], A)
    IF.sigmoid_()
    O.sigmoid_()
    C_tilde.tanh_()
    torch.mul(F, C_before, out=C)
    C.addcmul_(I, C_tilde)
    torch.tanh(C, out=tanh_C)
    torch.mul(O, tanh_C, out=H)


lstm_forward = _forward(lstm_views, lstm_step)


def lstm_back(
    W: list[Tensor],
    packed: list[bool],
    relu: bool,
    order: list[int],
    gates: Tensor,
    buffers: list[Tensor],
    dH: Tensor,
    later: list[Tensor],
    written: list[Tensor],
) -> list[Tensor]:
    """Compute the derivatives.

    dC_t += dH_t ⊙ O ⊙ (1 - tanh²(C_t)),  dC_{t-1} = dC_t ⊙ F
    dA_i = dC_t ⊙ C̃ ⊙ I (1 - I),  dA_f = dC_t ⊙ C_{t-1} ⊙ F (1 - F)
    dA_o = dH_t ⊙ tanh(C_t) ⊙ O (1 - O),  dA_c = dC_t ⊙ I ⊙ (1 - C̃²)
    dH_{t-1} += dA_i W_hiᵀ + dA_f W_hfᵀ + dA_o W_hoᵀ + dA_c W_hcᵀ,  a single product, as the gates are side by side
    """
    C_before, tanh_C, dA = buffers[1][:-1], buffers[2], written[0]
    both = 2 * dH.size(2)
    IF, to_IF = gates[:, :, :both], dA[:, :, :both]
    I, F, O, C_tilde = _in_order(list(gates.chunk(4, 2)), order)
    # factors of dC in the gradients of A_i, A_f and A_c, and of dH in that of A_o, at all time steps
    to_I, to_F, to_O, to_C = _in_order(list(dA.chunk(4, 2)), order)
    complement(IF, to_IF).mul_(IF)
    to_I.mul_(C_tilde)
    to_F.mul_(C_before)
    complement(O, to_O).mul_(O).mul_(tanh_C)
    complement(torch.mul(C_tilde, C_tilde, out=to_C), to_C).mul_(I)
    H_to_C = tanh_C * tanh_C
    complement(H_to_C, H_to_C).mul_(O)
    dH_t, dC = later[0], later[1]
    for back in range(dH.size(0)):
        t = dH.size(0) - 1 - back
        dH_t = dH_t + dH[t]
        dC = torch.addcmul(dC, dH_t, H_to_C[t])
        to_I[t].mul_(dC)
        to_F[t].mul_(dC)
        to_O[t].mul_(dH_t)
        to_C[t].mul_(dC)
        dH_t = row_product(dA[t], W[0], packed[0])
        dC = dC * F[t]
    return [dH_t, dC]


def _in_order(places: list[Tensor], order: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four gates of an equation from their places; without an order they are in place."""
    if len(order) == 0:
        return places[0], places[1], places[2], places[3]
    return places[order[0]], places[order[1]], places[order[2]], places[order[3]]


@functools.cache
def compiled(walk: Walk) -> Walk:
    """Return a walk as TorchScript compiles it, or the walk itself where it cannot."""
    with warnings.catch_warnings(), contextlib.suppress(RuntimeError, OSError):
        warnings.simplefilter("ignore", DeprecationWarning)  # the project pins the version of torch
        return torch.jit.script(walk)  # type: ignore[no-any-return]
    return walk
