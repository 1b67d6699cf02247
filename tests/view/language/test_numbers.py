"""The format of numbers, the same on all pages."""

from __future__ import annotations

import math

import pytest

from rnnlab.view.language.numbers import (
    as_shown,
    duration,
    number,
    percent,
    perplexity_text,
    probability_text,
    ratio_text,
    scientific,
    signed,
    small,
    thousands,
)


def test_numbers_are_written_as_a_person_would() -> None:
    assert [number(value) for value in (1027.0, 270.28, 7.81, 1.0, 1.0221, 12345.6, None, 3.2e9)] == [
        "1027", "270.3", "7.81", "1", "1.022", "12,346", "∞", "3.2×10⁹",
    ]  # fmt: skip
    assert [number(value, 6) for value in (1e-5, 0.0001, 2.5e-7)] == ["1×10⁻⁵", "0.0001", "2.5×10⁻⁷"]


def test_tiny_numbers_are_written_as_in_a_book() -> None:
    assert [scientific(value) for value in (8.2e-8, 0.04, 0.0)] == ["8.2×10⁻⁸", "4.0×10⁻²", "0"]
    assert [small(value) for value in (0.31, 0.012, 1e-6, 0.0)] == ["0.31", "0.012", "< 0.001", "0"]


def test_a_minus_sign_is_no_hyphen() -> None:
    assert [signed(value) for value in (-0.314, 0.5)] == ["−0.31", "0.50"]


def test_ratios_and_rates_keep_the_digits_that_matter() -> None:
    assert [ratio_text(value) for value in (1.52, 12.4, 261.3)] == ["1.5", "12", "261"]
    assert [thousands(value) for value in (840.2, 8_440, 84_400)] == ["840", "8.4k", "84k"]


def test_a_perplexity_is_said_as_infinite_or_missing_and_near_one_with_more_digits() -> None:
    texts = [perplexity_text(value) for value in (None, math.inf, 1.02347, 7.8123)]
    assert texts == ["–", "∞", "1.0235", "7.812"]


def test_a_relative_difference_is_a_percentage_of_two_digits_without_a_sign() -> None:
    assert [percent(value) for value in (0.0137, -0.0137, 0.124, 2.5, 0)] == ["1.4%", "1.4%", "12%", "250%", "0%"]


@pytest.mark.parametrize(
    ("share", "said"),
    [(1, "100%"), (0.9995, ">99.9%"), (0.997, "99.7%"), (0.62, "62%"), (0.041, "4.1%"), (0.0032, "0.32%"),
     (1e-6, "<0.01%"), (0, "0%")],
)  # fmt: skip
def test_probabilities_are_exact_at_both_ends(share: float, said: str) -> None:
    assert probability_text(share) == said


def test_durations() -> None:
    assert [duration(seconds, "en") for seconds in (0.21, 1.5, 41, 100, 7500)] == [
        "0.21 s", "1.5 s", "41 s", "1 min 40 s", "2 h 5 min",
    ]  # fmt: skip


def test_a_ratio_of_shown_figures_is_that_of_the_rounded_ones() -> None:
    values = (1.02649, 261.249, 1027.4, 13028.6, 3.24e9)
    assert [as_shown(value) for value in values] == [1.026, 261.2, 1027, 13029, 3.2e9]
    assert [number(as_shown(value)) for value in values] == [number(value) for value in values]
    assert as_shown(float("inf")) == float("inf")
