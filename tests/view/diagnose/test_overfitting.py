"""The settings that are offered against learning by heart, and the figures beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnnlab.recipes import RECIPES
from rnnlab.view.diagnose.overfitting import cures
from rnnlab.view.language.i18n import LANGUAGES, t


# a network that sees the answer has no held-out perplexity, and is offered nothing
@pytest.mark.parametrize("name", [name for name, item in RECIPES.items() if not item.config.sees_the_answer])
def test_they_are_allowed_for_every_experiment_and_shrink_the_weights_alike(name: str) -> None:
    config = RECIPES[name].config
    for setting, value in cures(config).items():
        assert getattr(config.change(**{setting: value}), setting) == value
    assert cures(config)["weight_decay"] * config.learning_rate == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sentence_has_the_figures_of_the_measurement(lang: str, root: Path) -> None:
    rows = [
        line.split("|")[1:-1] for line in (root / "docs" / "cures.md").read_text("utf-8").splitlines() if "|" in line
    ]
    measured = {
        setting.strip(): (lowest.split()[0], end.split()[0])
        for corpus, _, setting, lowest, _, end, _ in rows
        if corpus.strip() == "book-lyrics"
    }
    sentence = re.findall(r"\d+(?:\.\d+)?", t("over.cures.measured", lang).replace("A7", ""))
    offered = cures(RECIPES["C1"].config).items()
    assert list(measured) == ["as it is", *(f"{name.replace('_', ' ')} {value:g}" for name, value in offered)]
    assert set(sentence) >= {measured["as it is"][0], *(end for _, end in measured.values())}
