"""What can be said of runs side by side: their short names, and the sentence about two of them.

Every clause is chosen by what came out of these very runs, and left out where they do not bear it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

from rnnlab.view.compare.measures import Band, Pinned, Rung, common_band, differences, first_below
from rnnlab.view.language.i18n import has, t
from rnnlab.view.language.numbers import duration, number, perplexity_text, ratio_text
from rnnlab.view.language.settings import value_text

READY = (("A1", "A2"), ("A6", "A7"), ("A8", "A9"), ("A5", "A10"), ("A8", "A8-repaired"))
"""The comparisons that the book invites, by the ids of their recipes."""

ALIKE = 1.05
"""Perplexities whose ratio is below this count as the same."""
FLAT = 1.1
"""A perplexity within this factor of the unigram perplexity lies on that line."""
FASTER = 1.3
"""Times per epoch whose ratio is below this are not worth a word."""
KNOWN_BY_HEART = 1.5
"""Below this perplexity a network predicts almost every character of the training text."""

LABEL_WIDTH = 16
"""Of a label at the end of a curve, in columns; a Chinese character takes two."""


def labels(runs: Sequence[Pinned], lang: str) -> list[str]:
    """Return a short name for each run, no two alike: its title or recipe, and where needed what differs."""
    names = [_name(run, lang) for run in runs]
    for name in set(names):
        group = [index for index, one in enumerate(names) if one == name]
        if len(group) > 1:
            different = differences([runs[index].config for index in group])
            different.pop("pred_period", None)
            for position, index in enumerate(group):
                said = [short_value(field, values[position], lang) for field, values in list(different.items())[:2]]
                # where all are variants of one experiment, its name tells nothing
                names[index] = " ".join([name, *said] if len(group) < len(runs) or not said else said)
    names = [cut(name) for name in names]
    for index, name in enumerate(names):
        if names.count(name) > 1 and runs[index].recorded:
            names[index] = t("compare.short.recorded", lang, name=name)
    for name in set(names):
        group = [index for index, one in enumerate(names) if one == name]
        if len(group) > 1:
            for position, index in enumerate(group):
                names[index] = f"{cut(name, LABEL_WIDTH - 3)} #{position + 1}"
    return names


def _name(run: Pinned, lang: str) -> str:
    if run.title:
        return run.title
    if run.recipe:
        return run.recipe if run.exact else t("compare.short.based_on", lang, id=run.recipe)
    return value_text("cell", run.config.cell, lang)


def short_value(name: str, value: Any, lang: str) -> str:
    """Say a setting in as few characters as a label has: ``lr 50``, ``6 layers``."""
    if has(f"compare.short.{name}", lang):
        shown = number(value, 4) if isinstance(value, float) else value_text(name, value, lang)
        return t(f"compare.short.{name}", lang, value=shown)
    if isinstance(value, bool):
        return f"{t(f'field.{name}', lang)}: {value_text(name, value, lang)}"
    return value_text(name, value, lang)


def cut(text: str, width: int = LABEL_WIDTH) -> str:
    """Return `text`, or its beginning where it is wider than `width` columns."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def columns(text: str) -> int:
    """Return how wide `text` is: two columns for a Chinese character, one for a letter."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def verdict(left: Pinned, right: Pinned, names: Sequence[str], lang: str) -> str:
    """Say in one sentence what came out of two runs; of one setup that was computed in two ways, how equal they are.

    Where one has trained longer, both are compared after the last epoch that both have finished.

    Args:
        left: a run.
        right: another.
        names: what the two are called.
        lang: the language.
    """
    if told := same_curve(left, right, lang):
        return told
    epoch = min(left.history.epoch, right.history.epoch)
    ends = left.at(epoch), right.at(epoch)
    if not epoch or ends[0] is None or ends[1] is None:
        return t("compare.verdict.none", lang)
    runs = (left, right)
    clauses = [_final(ends[0], ends[1], names, epoch, lang), _bigram(runs, names, epoch, lang)]
    special = [
        *(_flat(run, end, name, lang) for run, end, name in zip(runs, ends, names, strict=True) if end is not None),
        *(_loop(run, name, lang) for run, name in zip(runs, names, strict=True)),
        _clipping(runs, names, lang),
    ]
    clauses += [one for one in special if one] or [_pace(runs, names, lang)]
    return t("compare.verdict", lang, said=t("compare.verdict.join", lang).join(one for one in clauses if one))


def _final(left: float, right: float, names: Sequence[str], epoch: int, lang: str) -> str:
    (low, low_name), (high, high_name) = sorted(((left, names[0]), (right, names[1])))
    said: dict[str, Any] = {"epoch": epoch, "low": low_name, "high": high_name}
    said |= {"low_value": perplexity_text(low), "high_value": perplexity_text(high)}
    if math.isinf(high):
        return t("compare.verdict.both_overflow" if math.isinf(low) else "compare.verdict.overflow", lang, **said)
    if high / low < ALIKE:
        return t("compare.verdict.alike", lang, **said)
    return t("compare.verdict.ratio", lang, ratio=ratio_text(high / low), **said)


def _bigram(runs: tuple[Pinned, Pinned], names: Sequence[str], epoch: int, lang: str) -> str:
    left, right = runs
    line = left.ladder.get(2)
    if line is None or left.ladder != right.ladder:
        return ""  # two texts have two lines
    first, second = (first_below(run.history, line, until=epoch) for run in runs)
    said: dict[str, Any] = {"line": number(line, 3)}
    if first is None and second is None:
        return t("compare.verdict.neither", lang, **said)
    if first is None or second is None:
        crossing, name, other = (second, names[1], names[0]) if first is None else (first, names[0], names[1])
        return t("compare.verdict.only", lang, name=name, other=other, at=crossing.epoch if crossing else 0, **said)
    if first.epoch == second.epoch:
        return t("compare.verdict.together", lang, at=first.epoch, **said)
    ahead, behind = sorted(((first.epoch, names[0]), (second.epoch, names[1])))
    return t("compare.verdict.first", lang, name=ahead[1], other=behind[1], at=ahead[0], later=behind[0], **said)


def _flat(run: Pinned, end: float, name: str, lang: str) -> str:
    unigram = run.ladder.get(1)
    if unigram is None or not unigram / FLAT < end < unigram * FLAT:
        return ""
    return t("compare.verdict.flat", lang, name=name, line=number(unigram, 4))


def _loop(run: Pinned, name: str, lang: str) -> str:
    periods = sorted({one.loop for one in run.readings if one.loop})
    if not run.readings or len(periods) == 0 or any(one.loop is None for one in run.readings):
        return ""
    end = run.perplexity
    if end is None or end > KNOWN_BY_HEART:
        return ""
    said = {"name": name, "period": t("list.join", lang).join(str(one) for one in periods)}
    if not run.config.bidirectional:
        return t("compare.verdict.loop", lang, **said)
    # to read what follows is the task of a cloze network
    return t("compare.verdict.leak" if run.config.objective == "next" else "compare.verdict.loop_cloze", lang, **said)


def _clipping(runs: tuple[Pinned, Pinned], names: Sequence[str], lang: str) -> str:
    # by what they did and not by how they began: clipping can be switched while a run trains
    clipped = [any(one.clip_norm is not None or one.clipped_share for one in run.history.epochs) for run in runs]
    if clipped[0] == clipped[1]:
        return ""
    run, name = (runs[0], names[0]) if clipped[0] else (runs[1], names[1])
    rows = run.history.epochs
    share = sum(one.clipped_share for one in rows) / len(rows)
    return t("compare.verdict.clipped", lang, name=name, share=f"{share:.0%}")


def _pace(runs: tuple[Pinned, Pinned], names: Sequence[str], lang: str) -> str:
    if runs[0].recorded != runs[1].recorded:
        return ""  # perhaps on two machines
    paces = [run.history.seconds_per_epoch(len(run.history.epochs)) for run in runs]
    if paces[0] is None or paces[1] is None or min(paces[0], paces[1]) <= 0:
        return ""
    (fast, fast_name), (slow, slow_name) = sorted(((paces[0], names[0]), (paces[1], names[1])))
    if slow / fast < FASTER:
        return ""
    return t("compare.verdict.pace", lang, slow=slow_name, fast=fast_name, ratio=ratio_text(slow / fast))


def same_curve(left: Pinned, right: Pinned, lang: str) -> str:
    """Say of one setup computed fast and as written to how many digits the curves agree, and how long an epoch takes.

    Returns:
        Nothing where the two differ in more than that, or have not both finished an epoch.
    """
    runs = {run.config.computation: run for run in (left, right)}
    different = set(differences([left.config, right.config])) - {"num_epochs", "pred_period"}
    epochs = min(left.history.epoch, right.history.epoch)
    if different != {"computation"} or not epochs:
        return ""
    said = _agreement([(left.at(epoch), right.at(epoch)) for epoch in range(1, epochs + 1)], epochs, lang)
    if left.recorded != right.recorded:
        return said  # perhaps on two machines
    paces = {name: run.history.seconds_per_epoch(len(run.history.epochs)) or 0.0 for name, run in runs.items()}
    if min(paces.values()) <= 0:
        return said
    ratio = paces["as_written"] / paces["fast"]
    values = {name: duration(seconds, lang) for name, seconds in paces.items()}
    if ratio < 1:
        return f"{said} {t('compare.same_curve.slower', lang, **values)}"
    return f"{said} {t('compare.same_curve.pace', lang, ratio=ratio_text(ratio), **values)}"


def _agreement(pairs: Sequence[tuple[float | None, float | None]], epochs: int, lang: str) -> str:
    # an infinite perplexity says nothing of how close two losses are
    known = [(a, b) for a, b in pairs if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)]
    difference = max((abs(a - b) / min(a, b) for a, b in known), default=0.0)
    if difference == 0:
        return t("compare.same_curve.exact", lang, epochs=epochs)
    digits = math.floor(-math.log10(difference))
    if digits < 2:
        return t("compare.same_curve.apart", lang, epochs=epochs, share=f"{number(100 * difference, 2)} %")
    return t("compare.same_curve.digits", lang, epochs=epochs, digits=digits)


def width_of_chance(runs: Sequence[Pinned], lang: str) -> str:
    """Say how far runs lie apart that differ in their random seed alone, and how to read a single one."""
    band = common_band([run.history for run in runs])
    if band is None:
        return t("compare.seeds.too_few", lang)
    said = {
        "count": band.count,
        "epoch": band.epoch,
        "low": perplexity_text(band.low),
        "high": perplexity_text(band.high),
    }
    if math.isinf(band.high):
        return t("compare.seeds.overflow", lang, **said)
    return t(_width_key(band), lang, median=perplexity_text(band.median), ratio=number(band.ratio, 3), **said)


def _width_key(band: Band) -> str:
    return "compare.seeds.narrow" if band.ratio < ALIKE else "compare.seeds.wide"


def greatest_step(chain: Sequence[Rung], runs: Sequence[Pinned | None], lang: str) -> str:
    """Say which rung of a ladder changed the perplexity most, and which changed nothing; "" before two are trained."""
    steps = []
    for i in range(1, len(chain)):
        below, here = runs[i - 1], runs[i]
        if below is None or here is None:
            continue
        epoch = min(below.history.epoch, here.history.epoch)
        before, after = below.at(epoch), here.at(epoch)
        if before is not None and after is not None and math.isfinite(before) and math.isfinite(after):
            steps.append((abs(math.log(after / before)), chain[i], before, after, epoch))
    if not steps:
        return ""
    size, rung, before, after, epoch = max(steps, key=lambda one: one[0])
    said = {
        "changes": rung_text(rung, lang),
        "before": perplexity_text(before),
        "after": perplexity_text(after),
        "epoch": epoch,
        "ratio": ratio_text(math.exp(size)),
    }
    if math.exp(size) < ALIKE:
        return t("compare.rungs.nothing", lang, **said)
    return t("compare.rungs.greatest_down" if after < before else "compare.rungs.greatest_up", lang, **said)


def rung_text(rung: Rung, lang: str) -> str:
    """Say what a rung switches: ``Optimiser: Adam, Learning rate: 0.01``."""
    return t("list.join", lang).join(
        t(
            "compare.rungs.one",
            lang,
            field=t(f"field.{name}", lang),
            value=value_text(name, getattr(rung.config, name), lang),
        )
        for name in rung.changes
    )
