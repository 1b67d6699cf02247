"""Matrix products, by the faster library of the processor.

PyTorch computes float32 products with MKL, which leaves half of the arithmetic units of non-Intel processors idle;
oneDNN, which is part of PyTorch too, does not (measured by ``benchmarks/engine_speed.py``: 260 against 112 GFLOP/s on
such a core). On processors of Intel, MKL is the faster one for the small products between two time steps (165 against
95 GFLOP/s for 32 rows and 256 units). oneDNN is called through operators that PyTorch provides for its compiler. If
these are missing or do not apply (float64, another device, small matrices), the ordinary products are used. The choice
depends only on shape, type and machine, so that the same run gives the same numbers.

Large products are divided among threads by rows or columns, where that changes no bit of the result: neither library
promises it, so each shape is tried with random numbers before it is first used in parts.
"""

from __future__ import annotations

import functools
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rnnlab.engine.parts import MULTIPLE, Exact, Work, in_turn, noise, number_of_threads, parts_of
from rnnlab.engine.tasks import Task, Tasks

Factor = tuple[Tensor, Tensor | None]
"""A right factor of products, and a bias that is added to every row of them."""
SMALL = 64 * 64
"""Number of elements below which a matrix is too small for oneDNN to be faster."""
LONG = 4
"""Ratio k / max(n, m) of a product (n, k) @ (k, m) from which MKL splits its sums."""
DIVIDED = 2**25
"""Number of multiplications from which products are divided: about half a millisecond of one thread."""
LEAST_ROWS = 96
"""Fewest rows of a part of a product; with fewer, a row takes clearly longer than in the whole."""


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


def product(a: Tensor, b: Tensor, bias: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """Return a @ b, plus `bias` on every row, computed in this thread: (n, k) and (k, m) give (n, m).

    Args:
        a: left factor.
        b: right factor.
        bias: what is added to every row, (m,).
        out: memory (n, m) for the result, which may be used or not.
    """
    if _ONEDNN is not None and _fits(b):
        if bias is None and len(a) > b.shape[1] and not a.is_contiguous():
            # it copies a left factor that is transposed: better the smaller one
            return product(b.t(), a.t()).t()
        linear, _ = _ONEDNN
        return linear(a, _dense(b).t(), bias, "none", [], "")
    result = torch.mm(a, b) if out is None else torch.mm(a, b, out=out)
    return result if bias is None else result.add_(bias)  # faster than `addmm`, which first writes the bias


def joined(parts: dict[int, Tensor]) -> Tensor:
    """Return all rows of products that were computed in parts, by the number of the part."""
    return parts[0] if len(parts) == 1 else torch.cat([parts[number] for number in range(len(parts))])


def rows_of(num_rows: int, factors: Sequence[Factor], unit: int = 1) -> list[slice]:
    """Return the rows in each part of products, divided if it is worth it and changes no bit.

    Args:
        num_rows: number of rows of each left factor.
        factors: the right factor and the bias of each product.
        unit: parts begin at multiples of this number of rows.
    """
    threads, whole = number_of_threads(), [slice(0, num_rows)]
    if threads == 1 or not factors or any(b.device.type != "cpu" for b, _ in factors):
        return whole
    if num_rows * sum(b.numel() for b, _ in factors) < DIVIDED:
        return whole
    for number in range(min(2 * threads, num_rows // max(unit, LEAST_ROWS)), 1, -1):
        rows = parts_of(num_rows, unit, number)
        if all(_rows_are_exact(b, bias, rows) for b, bias in factors):
            return rows
    return whole


def _rows_are_exact(b: Tensor, bias: Tensor | None, rows: list[slice]) -> bool:
    num_rows = rows[-1].stop

    def compare() -> bool:
        a, some_b = noise((num_rows, len(b)), b.dtype), noise(b.shape, b.dtype, b.stride())
        some_bias = None if bias is None else noise(bias.shape, bias.dtype)
        parts = [product(a[some], some_b, some_bias) for some in rows]
        return torch.equal(product(a, some_b, some_bias), torch.cat(parts))

    return _exact.holds(("rows", num_rows, b.shape, b.stride(), b.dtype, bias is None, rows[0].stop), compare)


def add_products(
    tasks: Tasks,
    a: Tensor,
    b: Tensor,
    after: Sequence[Task] = (),
    scale: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Add a product a @ b to `tasks`, in parts and not urgent; return the tensor (n, m) that will contain it.

    Args:
        tasks: the tasks.
        a: left factor, (n, k).
        b: right factor, (k, m).
        after: the tasks that must have ended before the work can begin.
        scale: what the product is multiplied by, a single number.
        out: the tensor (n, m), if there is one already.
    """
    out = a.new_empty(len(a), b.shape[1]) if out is None else out
    for work in _work(a, b, out, *_division(a, b), scale):
        tasks.add(work, after, urgent=False)
    return out


def add_sum(tasks: Tasks, tensor: Tensor, after: Sequence[Task] = (), scale: Tensor | None = None) -> Tensor:
    """Add the sums of the columns of a tensor (..., m) to `tasks`; return the tensor (m,) that will contain them.

    Args:
        tasks: the tasks.
        tensor: what is summed.
        after: the tasks that must have ended before the work can begin.
        scale: what the sums are multiplied by, a single number.
    """
    out = tensor.new_empty(tensor.shape[-1])

    def work() -> None:
        torch.sum(tensor.flatten(0, -2), 0, out=out)
        if scale is not None:
            out.mul_(scale)

    tasks.add(work, after, urgent=False)
    return out


def _work(
    a: Tensor, b: Tensor, out: Tensor, by_rows: bool, parts: list[slice], scale: Tensor | None = None
) -> list[Work]:
    """Return the work that computes parts of a product into `out`: rows of it or columns."""

    def part(some: slice) -> None:
        left, right, result = (a[some], b, out[some]) if by_rows else (a, b[:, some], out[:, some])
        computed = product(left, right, out=result)
        if computed is not result:
            result.copy_(computed)
        if scale is not None:
            result.mul_(scale)

    return [functools.partial(part, some) for some in parts]


_exact = Exact()


def _division(a: Tensor, b: Tensor) -> tuple[bool, list[slice]]:
    """Return whether a product is divided by rows or else by columns, and the parts."""
    n, (k, m) = len(a), b.shape
    # oneDNN computes the transpose of a product whose left factor is transposed, see `product`
    by_rows = n >= m and (_ONEDNN is None or a.is_contiguous())
    size = n if by_rows else m
    whole = [slice(0, size)]
    if a.device.type != "cpu" or n * k * m < DIVIDED:
        return by_rows, whole
    if k >= LONG * max(n, m) and not (_ONEDNN is not None and _fits(b)):
        # as a whole, its sums would be divided by MKL, so it is always computed in two parts
        half = -(-size // (2 * MULTIPLE)) * MULTIPLE
        return by_rows, [slice(0, half), slice(half, size)]
    threads = number_of_threads()
    parts = parts_of(size, MULTIPLE, 1 if threads == 1 else 2 * threads)
    if len(parts) == 1 or 0 in (*a.stride(), *b.stride()):
        return by_rows, whole

    def compare() -> bool:
        some_a, some_b = noise(a.shape, a.dtype, a.stride()), noise(b.shape, b.dtype, b.stride())
        results = []
        for tried in (whole, parts):
            results.append(some_a.new_empty(n, m))
            in_turn(_work(some_a, some_b, results[-1], by_rows, tried))
        return torch.equal(*results)

    case = (a.shape, a.stride(), b.shape, b.stride(), a.dtype, len(parts))
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


def _fits(b: Tensor) -> bool:
    return b.dtype == torch.float32 and b.device.type == "cpu" and b.numel() >= SMALL


def _dense(b: Tensor) -> Tensor:
    # oneDNN reads a slice of a wider matrix element by element
    return b if b.is_contiguous() or b.t().is_contiguous() else b.contiguous()
