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

import functools
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from rnnlab.engine.parts import (
    MULTIPLE,
    Exact,
    Work,
    compute,
    in_turn,
    noise,
    number_of_threads,
    parts_of,
    run,
    together,
)

Then = Callable[[Tensor, slice], None]
"""What to do with some rows of a result."""
SMALL = 64 * 64
"""Number of elements below which a matrix is too small for oneDNN to be faster."""
LONG = 4
"""Ratio of the length of its sums to the sides of a product from which MKL adds parts of a sum."""
DIVIDED = 2**25
"""Number of multiplications from which an ordinary product is divided: about half a millisecond of one thread."""
PASS = 16
"""Number of multiplications of a product that take as long as reading an element from memory."""


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


def product(a: Tensor, b: Tensor, bias: Tensor | None = None, then: Then | None = None) -> Tensor:
    """Return a @ b, plus `bias` on every row: (n, k) and (k, m) give (n, m).

    Args:
        a: left factor.
        b: right factor.
        bias: what is added to every row, (m,).
        then: what to do with the result, for some of its rows at a time; threads do it too.
    """
    out, rows, work = _begun(a, b, bias)
    if then is not None and len(rows) > 1:
        finish = [functools.partial(then, out, some) for some in rows]
        run([functools.partial(in_turn, both) for both in zip(work, finish, strict=True)])
        return out
    run(work)
    if then is not None:
        compute(functools.partial(then, out), parts_of(len(out)))
    return out


def products(
    factors: Sequence[tuple[Tensor, Tensor]],
    sums: Sequence[Tensor] = (),
    others: Sequence[tuple[int, Work]] = (),
    scale: Tensor | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the products of pairs (a, b) and the sums of columns, which are computed at the same time.

    Args:
        factors: the pairs.
        sums: tensors (..., m), of which the sums (m,) are returned.
        others: other work to be done beside it, each with the number of elements that it reads.
        scale: what all products and sums are multiplied by, a single number.
    """
    costs: list[tuple[float, Work]] = []
    results, summed = [], [tensor.new_empty(tensor.shape[-1]) for tensor in sums]
    for a, b in factors:
        out, _, work = _begun(a, b, scale=scale)
        results.append(out)
        costs += [(out.numel() * a.shape[1] / len(work), part) for part in work]
    for tensor, total in zip(sums, summed, strict=True):
        flat = tensor.flatten(0, -2)
        costs.append((PASS * flat.numel(), functools.partial(_sum, flat, scale, total)))
    costs += [(PASS * elements, one) for elements, one in others]
    run(together(costs))
    return results, summed


def _sum(tensor: Tensor, scale: Tensor | None, out: Tensor) -> None:
    torch.sum(tensor, 0, out=out)
    if scale is not None:
        out.mul_(scale)


def _begun(
    a: Tensor, b: Tensor, bias: Tensor | None = None, scale: Tensor | None = None
) -> tuple[Tensor, list[slice], list[Work]]:
    """Return a tensor for a product, the rows in each part of it, and the work that computes these parts.

    There are no rows if the product is divided by columns or not at all, and no work if it is computed already.
    """
    if _ONEDNN is not None and _fits(b):
        if bias is None and len(a) > b.shape[1] and not a.is_contiguous():
            # it copies a left factor that is transposed: better the smaller one
            return _begun(b.t(), a.t(), scale=scale)[0].t(), [], []
        linear, _ = _ONEDNN
        out = _in_threads(linear, a, _dense(b).t(), bias, "none", [], "")
        return out if scale is None else out.mul_(scale), [], []
    by_rows, parts = _division(a, b, bias)
    out = a.new_empty(len(a), b.shape[1])
    rows = parts if by_rows and len(parts) > 1 else []
    return out, rows, _work(a, b, bias, out, by_rows, parts, scale)


def _work(
    a: Tensor,
    b: Tensor,
    bias: Tensor | None,
    out: Tensor,
    by_rows: bool,
    parts: list[slice],
    scale: Tensor | None = None,
) -> list[Work]:
    """Return the work that computes parts of an ordinary product into `out`: rows of it or columns."""

    def part(some: slice) -> None:
        left, right, result = (a[some], b, out[some]) if by_rows else (a, b[:, some], out[:, some])
        torch.mm(left, right, out=result)
        if bias is not None:  # faster than `addmm`, which first writes the bias into every row
            result.add_(bias if by_rows else bias[some])
        if scale is not None:
            result.mul_(scale)

    return [functools.partial(part, some) for some in parts]


_exact = Exact()


def _division(a: Tensor, b: Tensor, bias: Tensor | None) -> tuple[bool, list[slice]]:
    """Return whether an ordinary product is divided by rows or else by columns, and the parts."""
    n, (k, m) = len(a), b.shape
    by_rows = n >= m
    size = n if by_rows else m
    whole = [slice(0, size)]
    if a.device.type != "cpu" or n * k * m < DIVIDED:
        return by_rows, whole
    if bias is None and k >= LONG * max(n, m):
        # as a whole, its sums would be divided, so it is always computed in two parts
        half = -(-size // (2 * MULTIPLE)) * MULTIPLE
        return by_rows, [slice(0, half), slice(half, size)]
    parts = parts_of(size, MULTIPLE)
    if len(parts) == 1 or 0 in (*a.stride(), *b.stride()):
        return by_rows, whole

    def compare() -> bool:
        some_a, some_b = noise(a.shape, a.dtype, a.stride()), noise(b.shape, b.dtype, b.stride())
        some_bias = None if bias is None else noise(bias.shape, bias.dtype)
        results = []
        for tried in (whole, parts):
            results.append(some_a.new_empty(n, m))
            run(_work(some_a, some_b, some_bias, results[-1], by_rows, tried))
        return torch.equal(*results)

    case = (a.shape, a.stride(), b.shape, b.stride(), a.dtype, bias is None, len(parts))
    return by_rows, parts if _exact.holds(case, compare) else whole


def factor(b: Tensor, num_rows: int) -> tuple[Tensor, bool]:
    """Prepare the right-hand side b (k, m) of many products: packed for oneDNN, or as it is.

    Args:
        b: matrix (k, m); must not change while the result is in use.
        num_rows: number of rows of the left-hand sides.

    Returns:
        The matrix for `add_product` and `row_product`, and whether it is packed.
    """
    if not _fits(b):
        return b, False
    if _ONEDNN is None:
        return b.contiguous(), False  # MKL takes twice as long with few rows and a transpose
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
        (d_inputs, dW), (db,) = products([(dO, W.t()), (inputs.t(), dO)], [dO])
        return d_inputs, dW, db


def _fits(b: Tensor) -> bool:
    return b.dtype == torch.float32 and b.device.type == "cpu" and b.numel() >= SMALL


def _dense(b: Tensor) -> Tensor:
    # oneDNN reads a slice of a wider matrix element by element
    return b if b.is_contiguous() or b.t().is_contiguous() else b.contiguous()
