"""The texts of the pages, in Chinese and English."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from rnnlab.config import TrainConfig, allowed_values
from rnnlab.errors import RNNLabError

# characters of links, images, code, formulas, emphasis and colours; an underscore within a word is not markup
_MARKUP = re.compile(r"[\\`*\[\]<>$~|]|(?<!\w)_|_(?!\w)")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

LANGUAGES = ("zh", "en")
"""The languages of the app; each has a folder in ``locale/`` and both are complete."""


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return all texts of `lang` by their keys, from every file of its folder."""
    folder = resources.files("rnnlab.view.language").joinpath("locale", lang)
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    entries: dict[str, str] = {}
    for file in files:
        entries |= json.loads(file.read_text(encoding="utf-8"))
    return entries


def t(key: str, lang: str, **params: Any) -> str:
    """Return the text `key` in `lang`, with ``{placeholders}`` filled from `params`."""
    text = catalogue(lang)[key]
    return text.format(**params) if params else text


def has(key: str, lang: str) -> bool:
    """Return whether there is a text `key`."""
    return key in catalogue(lang)


def language_of(locale: str | None) -> str:
    """Return the language for a browser's locale, e.g. ``"zh-CN"``: Chinese for any Chinese locale, else English."""
    return "zh" if (locale or "").lower().startswith("zh") else "en"


def error_text(error: RNNLabError, lang: str) -> str:
    """Return the message of `error` in `lang` as Markdown, or its English message if the catalogue lacks its code."""
    return code_text(error.code, error.params, error.message, lang)


def code_text(code: str, params: dict[str, Any], message: str, lang: str) -> str:
    """Return the message of an error as Markdown, with its parameters as plain text.

    Args:
        code: code of the error.
        params: parameters of the message.
        message: English message, used if the catalogue lacks the code.
        lang: the language.
    """
    if not has(f"error.{code}", lang):
        return plain(message)
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in params.items()}
    field = str(params.get("field", ""))
    if field in TrainConfig.model_fields:
        shown["field"] = f"{t(f'field.{field}', lang)} ({field})"
        shown["allowed"] = allowed_text(field, lang)
    try:
        return t(f"error.{code}", lang).format(**shown)
    except (KeyError, IndexError):  # a record of an older version, with other parameters
        return plain(message)


def plain(text: str) -> str:
    """Escape `text` for Markdown, so that what a user typed or a URL contains does not become markup."""
    return _MARKUP.sub(lambda match: f"\\{match[0]}", text)


def allowed_text(name: str, lang: str) -> str:
    """Return the allowed values of the setting `name` in words."""
    text = allowed_values(name)
    if lang == "en":
        return text
    if name in ("prefixes", "corpus"):
        return t(f"allowed.{name}", lang)
    text = re.sub(r"^more than (.+?) to ", r"大于 \1，至多 ", text)
    return text.replace(" to ", " 到 ").replace(", or none", "，或 none（关闭）").replace(", ", "、")


def number(value: float | None, digits: int = 4) -> str:
    """Format a number with about `digits` significant digits: 1027, 270.3, 7.81; ∞ for None."""
    if value is None:
        return "∞"
    if value >= 1e7:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}"
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}" if value >= 10_000 else f"{value:.0f}"
    return f"{value:.{digits}g}"


def duration(seconds: float, lang: str) -> str:
    """Format a time span: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.995:
        return t("time.seconds", lang, seconds=f"{seconds:.2g}")
    if seconds < 9.95:
        return t("time.seconds", lang, seconds=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return t("time.seconds", lang, seconds=whole)
    if whole < 3600:
        return t("time.minutes", lang, minutes=whole // 60, seconds=whole % 60)
    return t("time.hours", lang, hours=whole // 3600, minutes=whole % 3600 // 60)
