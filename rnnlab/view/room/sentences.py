"""The sentences that compare the guesses of a class with the run that answers."""

from __future__ import annotations

import difflib
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rnnlab.runs.rooms import Guess, Question
from rnnlab.stuck import STUCK_RATIO
from rnnlab.text.invisible import visible
from rnnlab.text.prefixes import tail
from rnnlab.view.data.crossing import first_below
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.language.i18n import t, together

NEAREST = 3
"""Number of members who are named as nearest."""


class Result(NamedTuple):
    """The result of a run as a sentence; `known` means that it is final."""

    text: str
    known: bool


def result(
    question: Question,
    guesses: Sequence[Guess],
    names: Mapping[str, str],
    history: History,
    ladder: Ladder,
    ended: bool,
    lang: str,
    cut_short: bool = False,
) -> Result:
    """Return the current result of the answering run.

    Args:
        question: the question.
        guesses: the guesses at it.
        names: the names of the members by visitor.
        history: the run that answers.
        ladder: the reference perplexities of its text.
        ended: whether the run has ended.
        lang: the language.
        cut_short: whether the run has ended before its time, e.g. because somebody stopped it.
    """
    if not history.epoch and not ended:
        return Result(t("room.result.begins", lang), False)
    # a stopped run shows what happened until then, but neither what would not have happened nor how it would have ended
    ended = ended and not cut_short
    match question.kind:
        case "crossing":
            found = _crossing(guesses, names, history, ladder, ended, lang)
        case "learns":
            found = _learns(guesses, history, ladder, ended, lang)
        case "writes":
            found = _writes(guesses, names, history, ended, lang)
    if cut_short and not found.known:
        return Result(t("room.result.cut_short", lang, epoch=history.epoch), True)
    return found


def value_text(value: str, lang: str) -> str:
    """Return the text of a guess in a language."""
    return t(f"room.guess.{value}", lang) if value in ("yes", "no", "never") else value


def _crossing(
    guesses: Sequence[Guess], names: Mapping[str, str], history: History, ladder: Ladder, ended: bool, lang: str
) -> Result:
    found = first_below(history, ladder[2]) if 2 in ladder else None
    numbers = {guess.visitor: int(guess.value) for guess in guesses if guess.value.isdigit()}
    middle = t("room.result.middle", lang, epoch=round(statistics.median(numbers.values()))) if numbers else ""
    if found is None and not ended:
        return Result(together(lang, t("room.result.not_yet", lang, epoch=history.epoch), middle), False)
    if found is None:
        right = [names.get(guess.visitor, "") for guess in guesses if guess.value == "never"]
        said = t("room.result.never", lang, epochs=history.epoch)
        return Result(together(lang, said, _nearest(right, lang, "right"), middle), True)
    order = sorted(numbers, key=lambda visitor: (abs(numbers[visitor] - found.epoch), names.get(visitor, "")))
    best = [visitor for visitor in order if abs(numbers[visitor] - found.epoch) == abs(numbers[order[0]] - found.epoch)]
    said = t("room.result.crossed", lang, epoch=found.epoch)
    nearest = _nearest([names.get(visitor, "") for visitor in best], lang)
    return Result(together(lang, said, nearest, middle), True)


def _learns(guesses: Sequence[Guess], history: History, ladder: Ladder, ended: bool, lang: str) -> Result:
    yes = sum(guess.value == "yes" for guess in guesses)
    votes = t("room.result.votes", lang, yes=yes, no=len(guesses) - yes)
    last = history.last
    below = (
        last is not None
        and last.perplexity is not None
        and 1 in ladder
        and last.perplexity < ladder[1] * (1 - STUCK_RATIO)
    )
    if not below and not ended:
        return Result(together(lang, t("room.result.running", lang, epoch=history.epoch), votes), False)
    said = t("room.result.learns" if below else "room.result.learns_not", lang, epoch=history.epoch)
    return Result(together(lang, said, votes), True)


def _writes(guesses: Sequence[Guess], names: Mapping[str, str], history: History, ended: bool, lang: str) -> Result:
    written = history.written()
    if not ended or not written:
        return Result(t("room.result.running", lang, epoch=history.epoch), False)
    prefix, text = next(iter(history.texts[written[-1]].items()))
    rest = text.removeprefix(prefix)
    likeness = {guess.visitor: _likeness(guess.value.removeprefix(prefix), rest) for guess in guesses}
    best = max(likeness.values(), default=0.0)
    nearest = [names.get(visitor, "") for visitor, value in likeness.items() if value == best and best > 0]
    said = t("room.result.wrote", lang, text=visible(tail(text, prefix)))
    return Result(together(lang, said, _nearest(nearest, lang)), True)


def _likeness(guess: str, text: str) -> float:
    return difflib.SequenceMatcher(None, guess, text[: len(guess)], autojunk=False).ratio() if guess else 0.0


def _nearest(names: Sequence[str], lang: str, how: str = "nearest") -> str:
    if not names:
        return ""
    if len(names) > NEAREST:
        return t(f"room.result.{how}_many", lang, count=len(names))
    return t(f"room.result.{how}", lang, names=t("list.join", lang).join(names))
