"""The sentences of the Inspect page, computed from the answer of a checkpoint."""

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
from rnnlab.view.language.i18n import t, together
from rnnlab.view.language.numbers import number, probability_text, signed

Top = Sequence[tuple[str, float]]


def surprise_note(surprise: float | None, lang: str) -> str:
    """Return the note on the surprise of a character."""
    if surprise is None:
        return t("inspect.note.first", lang)
    shown = f"{surprise:.2f}" if surprise < 1000 else number(surprise)
    return t("inspect.note", lang, probability=probability_text(math.exp(-surprise)), surprise=shown)


def surprise_summary(text: str, surprises: Sequence[float | None], doubt: float, vocab_size: int, lang: str) -> str:
    """Return the sentences on how well the whole text was predicted, and on the greatest surprise.

    A perplexity above the size of the vocabulary is not a number of characters that the network considers: it
    considers `doubt`, and others than those that came.

    Args:
        text: the text.
        surprises: the surprise of each character.
        doubt: the number of characters that the network considers on average, see `measures.doubt`.
        vocab_size: size of the vocabulary.
        lang: the language.
    """
    place = most_surprising(surprises)
    if place is None:
        return t("inspect.surprise.short", lang)
    known = [surprise for surprise in surprises if surprise is not None]
    expected = sum(surprise_level(surprise) == 0 for surprise in known)
    perplexity = text_perplexity(surprises)
    facts = {"perplexity": number(perplexity, 3), "expected": expected, "count": len(known)}
    if perplexity is not None and perplexity <= vocab_size:
        sentence = t("inspect.surprise.summary", lang, **facts)
    elif doubt > vocab_size / 2:
        sentence = t("inspect.surprise.blind", lang, **facts, vocab=f"{vocab_size:,}")
    else:
        sentence = t("inspect.surprise.wrong", lang, **facts, vocab=f"{vocab_size:,}", doubt=number(doubt, 3))
    worst = surprises[place] or 0.0
    if surprise_level(worst) == 0:
        return sentence + t("inspect.surprise.none", lang)
    return sentence + t(
        "inspect.surprise.worst",
        lang,
        character=literal(text[place]),
        before=literal(text[max(0, place - 4) : place]),
        probability=probability_text(math.exp(-worst)),
    )


def entropy_sentence(entropy: float, lang: str) -> str:
    """Return the sentence on the entropy of the prediction."""
    return t("inspect.entropy", lang, entropy=f"{entropy:.2f}", count=number(math.exp(entropy), 3))


def next_sentence(top: Top, actual: str | None, surprise: float | None, lang: str) -> str:
    """Return the sentence on the most probable next character and the actual one."""
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
    """Return the sentence that compares the prediction after `text` with the counts in the training text.

    If they disagree, the sentence says whether a longer context in the training text explains the prediction.
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


def dependence_sentence(dependence: Dependence, text: str, predicted: str, lang: str) -> str:
    """Return the sentence on the characters that a prediction depends on most, and how far back they are.

    Args:
        dependence: the dependence of the prediction.
        text: the characters up to the chosen position.
        predicted: the predicted character.
        lang: the language.
    """
    last = len(dependence.shares) - 1
    if dependence.negligible:
        return t("inspect.dependence.negligible", lang, predicted=literal(predicted))
    if last == 0:
        return t("inspect.dependence.one", lang, predicted=literal(predicted), character=literal(text[0]))
    back = last - dependence.strongest
    facts = {
        "predicted": literal(predicted),
        "character": literal(text[dependence.strongest]),
        "share": probability_text(dependence.shares[dependence.strongest]),
    }
    sentence = t("inspect.dependence.last", lang, **facts) if back == 0 else t(
        "inspect.dependence.back", lang, **facts, back=back
    )  # fmt: skip
    if dependence.reach == last:
        return sentence + t("inspect.dependence.all", lang)
    if dependence.reach == 0:
        return sentence + t("inspect.dependence.only", lang)
    return sentence + t("inspect.dependence.reach", lang, reach=dependence.reach)


def state_reading(state: Unrolled, detector: Detector | None, lang: str) -> str:
    """Return the sentences on the saturation of a state or gate and on its reaction to blanks."""
    return together(lang, saturation_sentence(state, lang), blank_sentence(detector, lang))


def saturation_sentence(state: Unrolled, lang: str) -> str:
    """Return the sentence on the share of values near the ends of the range."""
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
    """Return the sentence on the unit that reacts most to blanks."""
    if detector is None:
        return t("inspect.blanks.few", lang)
    facts = {"unit": detector.unit, "inside": signed(detector.inside), "outside": signed(detector.outside)}
    if not detector.stands_out:
        return t("inspect.blanks.chance", lang, **facts)
    if detector.clear:
        return t("inspect.blanks.stands_out", lang, **facts)
    return t("inspect.blanks.little", lang, **facts)
