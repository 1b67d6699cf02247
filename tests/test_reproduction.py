"""The reproduction: resumable pieces, and a report that says what is so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnlab.recipes import RECIPES
from rnnlab.reproduction import pieces, report, reproduce, results, run_piece


def test_every_recipe_with_the_first_seed_comes_before_any_with_the_second() -> None:
    assert list(pieces(["A2", "a9"], 3)) == [("A2", 0), ("A9", 0), ("A2", 1), ("A2", 2)]


def test_a_piece_is_kept_and_not_done_twice(tmp_path: Path) -> None:
    (done,) = reproduce(tmp_path, ["A11"], 1, embedded=True)
    assert done["recipe"] == "A11"
    assert len(done["texts"]) == 1
    assert "text" not in json.dumps(done["texts"]).replace("texts", "")
    assert list(reproduce(tmp_path, ["A11"], 1, embedded=True)) == []
    assert results(tmp_path) == {"A11": [json.loads(json.dumps(done))]}


def test_a_piece_repeats_itself(tmp_path: Path) -> None:
    first, second = (run_piece("A11-library", 4, embedded=True) for _ in range(2))
    assert first == second


def result(recipe: str, seed: int, perplexity: dict[str, float | None]) -> dict[str, object]:
    texts = [{"epoch": int(epoch), "prefix": 0, "quoted": 0.5, "loop": 2, "blanks": 1.0} for epoch in perplexity]
    common = {"corpus": "book-lyrics", "torch": "t", "python": "p", "processor": "c", "date": "2026-11-21"}
    return {"recipe": recipe, "seed": seed, "perplexity": perplexity, "texts": texts, "seconds": 0.5} | common


def test_the_report_names_what_lies_outside_our_range_and_nothing_else() -> None:
    inside = {"40": 211.0, "80": 68.0, "120": 15.0, "160": 3.8}
    other = {"40": 212.0, "80": 68.4, "120": 15.1, "160": 3.9}
    text = report({"A6": [result("A6", 0, inside), result("A6", 1, other)]}, embedded=False)
    assert "| **A6** | LSTM, scratch, consecutive, SGD 100, θ 0.01 | 2 | 40 | 211.457328 | 211.5 [211 – 212] |" in text
    assert "A6, epoch 80: 68.458662 is 0.1% above our range, 68.2 [68 – 68.4]." in text
    assert "epoch 40:" not in text
    assert "| 160 | 3.897414 | 3.8500 [3.8000 – 3.9000] | 50% | 100% | 2 | 0.50 |" in text


def test_what_was_said_is_held_against_each_seed() -> None:
    text = report(
        {"A9": [result("A9", 0, {"160": 279.6})], "A8-repaired": [result("A8-repaired", 2, {"160": 40.8})]}, True
    )
    assert "| A9 | six layers write only blanks | 0 | 279.6 | 100% | 2 |" in text
    assert "| A8-repaired | with clipping that works, two layers do not learn (said by one run) | 2 | 40.8 |" in text
    assert "seed by seed" not in report({"A6": [result("A6", 0, {"160": 3.8})]}, embedded=False)


def test_an_overflow_is_infinite_in_the_report() -> None:
    text = report({"A6": [result("A6", 0, {"40": None, "80": None, "120": None, "160": None})]}, embedded=True)
    assert "| 40 |  | ∞ |" in text
    with pytest.raises(ValueError, match="nothing to report"):
        report({}, embedded=True)


def test_a_table_that_is_not_finished_says_so() -> None:
    some = {"A6": [result("A6", 0, {"40": 211.0})]}
    assert "- **Not finished**: " in report(some, embedded=False)
    enough = {name: [result(name, seed, {"40": 2.0}) for seed in range(3)] for name in RECIPES}
    assert "Not finished" not in report(enough, embedded=False)
