"""The texts of the pages, in Chinese and English."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from rnnlab.config import TrainConfig, allowed_values
from rnnlab.errors import RNNLabError
from rnnlab.setting import as_text
from rnnlab.text.invisible import visible

# characters of links, images, code, formulas, emphasis and colours; an underscore within a word is not markup
_ESCAPED = re.compile(r"\\([^\w\s])")
_MARKUP = re.compile(r"[\\`*\[\]<>$~|]|(?<!\w)_|_(?!\w)")
_CHARACTERS = {"prefix_character": ("character", "allowed"), "corpus_one_character": ("character",)}
"""By the code of an error, its parameters that are characters of a text, some of which may be invisible."""
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


def language_named(text: str) -> str:
    """Return the language that a person has typed: in capitals, or as a locale such as ``"zh-CN"`` or ``"en_GB"``.

    Any other text is returned unchanged.
    """
    name = text.strip().lower().replace("_", "-").partition("-")[0]
    return name if name in LANGUAGES else text


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
    characters = _CHARACTERS.get(code, ())
    shown = {
        name: plain(visible(value) if name in characters else value) if isinstance(value, str) else value
        for name, value in params.items()
    }
    field = str(params.get("field", ""))
    if field in TrainConfig.model_fields:
        shown["field"] = f"{t(f'field.{field}', lang)} ({field})"
    if code == "config_value":
        shown["allowed"] = allowed_text(field, lang)
    try:
        return t(f"error.{code}", lang).format(**shown)
    except (KeyError, IndexError):  # a record of an older version, with other parameters
        return plain(message)


def plain(text: str) -> str:
    """Escape `text` for Markdown, so that what a user typed or a URL contains does not become markup."""
    return _MARKUP.sub(lambda match: f"\\{match[0]}", text)


def unescaped(markdown: str) -> str:
    """Return a message without the backslashes of `plain`, for a place that shows plain text."""
    return _ESCAPED.sub(r"\1", markdown)


def allowed_text(name: str, lang: str) -> str:
    """Return the allowed values of the setting `name` in words."""
    allowed = allowed_values(name)
    if allowed.sentence:
        return t(f"allowed.{name}", lang)
    if allowed.choices:
        return t("list.join", lang).join(allowed.choices)
    text = t(f"allowed.{allowed.interval}", lang, low=as_text(allowed.low), high=as_text(allowed.high))
    return t("allowed.or_none", lang, allowed=text) if allowed.or_none else text
