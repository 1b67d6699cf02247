"""The lesson on predicting k steps ahead: the predictions against an exact recurrence, and one by one."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.lessons import sentences
from rnnlab.view.lessons.compute import k_steps
from rnnlab.view.lessons.compute.k_steps import LENGTH, MOST, NOISE, TAU, TRAINED


def test_the_series_is_a_sine_with_noise() -> None:
    noise = np.concatenate([k_steps.series(seed) - np.sin(0.01 * np.arange(1, LENGTH + 1)) for seed in range(5)])
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(NOISE, rel=0.03)
    assert not np.array_equal(k_steps.series(1), k_steps.series(2))


def test_a_sine_without_noise_is_predicted_exactly() -> None:
    """A sampled sine obeys x[t+1] = 2 cos(w) x[t] - x[t-1], so a linear model follows it any number of steps."""
    values = np.sin(0.1 * np.arange(300))
    model = k_steps.fit(values, 150)
    windows = np.lib.stride_tricks.sliding_window_view(values, TAU)
    for k in (1, 2, 64):
        ends = np.arange(200, 300 - k)
        assert model.ahead(windows[ends - TAU + 1], k) == pytest.approx(values[ends + k], abs=1e-6)


def test_the_model_is_the_least_squares_solution() -> None:
    values = k_steps.series(3)
    model = k_steps.fit(values)
    inputs = np.array([[*values[at : at + TAU], 1.0] for at in range(TRAINED)])
    residuals = values[TAU : TAU + TRAINED] - inputs @ np.array([*model.weights, model.bias])
    assert inputs.T @ residuals == pytest.approx(np.zeros(TAU + 1), abs=1e-9)  # the normal equations


def test_each_prediction_reads_only_what_came_k_steps_before() -> None:
    made = k_steps.forecast(1)
    assert made.predictions.shape == (MOST, LENGTH - made.first)
    model = k_steps.fit(made.values)
    for k in (1, 7, MOST):
        for target in (made.first, LENGTH - 1):
            read = list(made.values[: target - k + 1])  # nothing later
            assert len(read) - TAU >= TRAINED  # after the examples
            for _ in range(k):
                read.append(float(np.dot(model.weights, read[-TAU:])) + model.bias)
            assert made.predictions[k - 1, target - made.first] == pytest.approx(read[-1])


def test_errors_grow_from_the_noise_and_the_swing_fades() -> None:
    for seed in range(1, 6):
        made = k_steps.forecast(seed)
        direct = [(made.predictions[31, i] - made.values[made.first + i]) ** 2 for i in range(LENGTH - made.first)]
        assert made.errors[31] == pytest.approx(np.sqrt(sum(direct) / len(direct)))
        assert NOISE * 0.9 < made.errors[0] < made.errors[31] < made.errors[63] < made.mean_error
        assert made.swing(1) == 1
        assert 1 > made.swing(16) > made.swing(32) > made.swing(64)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_error_of_k_steps_is_compared_with_that_of_one(lang: str) -> None:
    made = k_steps.forecast(1)
    sentence = sentences.k_steps(made, 32, lang)
    for part in ("0.237", "0.34", "1.4", "69%", str(NOISE), {"en": "32 steps ahead", "zh": "向前 32 步"}[lang]):
        assert part in sentence
    one = sentences.k_steps(made, 1, lang)
    assert "0.237" in one
    assert {"en": "keep up", "zh": "跟得上"}[lang] in one
    assert "%" not in one
