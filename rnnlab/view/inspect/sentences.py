"""What the microscope says, in sentences: each is worked out from the answer in front of the reader."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rnnlab.view.data.highlight import literal
from rnnlab.view.inspect.measures import (
    HIGH,
    LOW,
    Dependence,
    Detector,
    Successors,
    Unrolled,
    most_surprising,
    saturation,
    surprise_level,
    text_perplexity,
)
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number, probability_text, signed

Top = Sequence[tuple[str, float]]


def surprise_note(surprise: float | None, lang: str) -> str:
    """Say how surprising one character was."""
    if surprise is None:
        return t("inspect.note.first", lang)
    return t("inspect.note", lang, probability=probability_text(math.exp(-surprise)), surprise=f"{surprise:.2f}")


def surprise_summary(text: str, found: Sequence[float | None], lang: str) -> str:
    """Say how well the whole text was predicted, and what came least expected."""
    place = most_surprising(found)
    if place is None:
        return t("inspect.surprise.short", lang)
    known = [one for one in found if one is not None]
    expected = sum(surprise_level(one) == 0 for one in known)
    perplexity = number(text_perplexity(found), 3)
    said = t("inspect.surprise.summary", lang, perplexity=perplexity, expected=expected, count=len(known))
    worst = found[place] or 0.0
    if surprise_level(worst) == 0:
        return said + t("inspect.surprise.none", lang)
    return said + t(
        "inspect.surprise.worst",
        lang,
        character=literal(text[place]),
        before=literal(text[max(0, place - 4) : place]),
        probability=probability_text(math.exp(-worst)),
    )


def entropy_sentence(entropy: float, lang: str) -> str:
    """Say between how many characters the network hesitates."""
    return t("inspect.entropy", lang, entropy=f"{entropy:.2f}", count=number(math.exp(entropy), 3))


def next_sentence(top: Top, actual: str | None, surprise: float | None, lang: str) -> str:
    """Say what the network expects, and whether it came."""
    first, probability = top[0]
    if actual is None or surprise is None:
        return t("inspect.next.end", lang, first=literal(first), probability=probability_text(probability))
    if first == actual:
        return t("inspect.next.right", lang, first=literal(first), probability=probability_text(probability))
    return t(
        "inspect.next.wrong",
        lang,
        first=literal(first),
        probability=probability_text(probability),
        actual=literal(actual),
        other=probability_text(math.exp(-surprise)),
    )


def agreement(text: str, top: Top, successors: Successors, lang: str) -> str:
    """Say what followed the last character of `text` in the training text, and whether the network agrees.

    Where it does not, say whether the longer context that the training text has explains its choice.
    """
    last, first = text[-1], top[0][0]
    counts = successors.after(last)
    total = counts.total()
    if not total:
        return t("inspect.counts.none", lang, character=literal(last))
    best, times = _most_common(counts)
    facts = {"character": literal(last), "best": literal(best), "times": times, "total": total}
    if counts[first] == times:
        return t("inspect.counts.agree", lang, **{**facts, "best": literal(first)})
    context, longer = successors.after_context(text)
    if len(context) > 1 and longer[first] == max(longer.values()):
        return t(
            "inspect.counts.longer",
            lang,
            **facts,
            first=literal(first),
            context=literal(context),
            longer=longer[first],
            of=longer.total(),
        )
    if counts[first]:
        return t("inspect.counts.differ", lang, **facts, first=literal(first), seen=counts[first])
    return t("inspect.counts.never", lang, **facts, first=literal(first))


def _most_common(counts: Counter[str]) -> tuple[str, int]:
    return min(counts.items(), key=lambda item: (-item[1], item[0]))


def dependence_sentence(found: Dependence, text: str, predicted: str, lang: str) -> str:
    """Say on which characters a prediction depended most, and how far back.

    Args:
        found: what the weights say.
        text: the characters up to the position that was asked about.
        predicted: the character whose logit it is.
    """
    last = len(found.shares) - 1
    if found.negligible:
        return t("inspect.dependence.negligible", lang, predicted=literal(predicted))
    if last == 0:
        return t("inspect.dependence.one", lang, predicted=literal(predicted), character=literal(text[0]))
    back = last - found.strongest
    facts = {
        "predicted": literal(predicted),
        "character": literal(text[found.strongest]),
        "share": probability_text(found.shares[found.strongest]),
    }
    said = t("inspect.dependence.last", lang, **facts) if back == 0 else t(
        "inspect.dependence.back", lang, **facts, back=back
    )  # fmt: skip
    if found.reach == last:
        return said + t("inspect.dependence.all", lang)
    if found.reach == 0:
        return said + t("inspect.dependence.only", lang)
    return said + t("inspect.dependence.reach", lang, reach=found.reach)


def state_reading(state: Unrolled, detector: Detector | None, lang: str) -> str:
    """Say how much of a state or gate is saturated, and which unit reacts to blanks."""
    return saturation_sentence(state, lang) + " " + blank_sentence(detector, lang)


def saturation_sentence(state: Unrolled, lang: str) -> str:
    """Say what share of the values lies near the ends of the range, and what that does."""
    found = saturation(state)
    shares = {"low": probability_text(found.low), "high": probability_text(found.high)}
    if state.is_gate:
        return t(f"inspect.saturation.{state.name}", lang, **shares, below=LOW, above=HIGH, mean=f"{found.mean:.2f}")
    if state.limit > 1:
        largest = f"{float(abs(state.values).max()):.1f}"
        return t("inspect.saturation.unbounded", lang, largest=largest, share=probability_text(_beyond(state)))
    return t("inspect.saturation.signed", lang, share=probability_text(found.low + found.high), bound=HIGH)


def _beyond(state: Unrolled) -> float:
    return float((abs(state.values) > 1).mean())


def blank_sentence(detector: Detector | None, lang: str) -> str:
    """Say which unit tells blanks from the other characters, or that none does."""
    if detector is None:
        return t("inspect.blanks.few", lang)
    facts = {"unit": detector.unit, "inside": signed(detector.inside), "outside": signed(detector.outside)}
    if not detector.stands_out:
        return t("inspect.blanks.chance", lang, **facts)
    if detector.clear:
        return t("inspect.blanks.stands_out", lang, **facts)
    return t("inspect.blanks.little", lang, **facts)
