"""A sentence with a gap."""

from __future__ import annotations

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.runs.questions import MAX_TEXT, checked
from rnnlab.view.diagnose import gap


@pytest.mark.parametrize(
    ("text", "parts"), [("我想＿你", ("我想", "你")), ("the su_mer", ("the su", "mer")), ("末尾_", ("末尾", ""))]
)
def test_one_gap_parts_the_sentence(text: str, parts: tuple[str, str]) -> None:
    assert gap.split(text) == parts


@pytest.mark.parametrize(
    ("text", "code"),
    [("没有空", "gap_marks"), ("两_个_空", "gap_marks"), ("_在最前", "gap_first"), ("_", "gap_length"),
     ("长" * 200 + "_", "gap_length")],
)  # fmt: skip
def test_anything_else_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(RNNLabError) as caught:
        gap.split(text)
    assert caught.value.code == code


def test_the_longest_sentence_that_is_taken_can_be_asked() -> None:
    before, after = gap.split("长" * (MAX_TEXT - 1) + "_")
    question = {"kind": "fill_gap", "before": before, "after": after}
    assert checked(question, TrainConfig.make()) == question
    with pytest.raises(RNNLabError):
        gap.split("长" * MAX_TEXT + "_")


def test_a_piece_of_a_text_is_cut_around_its_gap() -> None:
    sentence, answer = gap.cut("abcdefghij", 4, reach=3)
    assert (sentence, answer) == ("bcd＿fgh", "e")
    assert gap.split(sentence) == ("bcd", "fgh")


def test_a_piece_is_found_that_the_network_can_read() -> None:
    text = "abc xyz abcabcabcabcabcabcabcabcab cabc"
    piece = gap.find(text, set("abc "), range(1, len(text)))
    assert piece is not None
    sentence, answer = piece
    assert "x" not in sentence
    assert answer in "abc"
    assert sentence.replace("＿", answer) in text
    assert gap.find(text, set("q"), range(1, len(text))) is None
