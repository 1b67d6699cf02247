"""The help beside a setting: a sentence, a formula, and the section of the book; the section of an experiment."""

from __future__ import annotations

from rnnlab.config import SETTINGS
from rnnlab.recipes import Recipe
from rnnlab.view.language.i18n import allowed_text, t
from rnnlab.view.language.sections import SECOND


def tip(name: str, lang: str, *, allowed: bool = False) -> str:
    """Return the help of the setting `name` as Markdown: a sentence, its formula, the section of the book.

    Args:
        name: the setting.
        lang: the language.
        allowed: whether to add the allowed values.
    """
    sentence, setting = t(f"help.{name}", lang), SETTINGS[name]
    if allowed:
        sentence = f"{sentence} ({allowed_text(name, lang)})"
    formulas = " \u2003 ".join(f"${formula}$" for formula in setting.formulas)
    return "\n\n".join(part for part in (sentence, formulas, place(setting.book, lang, setting.second)) if part)


def recipe_place(recipe: Recipe, lang: str) -> str:
    """Return the section of an experiment, always with the edition: the editions are numbered differently."""
    if recipe.edition == "first":
        return place((recipe.section,), lang)
    # recipes name a section of the second edition as in Chinese
    here = next((pair for pair in SECOND.values() if pair[0] == recipe.section), (recipe.section, recipe.section))
    return place((), lang, (here,))


def place(book: tuple[str, ...], lang: str, second: tuple[tuple[str, str], ...] | None = None) -> str:
    """Return the text of sections of the book, e.g. ``"Section 6.4 of the book's first edition (9.5 in the second)"``.

    Returns an empty text without sections.

    Args:
        book: sections of the first edition.
        lang: the language.
        second: sections of the second edition in Chinese and in English, if they are not those of `SECOND`.
    """
    join, at = t("list.join", lang), 0 if lang == "zh" else 1
    pairs = [SECOND[section] for section in book] if second is None else second
    in_first, in_second = join.join(book), join.join(pair[at] for pair in pairs)
    if in_first and in_second:
        return t("tip.sections" if len(book) > 1 else "tip.section", lang, first=in_first, second=in_second)
    if in_first:
        return t("tip.first", lang, first=in_first)
    return t("tip.second", lang, second=in_second) if in_second else ""
