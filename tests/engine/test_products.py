"""Matrix products of either library against float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnlab.engine import products

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


def test_the_affine_map_has_the_right_gradients() -> None:
    inputs, W, b = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in [(4, 3), (3, 5), (5,)])
    assert torch.autograd.gradcheck(products.affine, (inputs, W, b))
    inputs, W, b = (torch.randn(*shape, requires_grad=True) for shape in [(70, 80), (80, 90), (90,)])
    weight = torch.randn(70, 90)
    grads = torch.autograd.grad((products.affine(inputs, W, b) * weight).sum(), (inputs, W, b))
    expected = torch.autograd.grad((torch.addmm(b, inputs, W) * weight).sum(), (inputs, W, b))
    for mine, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-5)


def test_a_product_repeats_itself_bit_for_bit() -> None:
    a, b = torch.randn(1120, 256), torch.randn(256, 1027)
    assert torch.equal(products.product(a, b), products.product(a.clone(), b.clone()))
