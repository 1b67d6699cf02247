"""The names of runs on pages."""

from __future__ import annotations

from rnnlab.recipes import RECIPES, Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import (
    recipe_title,
)
from rnnlab.view.page import session

DEFAULT_RECIPE = "A2"


def recipe_of(record: RunRecord) -> Recipe:
    """Return the recipe that a run is, or is based on; the default one where it names none."""
    return RECIPES.get(record.name or record.based_on, RECIPES[DEFAULT_RECIPE])


def title(record: RunRecord) -> str:
    """Name a run, as Markdown: what somebody called it, else its recipe, or what it is based on."""
    return plain(record.title) or recipe_name(record)


def recipe_name(record: RunRecord) -> str:
    lang = session.language()
    if record.name in RECIPES:
        return f"{record.name} · {recipe_title(RECIPES[record.name], lang)}"
    if record.based_on in RECIPES:
        return t("setup.based_on", lang, id=record.based_on)
    return plain(record.name) or t("runs.own", lang)
