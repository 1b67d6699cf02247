"""Matrix products of either library against float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnlab.engine import products
from rnnlab.engine.parts import Exact, use_threads
from rnnlab.engine.tasks import Tasks

SHAPES = [(3, 5, 4), (32, 256, 1024), (32, 256, 256), (1120, 256, 1027), (1027, 1120, 64), (1, 96, 96)]


def factors(n: int, k: int, m: int) -> list[tuple[Tensor, Tensor]]:
    """Return the kinds of factors that occur: plain, transposed, and slices of wider matrices."""
    return [
        (torch.randn(n, k), torch.randn(k, m)),
        (torch.randn(k, n).t(), torch.randn(m, k).t()),
        (torch.randn(n, 3 * k)[:, k : 2 * k], torch.randn(k, 3 * m)[:, m : 2 * m]),
        (torch.randn(n, k), torch.randn(m, 2 * k)[:, k:].t()),
    ]


@pytest.mark.parametrize("library", ["ordinary", "onednn"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_product_is_a_matrix_product(
    shape: tuple[int, int, int], library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_ONEDNN", products._OPERATORS if library == "onednn" else None)
    for a, b in factors(*shape):
        exact = a.double() @ b.double()
        tolerance = 1e-5 * exact.abs().max().item()
        bias, plus = torch.randn(shape[2]), torch.randn(shape[0], shape[2])
        close = {"atol": tolerance, "rtol": 1e-5, "check_dtype": False}
        torch.testing.assert_close(products.product(a, b), exact, **close)
        torch.testing.assert_close(products.product(a, b, bias), exact + bias, **close)
        prepared = products.factor(b, len(a))
        torch.testing.assert_close(products.row_product(a, *prepared), exact, **close)
        out = torch.empty(shape[0], shape[2] + 3)[:, 3:]
        products.add_product(plus, a, *prepared, out)
        torch.testing.assert_close(out, exact + plus, **close)
        products.add_product(out, a, *prepared, out)
        torch.testing.assert_close(out, 2 * exact + plus, **close)


@pytest.mark.parametrize("library", ["ordinary", "onednn"])
@pytest.mark.parametrize("threads", [1, 3])
def test_products_and_sums_in_tasks(library: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_ONEDNN", products._OPERATORS if library == "onednn" else None)
    monkeypatch.setattr(products, "_exact", Exact())
    use_threads(threads)
    scale = torch.tensor(0.5)
    for a, b in factors(1027, 1120, 64) + factors(64, 1120, 1027) + factors(3, 5, 4):
        tasks, wide = Tasks(), torch.zeros(len(a), b.shape[1] + 2)
        plain, scaled = products.add_products(tasks, a, b), products.add_products(tasks, a, b, scale=scale)
        out = products.add_products(tasks, a, b, out=wide[:, 1:-1])
        total, half = products.add_sum(tasks, b[None]), products.add_sum(tasks, b, scale=scale)
        tasks.run()
        exact = a.double() @ b.double()
        close = {"atol": 1e-5 * exact.abs().max().item(), "rtol": 1e-5, "check_dtype": False}
        torch.testing.assert_close(plain, exact, **close)
        torch.testing.assert_close(scaled, exact / 2, **close)
        torch.testing.assert_close(wide[:, 1:-1], exact, **close)
        assert out.data_ptr() == wide[:, 1:-1].data_ptr()
        assert not wide[:, [0, -1]].any()
        torch.testing.assert_close(total, b.sum(0))
        torch.testing.assert_close(half, b.sum(0) / 2)


def test_a_product_repeats_itself_bit_for_bit() -> None:
    a, b = torch.randn(1120, 256), torch.randn(256, 1027)
    assert torch.equal(products.product(a, b), products.product(a.clone(), b.clone()))
