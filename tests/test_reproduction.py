"""The reproduction: resumable pieces and a correct report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.reproduction.pieces import pieces, recorded_piece, reproduce, results, run_piece
from benchmarks.reproduction.report import report
from rnnlab.cli.main import main
from rnnlab.recipes import RECIPES


def test_every_recipe_with_the_first_seed_comes_before_any_with_the_second() -> None:
    assert list(pieces(["A2", "a9"], 3)) == [("A2", 0), ("A9", 0), ("A2", 1), ("A2", 2)]


def test_a_piece_is_kept_and_not_done_twice(tmp_path: Path) -> None:
    _, done = reproduce(tmp_path, ["A11"], 2, embedded=True)
    assert (done["recipe"], done["seed"]) == ("A11", 1)
    assert len(done["texts"]) == 1
    assert "text" not in json.dumps(done["texts"]).replace("texts", "")
    assert list(reproduce(tmp_path, ["A11"], 2, embedded=True)) == []
    assert results(tmp_path, embedded=True)["A11"][1] == json.loads(json.dumps(done))


def test_a_piece_is_reproducible() -> None:
    first, second = (run_piece("A11-library", 4, embedded=True) for _ in range(2))
    assert first == second


def test_a_piece_of_a_recipe_that_was_changed_since_is_done_again(tmp_path: Path) -> None:
    list(reproduce(tmp_path, ["A11"], 1, embedded=True))
    file = tmp_path / "A11-seed0.json"
    kept = json.loads(file.read_text())
    kept["setup"]["num_hiddens"] += 1
    file.write_text(json.dumps(kept))
    assert results(tmp_path, embedded=True) == {}
    (again,) = reproduce(tmp_path, ["A11"], 1, embedded=True)
    assert again["setup"]["num_hiddens"] == RECIPES["A11"].config.num_hiddens


def test_a_failed_piece_does_not_affect_the_others(tmp_path: Path) -> None:
    (tmp_path / "A11-seed1.part").mkdir()  # cannot be written
    with pytest.raises(RuntimeError, match="A11 seed 1: IsADirectoryError"):
        list(reproduce(tmp_path, ["A11"], 3, embedded=True))
    assert [result["seed"] for result in results(tmp_path, embedded=True)["A11"]] == [0, 2]


@pytest.mark.parametrize("name", ["A2", "A10", "B1"])
def test_a_recording_is_a_piece_of_the_embedded_corpora(name: str) -> None:
    piece, config = recorded_piece(name), RECIPES[name].config
    assert piece is not None
    assert piece["perplexity"].keys() == {
        str(epoch) for epoch in range(config.pred_period, config.num_epochs + 1, config.pred_period)
    }
    assert len(piece["texts"]) == len(piece["perplexity"]) * len(config.prefixes)
    assert f"**{name}**" in report({name: [piece]}, embedded=True, num_seeds=1, ids=[name])
    assert "Not finished" not in report({name: [piece]}, embedded=True, num_seeds=1, ids=[name])


def test_the_table_of_the_book_matches_the_current_recipes() -> None:
    folder = Path(__file__).parent.parent / "docs" / "reproduction" / "book"
    assert sum(map(len, results(folder).values())) == len(list(folder.glob("*.json"))) > 0
    assert (folder.parent.parent / "reproduction.md").read_text(encoding="utf-8") == report(results(folder), False)


def test_every_recipe_with_a_value_outside_the_range_has_a_reason_or_is_marked_as_unexplained() -> None:
    text = (Path(__file__).parent.parent / "docs" / "reproduction.md").read_text(encoding="utf-8")
    _, outside = text.split("## Where a published value lies outside our range")
    values, reasons = outside.split("Why, as far as it could be found out:")
    named = set(re.findall(r"^- (\w+), epoch", values, re.MULTILINE))
    explained = {recipe for head in re.findall(r"^- ([^:]+):", reasons, re.MULTILINE) for recipe in head.split(", ")}
    assert named <= explained
    assert explained - {"All"} <= named


@pytest.mark.parametrize("to_file", [False, True])
def test_a_part_of_the_table_is_printed_and_does_not_replace_the_file(
    to_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, home = tmp_path / "there", tmp_path / "home"
    there.mkdir()
    monkeypatch.chdir(there)
    arguments = ["reproduce", "A11", "--seeds", "1", "--corpus", "embedded", *(["-o", "part.md"] if to_file else [])]
    done = CliRunner().invoke(main, arguments, env={"RNNLAB_HOME": str(home)})
    assert done.exit_code == 0, done.output
    assert ("| **A11** |" in done.stdout) != to_file
    assert [path.name for path in there.iterdir()] == (["part.md"] if to_file else [])


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


def test_the_claims_are_compared_with_each_seed() -> None:
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


def test_an_incomplete_table_is_marked() -> None:
    some = {"A6": [result("A6", 0, {"40": 211.0})]}
    assert "- **Not finished**: " in report(some, embedded=False)
    enough = {name: [result(name, seed, {"40": 2.0}) for seed in range(3)] for name in RECIPES}
    assert "Not finished" not in report(enough, embedded=False)
