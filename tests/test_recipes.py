"""The recipes against the table of the published experiments, which is repeated here."""

from __future__ import annotations

import json

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import RecipeError
from rnnlab.recipes import RECIPES, Recipe, recipe, recipe_of
from rnnlab.setting import as_text
from rnnlab.view.diagnose.overfitting import cures

# id: cell, how, layers, direction, sampling, hidden units, optimiser, learning rate, epochs / period
TABLE = """
A1          | rnn  | scratch | 1 | uni | random      | 256 | sgd  | 100   | 250/50
A2          | rnn  | scratch | 1 | uni | consecutive | 256 | sgd  | 100   | 250/50
A3          | rnn  | library | 1 | uni | consecutive | 256 | adam | 0.001 | 250/50
A4          | gru  | scratch | 1 | uni | consecutive | 256 | sgd  | 100   | 160/40
A5          | gru  | library | 1 | uni | consecutive | 256 | adam | 0.01  | 160/40
A6          | lstm | scratch | 1 | uni | consecutive | 256 | sgd  | 100   | 160/40
A7          | lstm | library | 1 | uni | consecutive | 256 | adam | 0.01  | 160/40
A8          | lstm | library | 2 | uni | consecutive | 256 | adam | 0.01  | 160/40
A9          | lstm | library | 6 | uni | consecutive | 256 | adam | 0.01  | 160/40
A10         | gru  | library | 1 | bi  | consecutive | 128 | adam | 0.01  | 160/40
B1          | rnn  | library | 1 | uni | consecutive | 256 | sgd  | 1     | 500/10
B2          | gru  | library | 1 | uni | consecutive | 256 | sgd  | 1     | 500/10
B3          | lstm | library | 1 | uni | consecutive | 256 | sgd  | 1     | 500/10
B4          | lstm | library | 2 | uni | consecutive | 256 | sgd  | 2     | 500/10
B5          | lstm | library | 2 | bi  | consecutive | 256 | sgd  | 1     | 500/10
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]

PUBLISHED = {
    "A1": [69.880066, 9.008770, 2.703765, 1.532524, 1.312028],
    "A2": [60.020892, 7.083823, 1.993569, 1.277446, 1.157746],
    "A3": [10.658418, 1.308539, 1.070370, 1.034663, 1.021437],
    "A5": [1.022157, 1.014535, 1.147843, 1.018370],
    "A6": [211.457328, 68.458662, 15.034657, 3.897414],
    "A7": [1.019881, 1.013078, 1.010264, 1.008950],
    "A8": [12.840496, 1.247634, 1.021974, 1.016324],
    "A9": [276.815235, 276.278550, 276.146710, 275.739864],
    "A10": [1.001741, 1.000520, 1.000255, 1.000151],
}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_settings_are_those_of_the_table(row: list[str]) -> None:
    config = RECIPES[row[0]].config
    direction = "bi" if config.bidirectional else "uni"
    assert [
        row[0],
        config.cell,
        config.implementation,
        str(config.num_layers),
        direction,
        config.sampling,
        str(config.num_hiddens),
        config.optimizer,
        f"{config.learning_rate:g}",
        f"{config.num_epochs}/{config.pred_period}",
    ] == row
    assert (config.num_steps, config.batch_size, config.num_preds) == (35, 32, 50)
    assert (config.num_chars, config.decoding, config.activation, config.detach) == (10_000, "greedy", "tanh", True)


@pytest.mark.parametrize("item", RECIPES.values(), ids=list(RECIPES))
def test_settings_that_follow_from_the_group(item: Recipe) -> None:
    config = item.config
    if item.group == "B":
        assert (config.preprocessing, config.corpus, item.book_corpus) == (
            "second_edition",
            "verse-en",
            "book-time-machine",
        )
        assert config.prefixes == ("time traveller", "traveller")
        assert (config.offset, config.carry_state, config.clip_norm) == ("random", False, 1.0)
        assert config.initialization == "uniform"
        return
    assert (config.preprocessing, config.corpus, item.book_corpus) == ("first_edition", "lyrics-zh", "book-lyrics")
    assert config.offset == "zero"
    if config.implementation == "scratch":
        assert (config.initialization, config.optimizer, config.carry_state) == ("normal", "sgd", False)
    else:
        initialization = "xavier" if item.id == "A9-xavier" else "uniform"
        assert (config.initialization, config.optimizer, config.carry_state) == (initialization, "adam", True)
        assert config.clip_norm == (0.01 if item.repairs else None)
    if not item.id.startswith("A11"):
        assert config.prefixes == ("分开", "不分开")


def test_published_points_stand_at_the_prediction_periods() -> None:
    assert {item.id for item in RECIPES.values() if item.published} == set(PUBLISHED)
    for name, perplexities in PUBLISHED.items():
        config = RECIPES[name].config
        epochs = range(config.pred_period, config.num_epochs + 1, config.pred_period)
        assert RECIPES[name].published == tuple(zip(epochs, perplexities, strict=True))
    assert RECIPES["A7"].published_other == ((40, 1.020401), (80, 1.011164), (120, 1.025348), (160, 1.017492))
    assert [item.id for item in RECIPES.values() if item.published_other] == ["A7"]


def test_published_seconds() -> None:
    seconds = {item.id: item.published_seconds for item in RECIPES.values() if item.published_seconds is not None}
    assert seconds == {
        "A1": 0.21,
        "A2": 0.21,
        "A3": 0.05,
        "A5": 1.04,
        "A6": 1.50,
        "A7": 1.02,
        "A8": 1.56,
        "A9": 8.5,
        "A10": 0.92,
    }


def test_untrained() -> None:
    assert recipe("A11-scratch") is recipe("A11") is RECIPES["A11"]
    for name, how in (("A11", "scratch"), ("A11-library", "library")):
        config = recipe(name).config
        assert (config.num_epochs, config.num_preds, config.prefixes) == (0, 10, ("分开",))
        assert (config.cell, config.implementation) == ("rnn", how)


def test_a_repaired_run_differs_only_in_clipping() -> None:
    repaired = {item.repairs: item for item in RECIPES.values() if item.repairs}
    assert set(repaired) == {"A3", "A5", "A7", "A8", "A9", "A10"}
    for broken, item in repaired.items():
        assert item.id == f"{broken}-repaired"
        assert item.config.changes_from(RECIPES[broken].config) == {"clip_norm": "0.01"}
        assert item.published == ()  # only the original run was published


def test_a_variant_changes_the_setting_in_its_name() -> None:
    variants = {
        item.id: (item.derived_from, item.config.changes_from(RECIPES[item.derived_from].config))
        for item in RECIPES.values()
        if item.group == "A" and item.derived_from and not item.repairs
    }
    assert variants == {
        "A9-residual": ("A9", {"residual": "true"}),
        "A9-layer-norm": ("A9", {"layer_norm": "true"}),
        "A9-forget-bias": ("A9", {"forget_bias": "1"}),
        "A9-lr-0.001": ("A9", {"learning_rate": "0.001"}),
        "A9-xavier": ("A9", {"initialization": "xavier"}),
        "A10-cloze": ("A10", {"objective": "cloze"}),
        "A10-one-way": ("A10", {"bidirectional": "false"}),
    }
    for name in variants:  # these runs were not published
        assert RECIPES[name].published == ()
        assert RECIPES[name].source == ""


def test_exercises_change_one_thing_of_a2() -> None:
    changes = {
        item.id: item.config.changes_from(RECIPES["A2"].config) for item in RECIPES.values() if item.group == "X"
    }
    assert changes["X1"] == {}
    assert changes["X2"] == {"clip_norm": "none"}
    assert changes["X3"] == {"pred_period": "1"}
    assert changes["X4"] == {"detach": "false"}
    assert changes["X5"] == {"activation": "relu"}
    grid = {name: change for name, change in changes.items() if name.startswith("X1-")}
    assert all(len(change) == 1 for change in grid.values())
    assert {next(iter(change)) for change in grid.values()} == {
        "learning_rate",
        "num_hiddens",
        "num_steps",
        "batch_size",
        "clip_norm",
    }
    for name, change in grid.items():  # the value is in the name
        assert name.rsplit("-", 1)[1] == next(iter(change.values()))


def test_what_works_against_learning_by_heart_changes_one_setting() -> None:
    c1 = RECIPES["C1"].config
    assert c1.changes_from(RECIPES["A7"].config) == {"num_epochs": "40", "pred_period": "10", "held_out_period": "2"}
    changes = {name: item.config.changes_from(c1) for name, item in RECIPES.items() if item.group == "C"}
    assert changes == {
        "C1": {},
        "C2": {"dropout": "0.5"},
        "C3": {"weight_decay": "0.1"},
        "C4": {"early_stopping": "3"},
    }
    # the cures that Diagnose offers for it
    assert [change for change in changes.values() if change] == [
        {name: as_text(value)} for name, value in cures(c1).items()
    ]


def test_ids_aliases_and_references() -> None:
    aliases = [alias for item in RECIPES.values() for alias in item.aliases]
    assert len({*RECIPES, *aliases}) == len(RECIPES) + len(aliases)
    for name, item in RECIPES.items():
        assert item.id == name
        assert item.group == name[0]
        assert recipe(name.lower()) is item
        for other in (item.repairs, item.derived_from):
            assert other is None or other in RECIPES
        varied = item.group in ("A", "C") and item.derived_from and not item.repairs
        assert item.source or name == "A4" or varied
        assert item.section.split(".")[0] in {"A": ("6",), "B": ("8", "9"), "C": ("3",), "X": ("6",)}[item.group]


def test_an_unknown_recipe_lists_those_that_exist() -> None:
    with pytest.raises(RecipeError) as caught:
        recipe("A12")
    assert caught.value.params["recipe"] == "A12"
    for name in RECIPES:
        assert name in str(caught.value)


def test_as_plain_data() -> None:
    data = {item["id"]: item for item in json.loads(json.dumps([item.to_dict() for item in RECIPES.values()]))}
    assert list(data) == list(RECIPES)
    assert data["A6"]["published"][0] == [40, 211.457328]
    for name, item in data.items():
        settings = {key: item[key] for key in TrainConfig.model_fields}
        assert TrainConfig.make(**settings) == RECIPES[name].config


def test_a_run_is_recognised_as_the_recipe_it_repeats() -> None:
    config = RECIPES["A6"].config
    elsewhere = config.change(corpus="book-lyrics", random_seed=7, device="auto")
    assert recipe_of(config) is recipe_of(elsewhere) is RECIPES["A6"]
    assert recipe_of(config.change(num_epochs=3)) is None
    assert recipe_of(RECIPES["X1"].config) is RECIPES["A2"]
