"""The widget of a setting, drawn from the description of its field: kind, allowed values, help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from rnnlab.config import SETTINGS, TrainConfig, allowed_values
from rnnlab.text import prefixes
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import value_text
from rnnlab.view.language.tips import tip


def draw(name: str, held: Any, key: str, lang: str) -> None:
    """Draw the widget of the setting `name`.

    Args:
        name: a setting of `TrainConfig`, except those with a widget of their own (the corpus).
        held: initial value of the widget, see `shown`.
        key: key of the widget.
        lang: the language.
    """
    _WIDGETS[str(SETTINGS[name].widget)](name, held, key, lang)


def draw_switch(name: str, on: bool, key: str, lang: str) -> None:
    """Draw the switch that sets an optional setting to None."""
    st.toggle(t(f"setup.{SETTINGS[name].switch}", lang), on, key=key, help=tip(name, lang))


def shown(value: Any) -> Any:
    """Return the value of a setting as its widget shows it; several texts are joined in one line.

    `read` gives the same texts back: a comma inside a text does not separate where there is a bar.
    """
    if not isinstance(value, tuple):
        return value
    line = " | ".join(value)
    return line if prefixes.split(line) == tuple(text.strip() for text in value) else f"{line} |"


def read(name: str, widget: Any) -> Any:
    """Return the value of the setting `name` from the value of its widget."""
    if isinstance(TrainConfig.model_fields[name].default, tuple):
        return prefixes.split(str(widget))
    return widget


def _switch(name: str, held: Any, key: str, lang: str) -> None:
    st.toggle(t(f"field.{name}", lang), held, key=key, help=tip(name, lang))


def _buttons(name: str, held: Any, key: str, lang: str) -> None:
    st.segmented_control(
        t(f"field.{name}", lang),
        allowed_values(name).choices,
        default=held,
        key=key,
        format_func=lambda value: value_text(name, value, lang),
        required=True,
        help=tip(name, lang),
        width="stretch",
    )


def _menu(name: str, held: Any, key: str, lang: str) -> None:
    choices = allowed_values(name).choices
    st.selectbox(
        t(f"field.{name}", lang),
        choices,
        choices.index(held),
        key=key,
        format_func=lambda value: value_text(name, value, lang),
        help=tip(name, lang),
    )


def _number(name: str, held: Any, key: str, lang: str) -> None:
    allowed, step = allowed_values(name), int(SETTINGS[name].step or 1)
    help_text = tip(name, lang, allowed=True)
    st.number_input(t(f"field.{name}", lang), int(allowed.low), int(allowed.high), held, step, key=key, help=help_text)


def _slider(name: str, held: Any, key: str, lang: str) -> None:
    allowed, help_text = allowed_values(name), tip(name, lang, allowed=True)
    st.slider(t(f"field.{name}", lang), int(allowed.low), int(allowed.high), held, key=key, help=help_text)


def _decimal(name: str, held: Any, key: str, lang: str) -> None:
    allowed = allowed_values(name)
    st.number_input(
        t(f"field.{name}", lang),
        float(allowed.low),
        float(allowed.high),
        float(held),
        step=SETTINGS[name].step or held / 10 or 0.5,
        format="%.6g",
        key=key,
        help=tip(name, lang, allowed=True),
    )


def _text(name: str, held: Any, key: str, lang: str) -> None:
    example = shown(TrainConfig.model_fields[name].default)
    st.text_input(t(f"field.{name}", lang), held, key=key, help=tip(name, lang), placeholder=example)


_WIDGETS: dict[str, Callable[[str, Any, str, str], None]] = {
    "switch": _switch,
    "buttons": _buttons,
    "menu": _menu,
    "number": _number,
    "slider": _slider,
    "decimal": _decimal,
    "text": _text,
}
