"""Questions to a checkpoint, which are validated before a process is started for them."""

from __future__ import annotations

from typing import Any

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RNNLabError, RunError
from rnnlab.runs.questions import MAX_TEXT, checked
from tests.runs.lab import TINY

DEEP = TINY.change(num_layers=3)
GENERATE = {
    "kind": "generate", "prefix": "the", "num_preds": 4, "decoding": "greedy", "temperature": 1, "top_k": 5, "seed": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("question", "valid"),
    [
        (GENERATE, {**GENERATE, "temperature": 1.0}),
        ({"kind": "diagnose", "surplus": 1}, {"kind": "diagnose"}),
        ({"kind": "inspect", "text": "ab", "layer": 3}, {"kind": "inspect", "text": "ab", "layer": 3}),
        ({"kind": "dependence", "text": "ab", "position": 1}, {"kind": "dependence", "text": "ab", "position": 1}),
        ({"kind": "fill_gap", "before": "a", "after": ""}, {"kind": "fill_gap", "before": "a", "after": ""}),
        ({"kind": "gaps", "num": 400}, {"kind": "gaps", "num": 400}),
    ],
)
def test_a_question_has_a_canonical_form(question: dict[str, Any], valid: dict[str, Any]) -> None:
    assert checked(question, DEEP) == valid


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"kind": "sing"}, "question_unknown"),
        ({}, "question_unknown"),
        ({**GENERATE, "num_preds": 10**9}, "config_value"),
        ({**GENERATE, "prefix": ""}, "config_value"),
        ({"kind": "inspect", "text": "", "layer": 1}, "question_text"),
        ({"kind": "inspect", "text": "a" * (MAX_TEXT + 1), "layer": 1}, "question_text"),
        ({"kind": "inspect", "text": ["a"], "layer": 1}, "question_text"),
        ({"kind": "inspect", "text": "a", "layer": 0}, "question_number"),
        ({"kind": "inspect", "text": "a", "layer": 4}, "question_number"),
        ({"kind": "inspect", "text": "a", "layer": 1.5}, "question_number"),
        ({"kind": "inspect", "text": "a", "layer": True}, "question_number"),
        ({"kind": "dependence", "text": "ab", "position": 2}, "question_number"),
        ({"kind": "dependence", "text": "ab", "position": -1}, "question_number"),
        ({"kind": "fill_gap", "before": "a" * MAX_TEXT, "after": "b"}, "question_text"),
        ({"kind": "fill_gap", "before": "", "after": ""}, "question_text"),
        ({"kind": "fill_gap", "before": "", "after": "b"}, "question_text"),
        ({"kind": "gaps", "num": 0}, "question_number"),
        ({"kind": "gaps", "num": 10**30}, "question_number"),
    ],
)
def test_invalid_questions_are_refused(question: dict[str, Any], code: str) -> None:
    with pytest.raises(RNNLabError) as caught:
        checked(question, DEEP)
    assert caught.value.code == code
    assert isinstance(caught.value, ConfigError if code == "config_value" else RunError)


def test_a_network_that_reads_both_sides_can_begin_with_a_gap() -> None:
    both = TrainConfig.make(bidirectional=True, objective="cloze")
    assert checked({"kind": "fill_gap", "before": "", "after": "b"}, both)["after"] == "b"
