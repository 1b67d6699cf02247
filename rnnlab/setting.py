"""What a field of `TrainConfig` says about itself: where the form has it, when it acts, what it costs and accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Section = Literal["network", "optimizer", "generation", "preprocessing", "machine"]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""The sections of the form, in order; the first stands open, the titles of the others are ``setup.<section>``."""
Widget = Literal["switch", "buttons", "menu", "number", "slider", "decimal", "text", "corpus"]


@dataclass(frozen=True)
class Setting:
    """What everything but the engine needs to know about a setting; its words are in the catalogue, by its name.

    Attributes:
        section: of the form on Train.
        place: its position in the section; settings of one place stand in the order of their declaration.
        widget: in the form; None: the one that its type suggests.
        step: of a number in the form; None: 1, or a tenth of a decimal number's value.
        switch: of a setting that can be none: the name of the switch that turns it off, titled ``setup.<switch>``.
        needs: the values of other settings with which it acts; with any other value it has no effect.
        hidden: whether the form leaves it out, at its default, while it has no effect; else a note says so where it is
            not at its default.
        costs: whether an epoch can take longer with another value.
        free: whether an experiment stays the same experiment with another value.
        accepts: what it accepts, in English, where its type does not tell; else under ``allowed.<name>``.
        book: the sections of the book's first edition that treat it.
        second: those of the second edition in Chinese and in English, where they are not the same sections
            (`view.language.sections` knows how the editions count).
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
        """Say whether the setting has an effect, where `value` returns the value of each other setting."""
        return all(value(name) in values for name, values in self.needs.items())

    def needs_text(self) -> str:
        """Say in English what it needs, e.g. ``"decoding=temperature or top_k"``; empty where it always acts."""
        return " and ".join(f"{name}={_either(values)}" for name, values in self.needs.items())


@dataclass(frozen=True)
class Allowed:
    """The values that a setting accepts; as text, in English: ``"rnn, gru, lstm"``, ``"1 to 8"``.

    Attributes:
        choices: the values, as the shell and the URL write them; empty for numbers and texts.
        low: the least number.
        high: the greatest number.
        above_low: whether `low` itself is not allowed.
        below_high: whether `high` itself is not allowed.
        or_none: whether it can be none, too.
        sentence: what is allowed, in English, where none of these says it.
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
        """Which ends belong to the interval of numbers: both, the greatest only, the least only, or neither."""
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
    """Write a value as people write it, for the shell and the URL."""
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
