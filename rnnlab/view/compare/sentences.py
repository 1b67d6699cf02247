"""The sentences that compare runs, and the short names of runs.

The clauses of a sentence are chosen by the results of the given runs, and left out if they do not apply.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rnnlab.recipes import Rung
from rnnlab.stuck import is_starved
from rnnlab.view.compare.measures import (
    Band,
    Pinned,
    Place,
    common_band,
    differences,
    finish_line,
    finishing_order,
)
from rnnlab.view.data.crossing import first_below
from rnnlab.view.language.i18n import has, t, together
from rnnlab.view.language.numbers import duration, number, perplexity_as_shown, perplexity_text, ratio_text
from rnnlab.view.language.settings import value_text
from rnnlab.view.page.charts import LABEL_WIDTH, cut

READY = (("A1", "A2"), ("A6", "A7"), ("A8", "A9"), ("A5", "A10"), ("A8", "A8-repaired"))
"""The comparisons that the book suggests, as ids of recipes."""

ALIKE = 1.05
"""Ratio below which two perplexities count as the same."""
FLAT = 1.1
"""Factor within which a perplexity counts as equal to the unigram perplexity."""
FASTER = 1.3
"""Ratio of the times per epoch below which the difference is not mentioned."""
KNOWN_BY_HEART = 1.5
"""Perplexity below which a network predicts almost every character of the training text."""


def labels(runs: Sequence[Pinned], lang: str) -> list[str]:
    """Return a unique short name for each run: its title or recipe, and if needed the differences."""
    names = [_name(run, lang) for run in runs]
    for name in set(names):
        group = [index for index, other in enumerate(names) if other == name]
        if len(group) > 1:
            different = differences([runs[index].config for index in group])
            different.pop("pred_period", None)
            for position, index in enumerate(group):
                values_text = [
                    short_value(field, values[position], lang) for field, values in list(different.items())[:2]
                ]
                # if all runs are variants of one experiment, its name does not distinguish them
                names[index] = " ".join(
                    [name, *values_text] if len(group) < len(runs) or not values_text else values_text
                )
    names = [cut(name) for name in names]
    for index, name in enumerate(names):
        if names.count(name) > 1 and runs[index].recorded:
            names[index] = t("compare.short.recorded", lang, name=name)
    for name in set(names):
        group = [index for index, other in enumerate(names) if other == name]
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
    """Return the text of a setting for a label: ``lr 50``, ``6 layers``."""
    if has(f"compare.short.{name}", lang):
        shown = number(value, 4) if isinstance(value, float) else value_text(name, value, lang)
        return t(f"compare.short.{name}", lang, value=shown)
    if isinstance(value, bool):
        return f"{t(f'field.{name}', lang)}: {value_text(name, value, lang)}"
    return value_text(name, value, lang)


def board(runs: Sequence[Pinned], names: Sequence[str], finish: str, by: str, lang: str) -> dict[str, list[str]]:
    """Return the table of a race: the place of each run, when it crossed the line, and where it stands now.

    Args:
        runs: the runs.
        names: the names of the runs.
        finish: the line, one of `measures.FINISHES`.
        by: the unit in which the runs are ordered, one of `measures.AXES`.
        lang: the language.
    """
    places = finishing_order(runs, finish, by)
    return {
        t("compare.place", lang): [str(place.rank or "–") for place in places],
        t("compare.run", lang): [names[place.index] for place in places],
        t("compare.race.crossed", lang): [_crossed(runs[place.index], place, finish, lang) for place in places],
        t("compare.race.now", lang): [_now(runs[place.index], lang) for place in places],
    }


def _crossed(run: Pinned, place: Place, finish: str, lang: str) -> str:
    if finish_line(run, finish) is None:
        return t("compare.race.no_line", lang)
    if place.crossing is not None:
        return t(
            "compare.race.at",
            lang,
            epoch=place.crossing.epoch,
            duration=duration(place.crossing.seconds, lang),
            characters=f"{place.crossing.characters:,.0f}",
        )
    return t("compare.race.never" if run.ended else "compare.race.not_yet", lang)


def _now(run: Pinned, lang: str) -> str:
    return t(
        "compare.race.stands",
        lang,
        perplexity=perplexity_text(run.perplexity),
        epoch=run.history.epoch,
        total=number(run.config.num_epochs, 5),
    )


def verdict(left: Pinned, right: Pinned, names: Sequence[str], lang: str) -> str:
    """Return the sentence that compares the results of two runs.

    Both are compared after the last epoch that both have finished. If the two runs compute one setup in two ways, the
    sentence says how equal they are.

    Args:
        left: a run.
        right: the other run.
        names: the names of the two runs.
        lang: the language.
    """
    if sentence := same_curve(left, right, lang):
        return sentence
    epoch = min(left.history.epoch, right.history.epoch)
    ends = left.at(epoch), right.at(epoch)
    if not epoch or ends[0] is None or ends[1] is None:
        return t("compare.verdict.none", lang)
    runs = (left, right)
    clauses = [
        _final(ends[0], ends[1], names, epoch, left.ladder == right.ladder, lang),
        _bigram(runs, names, epoch, lang),
    ]
    special = [
        *(_flat(run, end, name, lang) for run, end, name in zip(runs, ends, names, strict=True) if end is not None),
        *(_loop(run, name, lang) for run, name in zip(runs, names, strict=True)),
        _clipping(runs, names, lang),
    ]
    clauses += [clause for clause in special if clause] or [_pace(runs, names, lang)]
    return t("compare.verdict", lang, said=t("compare.verdict.join", lang).join(clause for clause in clauses if clause))


def why(left: Pinned, right: Pinned, lang: str) -> str:
    """Return the sentence that explains the verdict on two runs.

    Returns "" if the results contradict the usual explanation, or if too much differs between the runs for one.
    """
    epoch = min(left.history.epoch, right.history.epoch)
    first, second = left.at(epoch), right.at(epoch)
    if not epoch or first is None or second is None:
        return ""
    low, high = (left, right) if first <= second else (right, left)
    different = set(differences([low.config, high.config])) - {"num_epochs", "pred_period", "num_preds", "random_seed"}
    best, worst = min(first, second), max(first, second)
    if worst < best * ALIKE or math.isinf(best):
        key = _cause_of_alike(low, high, different)
    else:
        key = _cause(low, high, different, flat=bool(_flat(high, worst, "", lang)))
    values = {"low_layers": low.config.num_layers, "high_layers": high.config.num_layers}
    return t(f"compare.why.{key}", lang, num_steps=low.config.num_steps, **values) if key else ""


def _cause_of_alike(left: Pinned, right: Pinned, different: set[str]) -> str:
    """Return the name of what explains that two runs have about the same perplexity; "" if nothing does."""
    if any(run.config.sees_the_answer for run in (left, right)):
        return "leak" if left.config.bidirectional != right.config.bidirectional else ""
    return "sampling_alike" if different == {"sampling"} else ""


_WITH_ADAM = {"optimizer", "learning_rate", "clip_norm", "implementation", "initialization", "carry_state"}
"""Settings that separate the library's recipes from those from scratch; of their rungs, that of Adam changes most."""


def _cause(low: Pinned, high: Pinned, different: set[str], flat: bool) -> str:
    """Return the name of what explains that `low` has a lower perplexity than `high`; "" if nothing does.

    Args:
        low: the run with the lower perplexity.
        high: the other run.
        different: the settings in which they differ.
        flat: whether `high` is at the character frequencies.
    """
    at_low, at_high = low.config, high.config
    if at_low.bidirectional and not at_high.bidirectional and at_low.objective == "next":
        return "leak"
    last = high.history.last
    if flat and at_high.num_layers > at_low.num_layers and last is not None and is_starved(last.grad_norm_by_layer):
        return "depth"
    if "optimizer" in different and different <= _WITH_ADAM and at_low.optimizer == "adam":
        return "adam"
    if different == {"sampling"} and at_low.sampling == "consecutive":
        return "sampling"
    if different == {"cell"} and at_high.cell == "rnn":
        return "gates"
    if different == {"cell"} and at_low.cell == "rnn":
        return "gates_slow"
    if different == {"clip_norm"} and at_high.clip_norm is None and at_high.optimizer == "sgd":
        return "clipping"  # Adam cancels most of the length of a gradient
    if different == {"learning_rate"}:
        return "small_steps" if at_high.learning_rate < at_low.learning_rate else "large_steps"
    if different == {"num_hiddens"} and at_low.num_hiddens > at_high.num_hiddens:
        return "units"
    return ""


def _final(left: float, right: float, names: Sequence[str], epoch: int, same_text: bool, lang: str) -> str:
    (low, low_name), (high, high_name) = sorted(((left, names[0]), (right, names[1])))
    values: dict[str, Any] = {"epoch": epoch, "low": low_name, "high": high_name}
    values |= {"low_value": perplexity_text(low), "high_value": perplexity_text(high)}
    if math.isinf(high):
        return t("compare.verdict.both_overflow" if math.isinf(low) else "compare.verdict.overflow", lang, **values)
    if not same_text:
        return t("compare.verdict.other_texts", lang, **values)
    if high / low < ALIKE:
        return t("compare.verdict.alike", lang, **values)
    ratio = ratio_text(perplexity_as_shown(high) / perplexity_as_shown(low))
    return t("compare.verdict.ratio", lang, ratio=ratio, **values)


def _bigram(runs: tuple[Pinned, Pinned], names: Sequence[str], epoch: int, lang: str) -> str:
    left, right = runs
    line = left.ladder.get(2)
    if line is None or left.ladder != right.ladder:
        return ""  # different texts have different lines
    first, second = (first_below(run.history, line, until=epoch) for run in runs)
    values: dict[str, Any] = {"line": number(line, 3)}
    if first is None and second is None:
        return t("compare.verdict.neither", lang, **values)
    if first is None or second is None:
        crossing, name, other = (second, names[1], names[0]) if first is None else (first, names[0], names[1])
        return t("compare.verdict.only", lang, name=name, other=other, at=crossing.epoch if crossing else 0, **values)
    if first.epoch == second.epoch:
        return t("compare.verdict.together", lang, at=first.epoch, **values)
    ahead, behind = sorted(((first.epoch, names[0]), (second.epoch, names[1])))
    return t("compare.verdict.first", lang, name=ahead[1], other=behind[1], at=ahead[0], later=behind[0], **values)


def _flat(run: Pinned, end: float, name: str, lang: str) -> str:
    unigram = run.ladder.get(1)
    if unigram is None or not unigram / FLAT < end < unigram * FLAT:
        return ""
    return t("compare.verdict.flat", lang, name=name, line=number(unigram, 4))


def _loop(run: Pinned, name: str, lang: str) -> str:
    periods = sorted({reading.loop for reading in run.readings if reading.loop})
    if not run.readings or len(periods) == 0 or any(reading.loop is None for reading in run.readings):
        return ""
    end = run.perplexity
    if end is None or end > KNOWN_BY_HEART:
        return ""
    values = {"name": name, "period": t("list.join", lang).join(str(period) for period in periods)}
    if not run.config.bidirectional:
        return t("compare.verdict.loop", lang, **values)
    # a cloze network is meant to read the following characters
    return t("compare.verdict.leak" if run.config.objective == "next" else "compare.verdict.loop_cloze", lang, **values)


def _clipping(runs: tuple[Pinned, Pinned], names: Sequence[str], lang: str) -> str:
    # decided by what happened in training, as clipping can be switched while a run trains
    clipped = [any(event.clip_norm is not None or event.clipped_share for event in run.history.epochs) for run in runs]
    if clipped[0] == clipped[1]:
        return ""
    run, name = (runs[0], names[0]) if clipped[0] else (runs[1], names[1])
    rows = run.history.epochs
    share = sum(event.clipped_share for event in rows) / len(rows)
    return t("compare.verdict.clipped", lang, name=name, share=f"{share:.0%}")


def _pace(runs: tuple[Pinned, Pinned], names: Sequence[str], lang: str) -> str:
    if runs[0].recorded != runs[1].recorded:
        return ""  # perhaps on different machines
    paces = [run.history.seconds_per_epoch(len(run.history.epochs)) for run in runs]
    if paces[0] is None or paces[1] is None or min(paces[0], paces[1]) <= 0:
        return ""
    (fast, fast_name), (slow, slow_name) = sorted(((paces[0], names[0]), (paces[1], names[1])))
    if slow / fast < FASTER:
        return ""
    return t("compare.verdict.pace", lang, slow=slow_name, fast=fast_name, ratio=ratio_text(slow / fast))


def same_curve(left: Pinned, right: Pinned, lang: str) -> str:
    """Return the sentence that compares the curves of one setup computed fast and as written.

    It says to how many digits the curves agree, and how long an epoch takes. Returns "" if the runs differ in other
    settings, or have not both finished an epoch.
    """
    runs = {run.config.computation: run for run in (left, right)}
    different = set(differences([left.config, right.config])) - {"num_epochs", "pred_period"}
    epochs = min(left.history.epoch, right.history.epoch)
    if different != {"computation"} or not epochs:
        return ""
    sentence = _agreement([(left.at(epoch), right.at(epoch)) for epoch in range(1, epochs + 1)], epochs, lang)
    if left.recorded != right.recorded:
        return sentence  # perhaps on different machines
    paces = {name: run.history.seconds_per_epoch(len(run.history.epochs)) or 0.0 for name, run in runs.items()}
    if min(paces.values()) <= 0:
        return sentence
    ratio = paces["as_written"] / paces["fast"]
    values = {name: duration(seconds, lang) for name, seconds in paces.items()}
    if ratio < 1:
        return together(lang, sentence, t("compare.same_curve.slower", lang, **values))
    return together(lang, sentence, t("compare.same_curve.pace", lang, ratio=ratio_text(ratio), **values))


def _agreement(pairs: Sequence[tuple[float | None, float | None]], epochs: int, lang: str) -> str:
    # two infinite perplexities may come from different losses
    finite = [(a, b) for a, b in pairs if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)]
    difference = max((abs(a - b) / min(a, b) for a, b in finite), default=0.0)
    if difference == 0:
        return t("compare.same_curve.exact", lang, epochs=epochs)
    digits = math.floor(-math.log10(difference))
    if digits < 2:
        return t("compare.same_curve.apart", lang, epochs=epochs, share=f"{number(100 * difference, 2)} %")
    return t("compare.same_curve.digits", lang, epochs=epochs, digits=digits)


def width_of_chance(runs: Sequence[Pinned], lang: str) -> str:
    """Return the sentence on how far runs with different random seeds lie apart, and how to read a single run."""
    band = common_band([run.history for run in runs])
    if band is None:
        return t("compare.seeds.too_few", lang)
    values = {
        "count": band.count,
        "epoch": band.epoch,
        "low": perplexity_text(band.low),
        "high": perplexity_text(band.high),
    }
    if math.isinf(band.high):
        return t("compare.seeds.overflow", lang, **values)
    return t(_width_key(band), lang, median=perplexity_text(band.median), ratio=number(band.ratio, 3), **values)


def _width_key(band: Band) -> str:
    return "compare.seeds.narrow" if band.ratio < ALIKE else "compare.seeds.wide"


def greatest_step(chain: Sequence[Rung], runs: Sequence[Pinned | None], lang: str) -> str:
    """Return the sentence on the rung that changed the perplexity most; "" before two are trained."""
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
    size, rung, before, after, epoch = max(steps, key=lambda step: step[0])
    values = {
        "changes": rung_text(rung, lang),
        "before": perplexity_text(before),
        "after": perplexity_text(after),
        "epoch": epoch,
        "ratio": ratio_text(
            max(perplexity_as_shown(before), perplexity_as_shown(after))
            / min(perplexity_as_shown(before), perplexity_as_shown(after))
        ),
    }
    if math.exp(size) < ALIKE:
        return t("compare.rungs.nothing", lang, **values)
    return t("compare.rungs.greatest_down" if after < before else "compare.rungs.greatest_up", lang, **values)


def rung_text(rung: Rung, lang: str) -> str:
    """Return the text of the settings that a rung changes: ``Optimiser: Adam, Learning rate: 0.01``."""
    return t("list.join", lang).join(
        t(
            "compare.rungs.one",
            lang,
            field=t(f"field.{name}", lang),
            value=value_text(name, getattr(rung.config, name), lang),
        )
        for name in rung.changes
    )
