"""Every word that a page shows, in Chinese and English."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from rnnlab.config import TrainConfig, allowed_values
from rnnlab.errors import RNNLabError
from rnnlab.setting import as_text

# links, pictures, code, formulas, emphasis, colours; an underscore within a word is none
_MARKUP = re.compile(r"[\\`*\[\]<>$~|]|(?<!\w)_|_(?!\w)")
LANGUAGES = ("zh", "en")
"""The languages of the app; each has a folder in ``locale/`` and both are complete."""


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return all texts of `lang` by their keys, from every file of its folder."""
    folder = resources.files("rnnlab.view.language").joinpath("locale", lang)
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda one: one.name)
    entries: dict[str, str] = {}
    for file in files:
        entries |= json.loads(file.read_text(encoding="utf-8"))
    return entries


def t(key: str, lang: str, **params: Any) -> str:
    """Return the text `key` in `lang`, with ``{placeholders}`` filled from `params`."""
    text = catalogue(lang)[key]
    return text.format(**params) if params else text


def has(key: str, lang: str) -> bool:
    """Say whether there is a text `key`."""
    return key in catalogue(lang)


def language_of(locale: str | None) -> str:
    """Choose the language for a browser's locale, e.g. ``"zh-CN"``: Chinese for any Chinese, else English."""
    return "zh" if (locale or "").lower().startswith("zh") else "en"


def error_text(error: RNNLabError, lang: str) -> str:
    """Say `error` in `lang`, as Markdown; a code the catalogue does not know is said in the error's own English."""
    return code_text(error.code, error.params, error.message, lang)


def code_text(code: str, params: dict[str, Any], message: str, lang: str) -> str:
    """Say an error given by its `code` and `params`, as Markdown in which the parameters are plain text.

    `message` is its own English, for a code that is not known.
    """
    if not has(f"error.{code}", lang):
        return plain(message)
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in params.items()}
    field = str(params.get("field", ""))
    if field in TrainConfig.model_fields:
        shown["field"] = f"{t(f'field.{field}', lang)} ({field})"
    if code == "config_value":
        shown["allowed"] = allowed_text(field, lang)
    try:
        return t(f"error.{code}", lang).format(**shown)
    except (KeyError, IndexError):  # an older record, with other parameters
        return plain(message)


def plain(text: str) -> str:
    """Return `text` as Markdown that reads as it is: what a person typed, or a URL brought, must not become markup."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}", text)


def allowed_text(name: str, lang: str) -> str:
    """Say what the setting `name` accepts, in `lang`."""
    allowed = allowed_values(name)
    if allowed.sentence:
        return t(f"allowed.{name}", lang)
    if allowed.choices:
        return t("list.join", lang).join(allowed.choices)
    text = t(f"allowed.{allowed.interval}", lang, low=as_text(allowed.low), high=as_text(allowed.high))
    return t("allowed.or_none", lang, allowed=text) if allowed.or_none else text
