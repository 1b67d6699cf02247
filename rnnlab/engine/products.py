"""Matrix products, with oneDNN on processors if it can be used.

PyTorch computes float32 products with MKL, which leaves half of the arithmetic units of non-Intel processors idle;
oneDNN, which is part of PyTorch too, does not (measured by ``benchmarks/engine_speed.py``: 260 against 112 GFLOP/s on
such a core). oneDNN is called through operators that PyTorch provides for its compiler. If these are missing or do not
apply (float64, another device, small matrices), the ordinary products are used. The choice depends only on shape, type
and machine, so that the same run gives the same numbers.

Training runs in one thread, except the products of oneDNN, which take most of the time and use the number of threads
that `use_threads` sets. oneDNN splits a product by rows and columns and adds each sum in one thread, so the results are
bit-identical for any number of threads. Ordinary products, reductions and some functions, such as the sigmoid, give
different last bits with more threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

SMALL = 64 * 64
"""Number of elements below which a matrix is too small for oneDNN to be faster."""
_threads = 1


def use_threads(number: int) -> None:
    """Compute the products of oneDNN in `number` threads from now on; call it in a process of one thread."""
    global _threads
    _threads = number


def _onednn() -> tuple[Callable[..., Tensor], Callable[..., Tensor]] | None:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        return torch.ops.mkldnn._linear_pointwise.default, torch.ops.mkldnn._reorder_linear_weight.default
    except (AttributeError, RuntimeError):
        return None


_ONEDNN = _onednn()


def _in_threads(work: Callable[..., Tensor], *arguments: Any) -> Tensor:
    if _threads == 1:
        return work(*arguments)
    torch.set_num_threads(_threads)  # takes a tenth of a microsecond
    try:
        return work(*arguments)
    finally:
        torch.set_num_threads(1)


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a @ b, plus `bias` on every row: (n, k) and (k, m) give (n, m)."""
    if _ONEDNN is None or not _fits(b):
        return a @ b if bias is None else torch.addmm(bias, a, b)
    linear, _ = _ONEDNN
    return _in_threads(linear, a, _dense(b).t(), bias, "none", [], "")


class Factor:
    """The right-hand side of many products, packed once for oneDNN.

    Args:
        b: matrix (k, m); must not change while the factor is in use.
        num_rows: number of rows of the left-hand sides.
    """

    def __init__(self, b: Tensor, num_rows: int) -> None:
        self._b = b
        self._packed: Tensor | None = None
        if _ONEDNN is not None and _fits(b):
            _, pack = _ONEDNN
            self._packed = _in_threads(pack, _dense(b).t(), num_rows)

    def times(self, a: Tensor, plus: Tensor, out: Tensor) -> Tensor:
        """Compute a @ b + plus into `out`: a (n, k), plus and out (n, m)."""
        if self._packed is None or _ONEDNN is None:
            return torch.addmm(plus, a, self._b, out=out)
        linear, _ = _ONEDNN
        return torch.add(_in_threads(linear, a, self._packed, None, "none", [], ""), plus, out=out)

    def applied_to(self, a: Tensor) -> Tensor:
        """Return a @ b."""
        if self._packed is None or _ONEDNN is None:
            return a @ self._b
        linear, _ = _ONEDNN
        return _in_threads(linear, a, self._packed, None, "none", [], "")


def affine(inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Return inputs @ W + b, differentiable in all three: (n, k), (k, m) and (m,) give (n, m)."""
    outputs: Tensor = _Affine.apply(inputs, W, b)  # type: ignore[no-untyped-call]
    return outputs


class _Affine(Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, W)
        return product(inputs, W, b)

    @staticmethod
    def backward(ctx: Any, dO: Tensor) -> tuple[Tensor | None, ...]:
        inputs, W = ctx.saved_tensors
        return product(dO, W.t()), product(inputs.t(), dO), dO.sum(0)


def _fits(b: Tensor) -> bool:
    return b.dtype == torch.float32 and b.device.type == "cpu" and b.numel() >= SMALL


def _dense(b: Tensor) -> Tensor:
    # oneDNN reads a slice of a wider matrix element by element
    return b if b.is_contiguous() or b.t().is_contiguous() else b.contiguous()
