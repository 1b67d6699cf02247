"""Metadata of the fields of `TrainConfig`: position in the form, dependencies, cost and allowed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Section = Literal["network", "optimizer", "generation", "preprocessing", "machine"]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""The sections of the form in order; the first is always open, the titles of the others are ``setup.<section>``."""
Widget = Literal["switch", "buttons", "menu", "number", "slider", "decimal", "text", "corpus", "origin"]


@dataclass(frozen=True)
class Setting:
    """Metadata of a setting for all code but the engine; its texts are in the message catalogue under its name.

    Attributes:
        section: section of the form on the Train page.
        place: position in the section; settings with the same position keep the order of their declaration.
        widget: widget in the form; None: chosen by the type of the field.
        step: step of a number in the form; None: 1, or a tenth of the value of a decimal number.
        switch: name of the switch that turns off a setting that can be none; its title is ``setup.<switch>``.
        needs: values of other settings that this setting requires; with any other value it has no effect.
        hidden: whether the form hides the setting, at its default, while it has no effect. If False, the form shows
            a note when a changed value has no effect.
        costs: whether the setting can change the time of an epoch.
        free: whether changing the setting leaves the experiment the same.
        accepts: allowed values in English, if the type does not define them; the message is ``allowed.<name>``.
        book: sections of the book's first edition about the setting.
        second: sections of the second edition in Chinese and in English, where the mapping in
            `view.language.sections` does not give them.
        formulas: LaTeX, short enough for a tooltip. T: time steps, B: batch size, h: hidden units, N: characters.
    """

    section: Section
    place: int = 9
    widget: Widget | None = None
    step: float | None = None
    switch: str = ""
    needs: Mapping[str, tuple[object, ...] | range] = field(default_factory=dict)
    hidden: bool = False
    costs: bool = False
    free: bool = False
    accepts: str = ""
    book: tuple[str, ...] = ()
    second: tuple[tuple[str, str], ...] | None = None
    formulas: tuple[str, ...] = ()

    def acts(self, value: Callable[[str], Any]) -> bool:
        """Return whether the setting has an effect; `value` returns the value of another setting by its name."""
        return all(value(name) in values for name, values in self.needs.items())

    def needs_text(self) -> str:
        """Return the required settings in English, e.g. ``"decoding=temperature or top_k"``, or an empty text."""
        return " and ".join(f"{name}={_either(values)}" for name, values in self.needs.items())


@dataclass(frozen=True)
class Allowed:
    """The allowed values of a setting; ``str`` gives them in English: ``"rnn, gru, lstm"``, ``"1 to 8"``.

    Attributes:
        choices: allowed values, as written in the shell and the URL; empty for numbers and texts.
        low: lower bound.
        high: upper bound.
        above_low: whether `low` itself is excluded.
        below_high: whether `high` itself is excluded.
        or_none: whether none is allowed as well.
        sentence: description in English, if the other fields cannot express the allowed values.
    """

    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    above_low: bool = False
    below_high: bool = False
    or_none: bool = False
    sentence: str = ""

    @property
    def interval(self) -> Literal["closed", "above", "below", "open"]:
        """Return the kind of interval: "above" excludes `low`, "below" excludes `high`, "open" excludes both."""
        if self.above_low:
            return "open" if self.below_high else "above"
        return "below" if self.below_high else "closed"

    def __str__(self) -> str:
        if self.sentence:
            return self.sentence
        if self.choices:
            return ", ".join(self.choices)
        low = f"{'more than ' if self.above_low else ''}{as_text(self.low)}"
        high = f"{'less than ' if self.below_high else ''}{as_text(self.high)}"
        return f"{low} to {high}{', or none' if self.or_none else ''}"


def as_text(value: object) -> str:
    """Return the text of a value in the shell and the URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "|".join(value)
    if isinstance(value, float):
        short = f"{value:.12g}"  # 100, where repr says 100.0
        return short if float(short) == value else repr(value)
    return "none" if value is None else str(value)


def _either(values: tuple[object, ...] | range) -> str:
    if isinstance(values, range):
        return f"{values[0]} to {values[-1]}"
    return " or ".join(as_text(value) for value in values)
