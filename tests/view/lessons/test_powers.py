"""The lesson on the powers of W_hh: the products against autograd, the spectral radius against known matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.lessons import sentences, tables
from rnnlab.view.lessons.compute import powers
from rnnlab.view.lessons.compute.powers import BOOK_STEPS, Walk


def test_the_spectral_radius_of_known_matrices() -> None:
    turn = 1.3 * np.array([[math.cos(0.4), -math.sin(0.4)], [math.sin(0.4), math.cos(0.4)]])
    assert powers.radius(turn) == pytest.approx(1.3)  # a pair of complex eigenvalues
    assert powers.radius(np.array([[0.5, 100.0], [0.0, -0.7]])) == pytest.approx(0.7)
    for rho in (0.3, 1.0, 2.5):
        weights = powers.recurrent_weights(rho, seed=3)
        assert powers.radius(weights) == pytest.approx(rho)
        # Gelfand's formula: the k-th root of the norm of the k-th power
        power = np.linalg.matrix_power(weights / rho, 4000)
        assert powers.norm(power) ** (1 / 4000) == pytest.approx(1, rel=0.01)


def test_the_books_weights_begin_with_the_radius_that_is_said() -> None:
    found = [powers.radius(np.random.default_rng(seed).normal(0, 0.01, (256, 256))) for seed in range(3)]
    assert powers.first_radius(256) == pytest.approx(0.16)
    assert found == pytest.approx([0.16] * 3, rel=0.1)


@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_the_products_are_the_jacobians_of_autograd(activation: str) -> None:
    size, steps = 5, 6
    weights = powers.recurrent_weights(1.4, 2, size)
    inputs = np.random.default_rng(7).normal(0, 0.5, (9, size))
    walked = powers.states(weights, inputs, activation)
    products = powers.products(weights, walked if activation == "tanh" else None, steps)
    w, x = torch.tensor(weights), torch.tensor(inputs)
    squash = torch.tanh if activation == "tanh" else (lambda values: values)

    for k in range(steps + 1):

        def onward(h: torch.Tensor, k: int = k) -> torch.Tensor:
            for t in range(len(x) - k, len(x)):
                h = squash(x[t] + h @ w)
            return h

        before = torch.tensor(walked[len(x) - 1 - k])
        assert onward(before).numpy() == pytest.approx(walked[-1])
        # rows: components of h_T, columns: those of h_{T-k}; a gradient by h_T is multiplied from the left
        expected = torch.autograd.functional.jacobian(onward, before)
        assert products[k] == pytest.approx(expected.numpy(), abs=1e-12)
        singular = torch.linalg.svdvals(expected)
        assert powers.norm(products[k]) == pytest.approx(float(singular[0]))


def test_below_one_it_vanishes_and_above_one_tanh_holds_it_back() -> None:
    for seed in range(1, 6):
        small, large = powers.walk(0.5, seed), powers.walk(1.5, seed)
        assert small.plain[BOOK_STEPS] < 1e-3
        assert large.plain[BOOK_STEPS] > 1e3
        assert large.squashed[BOOK_STEPS] < large.plain[BOOK_STEPS] / 100
        for walk in (small, large):
            assert walk.plain[0] == walk.squashed[0] == 1
            assert all(norm > 0.99 * walk.rho**k for k, norm in enumerate(walk.plain))  # no norm is below the radius
            assert max(map(abs, walk.eigenvalues)) == pytest.approx(walk.rho)


@pytest.mark.parametrize(
    ("norm", "fate"),
    [(1e-4, "vanishes"), (1e-3, "vanishes"), (0.05, "shrinks"), (0.1, "holds"), (10.0, "holds"), (11.0, "grows"),
     (1e3, "explodes")],
)  # fmt: skip
def test_a_tenfold_and_a_thousandfold_have_their_words(norm: float, fate: str) -> None:
    assert powers.fate(norm) == fate


SAID = {
    "en": {"explodes": "can be clipped", "vanishes": "cannot bring back", "holds": "narrow range"},
    "zh": {"explodes": "可以裁剪", "vanishes": "救不回", "holds": "一小段"},
}


def made(plain: float, squashed: float) -> Walk:
    return Walk(1.1, (1.1,), (1.0,) * BOOK_STEPS + (plain,), (1.0,) * BOOK_STEPS + (squashed,))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("plain", "squashed", "cure"),
    [(2e3, 0.01, "explodes"), (5.0, 2e3, "explodes"), (1e-5, 1e-7, "vanishes"), (5.0, 0.05, "vanishes"),
     (5.0, 0.5, "holds"), (50.0, 0.5, "holds")],
)  # fmt: skip
def test_clipping_is_said_to_help_only_against_what_explodes(
    plain: float, squashed: float, cure: str, lang: str
) -> None:
    sentence = sentences.powers(made(plain, squashed), lang)
    assert [name for name, part in SAID[lang].items() if part in sentence] == [cure]
    assert sentences.factor(plain) in sentence
    assert sentences.factor(squashed) in sentence


def test_factors_are_short() -> None:
    assert [sentences.factor(value) for value in (0.017, 62.0, 1.3e3, 3.5e-7, 0.0)] == [
        "0.017", "62", "1.3×10³", "3.5×10⁻⁷", "0",
    ]  # fmt: skip


def test_both_of_a_pair_of_eigenvalues_are_marked() -> None:
    import pyarrow as pa

    drawn = pa.ipc.open_stream(tables.eigenvalues(powers.walk(1.2, 1))["values"]).read_all().to_pydict()
    sizes = [math.hypot(x, y) for x, y in zip(drawn["x"], drawn["y"], strict=True)]
    marked = [size for size, mark in zip(sizes, drawn["largest"], strict=True) if mark]
    assert 1 <= len(marked) <= 2
    assert marked == pytest.approx([1.2] * len(marked))
