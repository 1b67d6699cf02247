"""The names of runs and recordings: in lists, charts, menus and file names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.identity import Identity
from rnnlab.view.page import names


def record(name: str = "", based_on: str = "", title: str = "") -> RunRecord:
    """A run of which only the names matter."""
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(RunRecord))
    values |= {"id": "4f2a", "config": RECIPES["A6"].config, "name": name, "based_on": based_on, "title": title}
    return RunRecord(**values)


@pytest.mark.parametrize(
    ("run", "title", "short", "label", "stem", "recipe"),
    [
        (record("A6"), "A6 · LSTM", "A6", "A6 · 4f2a", "rnnlab-A6-4f2a", "A6"),
        (
            record(based_on="A6"), "based on A6", "based on A6", "based on A6 · 4f2a", "rnnlab-A6-changed-4f2a", "A6",
        ),
        (record("A6", title="*my* run"), "*my* run", "*my* run", "*my* run · 4f2a", "rnnlab--my-run-4f2a", "A6"),
        (record("elsewhere"), "elsewhere", "elsewhere", "elsewhere · 4f2a", "rnnlab-elsewhere-4f2a", ""),
        (record(), "custom", "4f2a", "4f2a", "rnnlab-run-4f2a", ""),
    ],
)  # fmt: skip
def test_each_place_has_one_form(run: RunRecord, title: str, short: str, label: str, stem: str, recipe: str) -> None:
    assert names.title(run).startswith(title)
    assert names.short(run) == short
    assert names.label(run) == label
    assert names.file_stem(run) == stem
    assert names.recipe_id(run) == recipe
    assert names.recipe_of(run).id == (recipe or names.DEFAULT_RECIPE)
    # in a menu, the setup distinguishes runs with the same name
    assert names.option(run).startswith(f"{label} · LSTM · from scratch")


def test_a_recording_is_named_as_one() -> None:
    assert names.choice(Identity.of_recording("A6")) == names.recording("A6")
    assert names.recording("A6").startswith("recorded · A6 · ")
