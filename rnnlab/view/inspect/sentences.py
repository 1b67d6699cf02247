"""What the microscope says, in sentences: each is worked out from the answer in front of the reader."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rnnlab.view.data.highlight import visible
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
from rnnlab.view.language.i18n import number, plain, t

Top = Sequence[tuple[str, float]]


def percent(share: float) -> str:
    """Write a share or a probability: 62%, 4.1%, 0.32%, <0.01%, >99.9%."""
    if share >= 1:
        return "100%"
    if share > 0.999:
        return ">99.9%"
    if share >= 0.995:
        return f"{share:.1%}"
    if share >= 0.0995:
        return f"{share:.0%}"
    if share >= 0.00995:
        return f"{share:.1%}"
    return f"{share:.2%}" if share >= 0.0001 else "<0.01%" if share else "0%"


def signed(value: float) -> str:
    """Write a value of a state, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def shown(text: str) -> str:
    """Return characters for a sentence: blanks visible, and no markup."""
    return plain(visible(text))


def surprise_note(surprise: float | None, lang: str) -> str:
    """Say how surprising one character was."""
    if surprise is None:
        return t("inspect.note.first", lang)
    return t("inspect.note", lang, probability=percent(math.exp(-surprise)), surprise=f"{surprise:.2f}")


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
        character=shown(text[place]),
        before=shown(text[max(0, place - 4) : place]),
        probability=percent(math.exp(-worst)),
    )


def entropy_sentence(entropy: float, lang: str) -> str:
    """Say between how many characters the network hesitates."""
    return t("inspect.entropy", lang, entropy=f"{entropy:.2f}", count=number(math.exp(entropy), 3))


def next_sentence(top: Top, actual: str | None, surprise: float | None, lang: str) -> str:
    """Say what the network expects, and whether it came."""
    first, probability = top[0]
    if actual is None or surprise is None:
        return t("inspect.next.end", lang, first=shown(first), probability=percent(probability))
    if first == actual:
        return t("inspect.next.right", lang, first=shown(first), probability=percent(probability))
    return t(
        "inspect.next.wrong",
        lang,
        first=shown(first),
        probability=percent(probability),
        actual=shown(actual),
        other=percent(math.exp(-surprise)),
    )


def agreement(text: str, top: Top, successors: Successors, lang: str) -> str:
    """Say what followed the last character of `text` in the training text, and whether the network agrees.

    Where it does not, say whether the longer context that the training text has explains its choice.
    """
    last, first = text[-1], top[0][0]
    counts = successors.after(last)
    total = counts.total()
    if not total:
        return t("inspect.counts.none", lang, character=shown(last))
    best, times = _most_common(counts)
    facts = {"character": shown(last), "best": shown(best), "times": times, "total": total}
    if counts[first] == times:
        return t("inspect.counts.agree", lang, **{**facts, "best": shown(first)})
    context, longer = successors.after_context(text)
    if len(context) > 1 and longer[first] == max(longer.values()):
        return t(
            "inspect.counts.longer",
            lang,
            **facts,
            first=shown(first),
            context=shown(context),
            longer=longer[first],
            of=longer.total(),
        )
    if counts[first]:
        return t("inspect.counts.differ", lang, **facts, first=shown(first), seen=counts[first])
    return t("inspect.counts.never", lang, **facts, first=shown(first))


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
        return t("inspect.dependence.negligible", lang, predicted=shown(predicted))
    if last == 0:
        return t("inspect.dependence.one", lang, predicted=shown(predicted), character=shown(text[0]))
    back = last - found.strongest
    facts = {
        "predicted": shown(predicted),
        "character": shown(text[found.strongest]),
        "share": percent(found.shares[found.strongest]),
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
    shares = {"low": percent(found.low), "high": percent(found.high)}
    if state.is_gate:
        return t(f"inspect.saturation.{state.name}", lang, **shares, below=LOW, above=HIGH, mean=f"{found.mean:.2f}")
    if state.limit > 1:
        largest = f"{float(abs(state.values).max()):.1f}"
        return t("inspect.saturation.unbounded", lang, largest=largest, share=percent(_beyond(state)))
    return t("inspect.saturation.signed", lang, share=percent(found.low + found.high), bound=HIGH)


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
