"""The names of runs and recordings on pages, as plain text; escape them in Markdown."""

from __future__ import annotations

import re

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import changes_text, recipe_label, summary
from rnnlab.view.page import session

DEFAULT_RECIPE = "A2"


def recipe_id(record: RunRecord) -> str:
    """Return the id of the recipe that a run follows or is based on; "" without any."""
    return next((name for name in (record.name, record.based_on) if name in RECIPES), "")


def recipe_of(record: RunRecord) -> Recipe:
    """Return the recipe that a run follows or is based on; the default recipe without any."""
    return RECIPES[recipe_id(record) or DEFAULT_RECIPE]


def recipe_name(record: RunRecord) -> str:
    """Return the id and title of the recipe of a run, or what the run is based on."""
    lang = session.language()
    if record.name in RECIPES:
        return recipe_label(RECIPES[record.name], lang)
    if record.based_on in RECIPES:
        return t("setup.based_on", lang, id=record.based_on)
    return record.name or t("runs.own", lang)


def title(record: RunRecord) -> str:
    """Return the name of a run in a list: its title, otherwise the name of its recipe."""
    return record.title or recipe_name(record)


def short(record: RunRecord) -> str:
    """Return a short name of a run: its title, the id of the recipe it follows or is based on, or its own id."""
    based_on = t("setup.based_on", session.language(), id=record.based_on) if record.based_on else ""
    return record.title or record.name or based_on or record.id


def label(record: RunRecord) -> str:
    """Return a unique name of a run for charts and tables: its short name and its id."""
    name = short(record)
    return name if name == record.id else f"{name} · {record.id}"


def option(record: RunRecord) -> str:
    """Return the name of a run of this server in a menu, with its setup."""
    return f"{label(record)} · {summary(record.config, session.language())}"


def recording(name: str, brief: bool = False) -> str:
    """Return the name of a recording: that of its recipe, or its changes from the recipe that it is based on.

    Args:
        name: the name of the recording in the files.
        brief: return only the id of the recipe, without its title or the changes.
    """
    lang = session.language()
    if name in RECIPES:
        return t("recorded.badge", lang, title=name if brief else recipe_label(RECIPES[name], lang))
    recorded_run = recorded.recording(name)
    base = RECIPES[recorded_run.based_on]
    if brief:
        return t("recorded.badge", lang, title=t("setup.based_on", lang, id=base.id))
    changes = changes_text(recorded_run.config, base.config, lang)
    return t("recorded.badge", lang, title=t("setup.based_on.changes", lang, id=base.id, changes=changes))


def choice(identity: Identity) -> str:
    """Return the name of a run or a recording in a menu."""
    if identity.recorded:
        return recording(identity.name)
    try:
        return option(session.store().run(identity.name))
    except RunError:  # deleted in the meantime
        return identity.name


def file_stem(record: RunRecord) -> str:
    """Return the name of a run's exported files, without suffix."""
    name = record.title or record.name or (f"{record.based_on}-changed" if record.based_on else "run")
    plain = re.sub(r"[^\w.-]+", "-", name)
    return f"rnnlab-{plain}-{record.id}"
