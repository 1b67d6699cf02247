"""The names of runs and recordings on pages: plain text, to be escaped where it becomes Markdown."""

from __future__ import annotations

import re

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label, summary
from rnnlab.view.page import session

DEFAULT_RECIPE = "A2"


def recipe_id(record: RunRecord) -> str:
    """Return the id of the recipe that a run is, or is based on; "" where there is none."""
    return next((name for name in (record.name, record.based_on) if name in RECIPES), "")


def recipe_of(record: RunRecord) -> Recipe:
    """Return the recipe that a run is, or is based on; the default one where there is none."""
    return RECIPES[recipe_id(record) or DEFAULT_RECIPE]


def recipe_name(record: RunRecord) -> str:
    """Name the recipe of a run with its title, or what the run is based on."""
    lang = session.language()
    if record.name in RECIPES:
        return recipe_label(RECIPES[record.name], lang)
    if record.based_on in RECIPES:
        return t("setup.based_on", lang, id=record.based_on)
    return record.name or t("runs.own", lang)


def title(record: RunRecord) -> str:
    """Name a run in a list: what somebody called it, else its recipe with its title, or what it is based on."""
    return record.title or recipe_name(record)


def short(record: RunRecord) -> str:
    """Name a run in a few characters: what somebody called it, else the id of its recipe, of what it is based on, or
    its own."""
    based_on = t("setup.based_on", session.language(), id=record.based_on) if record.based_on else ""
    return record.title or record.name or based_on or record.id


def label(record: RunRecord) -> str:
    """Name a run so that no other has the same name, for charts and tables: its short name, and its id."""
    name = short(record)
    return name if name == record.id else f"{name} · {record.id}"


def option(record: RunRecord) -> str:
    """Name a run of this server where one is chosen, with its setup."""
    return f"{label(record)} · {summary(record.config, session.language())}"


def recording(name: str) -> str:
    """Name the recording of the recipe `name`."""
    lang = session.language()
    return t("recorded.badge", lang, title=recipe_label(RECIPES[name], lang))


def choice(identity: Identity) -> str:
    """Name a run or a recording where one is chosen."""
    if identity.recorded:
        return recording(identity.name)
    try:
        return option(session.store().run(identity.name))
    except RunError:  # deleted meanwhile
        return identity.name


def file_stem(record: RunRecord) -> str:
    """Return the name of the files that a run is taken away as, without a suffix."""
    name = record.title or record.name or (f"{record.based_on}-changed" if record.based_on else "run")
    plain = re.sub(r"[^\w.-]+", "-", name)
    return f"rnnlab-{plain}-{record.id}"
