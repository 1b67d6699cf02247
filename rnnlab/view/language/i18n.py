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
from rnnlab.text import corpora
from rnnlab.text.invisible import visible

# What Streamlit finds in a text after its Markdown has been parsed, where a backslash no longer helps: short codes of
# emoji and icons, addresses, arrows. It is found within one piece of text only, so one of its characters becomes a
# piece of its own: a span without a colour, drawn like the text around it. So does a line end, which would trim spaces.
_FOUND_LATER = (
    r":(?=[A-Za-z0-9_+\-/])"  # :smile: :material_home: https://
    r"|(?<=[Ww]{3})\.|@"  # www.a.example, a@b.example
    r"|[-<>~](?=[-=>])"  # -> <-> -- >= ~=
    r"|[\t\n\f\r]"
)
# markup by itself: escapes, code, emphasis, links, HTML, formulas, tables, entities, directives; an underscore within a
# word is none. Then what is markup at the start of a line: lists, what underlines a heading
_MARKUP = (
    r"[\\`*#\[\]{}<>$~|]|(?<![^\W_])_|_(?![^\W_])|&(?=[#A-Za-z])|:(?! )"
    r"|^[+=-]|(?<=[0-9])[.)](?!\S)"
)
_AT_THE_ENDS = r"^[^\S\x0b\x1c-\x1f\x85]+|[^\S\x0b\x1c-\x1f\x85]+\Z|\ufeff"  # a byte order mark is dropped
_SPECIAL = re.compile(rf"(?P<space>{_AT_THE_ENDS})|(?P<later>{_FOUND_LATER})|(?P<markup>{_MARKUP})")
_ESCAPED = re.compile(r":color\[(?P<piece>\\[:.@<>~-]|&#\d+;)\]|\\(?P<markup>[!-/:-@\[-`{-~])|&#(?P<code>\d+);")
_CHARACTERS = {"prefix_character": ("character", "allowed"), "corpus_one_character": ("character",)}
"""By the code of an error, its parameters that are characters of a text, some of which may be invisible."""
_ADDRESSES = {" ".join(corpora.info(name).urls) for name in corpora.DOWNLOADS}
_EQUATION = re.compile(r"(?<=[θη]) = ")  # of a symbol with its value
LANGUAGES = ("zh", "en")
"""The languages of the app; each has a folder in ``locale/`` and both are complete."""


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return all texts of `lang` by their keys, from every file of its folder; no line ends within an equation."""
    folder = resources.files("rnnlab.view.language").joinpath("locale", lang)
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    entries: dict[str, str] = {}
    for file in files:
        entries |= json.loads(file.read_text(encoding="utf-8"))
    return {key: _EQUATION.sub("\u00a0=\u00a0", text) for key, text in entries.items()}


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
    shown = {name: _shown(visible(value) if name in characters else value, lang) for name, value in params.items()}
    field = str(params.get("field", ""))
    if field in TrainConfig.model_fields:
        shown["field"] = f"{t(f'field.{field}', lang)} ({field})"
    if code == "config_value" and field in TrainConfig.model_fields:
        shown["allowed"] = allowed_text(field, lang)
    try:
        return t(f"error.{code}", lang).format(**shown)
    except (KeyError, IndexError):  # a record of an older version, with other parameters
        return plain(message)


def _shown(value: Any, lang: str) -> Any:
    if isinstance(value, bool):
        return t("value.yes" if value else "value.no", lang)
    return _word(value) if isinstance(value, str) else value


def _word(value: str) -> str:
    # only the addresses that the project itself names are links
    return value if value in _ADDRESSES else plain(value)


def together(lang: str, *sentences: str) -> str:
    """Return sentences one after another, without the empty ones; Chinese has no space between them."""
    return ("" if lang == "zh" else " ").join(filter(None, sentences))


def plain(text: str) -> str:
    """Return `text` escaped, so that Markdown shows it unchanged.

    What people have typed, uploaded, imported or put in an address is drawn by this function alone; it becomes neither
    markup nor a link, an icon, an emoji, a formula or another paragraph.
    """
    return _SPECIAL.sub(_as_text, text)


def _as_text(found: re.Match[str]) -> str:
    if found["space"]:
        return "".join(map(_as_number, found["space"]))
    if found["markup"]:
        return f"\\{found['markup']}"
    character = found["later"]
    return _as_number(character) if character.isspace() else f":color[\\{character}]"


def _as_number(character: str) -> str:
    code = f"&#{ord(character)};"
    return f":color[{code}]" if character in "\n\r" else code  # otherwise the spaces before it would be trimmed


def unescaped(markdown: str) -> str:
    """Return a message without the escapes of `plain`, for elements that show plain text."""
    return _ESCAPED.sub(_as_given, markdown)


def _as_given(found: re.Match[str]) -> str:
    if found["piece"]:
        return unescaped(found["piece"])
    return found["markup"] or chr(int(found["code"]))


def allowed_text(name: str, lang: str) -> str:
    """Return the allowed values of the setting `name` in words."""
    allowed = allowed_values(name)
    if allowed.sentence:
        return t(f"allowed.{name}", lang)
    if allowed.choices:
        return t("list.join", lang).join(allowed.choices)
    text = t(f"allowed.{allowed.interval}", lang, low=as_text(allowed.low), high=as_text(allowed.high))
    return t("allowed.or_none", lang, allowed=text) if allowed.or_none else text
