"""Matrix products, by the faster library of the processor.

PyTorch computes float32 products with MKL, which leaves half of the arithmetic units of non-Intel processors idle;
oneDNN, which is part of PyTorch too, does not (measured by ``benchmarks/engine_speed.py``: 260 against 112 GFLOP/s on
such a core). On processors of Intel, MKL is the faster one for the small products between two time steps (165 against
95 GFLOP/s for 32 rows and 256 units). oneDNN is called through operators that PyTorch provides for its compiler. If
these are missing or do not apply (float64, another device, small matrices), the ordinary products are used. The choice
depends only on shape, type and machine, so that the same run gives the same numbers.

Large products are divided among the threads of `rnnlab.engine.parts`. oneDNN does so itself: it splits a product by
rows and columns and adds each sum in one thread, so the results are bit-identical for any number of threads. The
ordinary products do not promise that, so they are divided here, by rows or columns.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.engine.parts import MULTIPLE, Exact, compute, noise, number_of_threads, parts_of

SMALL = 64 * 64
"""Number of elements below which a matrix is too small for oneDNN to be faster."""
LONG = 4
"""Ratio of the length of its sums to the sides of a product from which MKL adds parts of a sum."""
DIVIDED = 2**25
"""Number of multiplications from which an ordinary product is divided: about half a millisecond of one thread."""


def _by_intel() -> bool:
    """Return whether the processor is one of Intel."""
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # another system; elsewhere than on Windows, the answer would take a process
        about = platform.processor() if sys.platform == "win32" else ""
    return "GenuineIntel" in about


def _onednn() -> tuple[Callable[..., Tensor], Callable[..., Tensor]] | None:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        return torch.ops.mkldnn._linear_pointwise.default, torch.ops.mkldnn._reorder_linear_weight.default
    except (AttributeError, RuntimeError):
        return None


_OPERATORS = _onednn()
_ONEDNN = None if _by_intel() else _OPERATORS
"""The operators of oneDNN that compute and pack, if they are used."""


def _in_threads(work: Callable[..., Tensor], *arguments: Any) -> Tensor:
    threads = number_of_threads()
    if threads == 1:
        return work(*arguments)
    torch.set_num_threads(threads)  # takes a tenth of a microsecond
    try:
        return work(*arguments)
    finally:
        torch.set_num_threads(1)


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a @ b, plus `bias` on every row: (n, k) and (k, m) give (n, m)."""
    if _ONEDNN is not None and _fits(b):
        linear, _ = _ONEDNN
        return _in_threads(linear, a, _dense(b).t(), bias, "none", [], "")
    if a.device.type == "cpu" and a.numel() * b.shape[1] >= DIVIDED:
        if bias is None and a.shape[1] >= LONG * max(len(a), b.shape[1]):
            return _in_blocks(a, b)
        if number_of_threads() > 1:
            return _divided(a, b, bias)
    return _ordinary(a, b, bias)


def _in_blocks(a: Tensor, b: Tensor) -> Tensor:
    """Return an ordinary product of long sums, always in two blocks: as a whole, its sums would be divided."""
    half = -(-len(a) // (2 * MULTIPLE)) * MULTIPLE
    out = a.new_empty(len(a), b.shape[1])
    compute(lambda rows: torch.mm(a[rows], b, out=out[rows]), [slice(0, half), slice(half, len(a))])
    return out


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """Return the transpose of a times b, where a (k, n) has more columns than b (k, m), as (n, m)."""
    if _ONEDNN is not None and _fits(b):
        return product(b.t(), a).t()  # oneDNN transposes the left factor in memory: the smaller one
    return product(a.t(), b)


def _ordinary(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    # faster than `addmm`, which first writes the bias into every row
    return a @ b if bias is None else (a @ b).add_(bias)


_exact = Exact()


def _divided(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    """Return an ordinary product, in parts if these are exact: rows of it or columns, of which there are more."""
    by_rows = len(a) >= b.shape[1]
    parts = parts_of(len(a) if by_rows else b.shape[1], MULTIPLE)
    of_a, of_b = (a.shape, a.stride(), a.dtype), (b.shape, b.stride(), b.dtype)

    def in_parts(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
        out = a.new_empty(len(a), b.shape[1])

        def part(some: slice) -> None:
            left, right, result = (a[some], b, out[some]) if by_rows else (a, b[:, some], out[:, some])
            torch.mm(left, right, out=result)
            if bias is not None:
                result.add_(bias if by_rows else bias[some])

        compute(part, parts)
        return out

    def compare() -> bool:
        if 0 in (*a.stride(), *b.stride()):
            return False
        some_a, some_b = noise(a.shape, a.dtype, a.stride()), noise(b.shape, b.dtype, b.stride())
        some_bias = None if bias is None else noise(bias.shape, bias.dtype)
        whole = _ordinary(some_a, some_b, some_bias)
        return torch.equal(whole, in_parts(some_a, some_b, some_bias))

    if _exact.holds((of_a, of_b, bias is None, len(parts)), compare):
        return in_parts(a, b, bias)
    return _ordinary(a, b, bias)


def factor(b: Tensor, num_rows: int) -> tuple[Tensor, bool]:
    """Prepare the right-hand side b (k, m) of many products: packed for oneDNN, or as it is.

    Args:
        b: matrix (k, m); must not change while the result is in use.
        num_rows: number of rows of the left-hand sides.

    Returns:
        The matrix for `add_product` and `row_product`, and whether it is packed.
    """
    if _ONEDNN is None or not _fits(b):
        return b, False
    _, pack = _ONEDNN
    return pack(_dense(b).t(), num_rows), True


if _OPERATORS is not None:

    def row_product(a: Tensor, W: Tensor, packed: bool) -> Tensor:
        """Return the product of a (n, k) with a matrix that `factor` prepared."""
        return torch.ops.mkldnn._linear_pointwise(a, W, None, "none", [], "") if packed else torch.mm(a, W)

else:

    def row_product(a: Tensor, W: Tensor, packed: bool) -> Tensor:
        """Return the product of a (n, k) with a matrix that `factor` prepared."""
        return torch.mm(a, W)


def add_product(plus: Tensor, a: Tensor, W: Tensor, packed: bool, out: Tensor) -> None:
    """Compute into `out` (n, m) the sum of `plus` and of the product of a (n, k) with a matrix that `factor` prepared.

    `plus` has the shape of `out`, or (m,), and may be `out` itself.
    """
    if packed:
        torch.add(row_product(a, W, packed), plus, out=out)
    else:
        torch.addmm(plus, a, W, out=out)


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
