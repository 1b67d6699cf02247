"""The criterion for a stuck network: three numbers and their bounds."""

from __future__ import annotations

import pytest

from rnnlab.stuck import STUCK_KL, STUCK_RATIO, STUCK_SENSITIVITY, is_stuck


def test_all_three_numbers_must_agree() -> None:
    assert is_stuck(275.7, 270.4, 0.01, 0.002)
    assert not is_stuck(None, 270.4, 0.01, 0.002)
    assert not is_stuck(211.0, 270.4, 0.01, 0.002)
    assert not is_stuck(275.7, 270.4, 0.5, 0.002)
    assert not is_stuck(275.7, 270.4, 0.01, 0.03)


@pytest.mark.parametrize("side", [1, -1])
def test_each_bound_has_its_documented_value(side: int) -> None:
    inside, outside = (100 * (1 + side * (STUCK_RATIO + add)) for add in (-1e-6, 1e-6))
    assert is_stuck(inside, 100.0, 0.0, 0.0)
    assert not is_stuck(outside, 100.0, 0.0, 0.0)
    assert is_stuck(100.0, 100.0, STUCK_KL - 1e-6, STUCK_SENSITIVITY - 1e-6)
    assert not is_stuck(100.0, 100.0, STUCK_KL, 0.0)
    assert not is_stuck(100.0, 100.0, 0.0, STUCK_SENSITIVITY)
