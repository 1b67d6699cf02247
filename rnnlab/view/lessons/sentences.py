"""The sentences that close a lesson or an exercise, from what was computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlab.cells import CELLS
from rnnlab.text import quotes
from rnnlab.view.data.highlight import literal
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import duration, number
from rnnlab.view.lessons.compute import perplexity as perplexities
from rnnlab.view.lessons.compute.cells import Array
from rnnlab.view.lessons.compute.clipping import Clipped
from rnnlab.view.lessons.compute.depth import Descent
from rnnlab.view.lessons.compute.exercises import Finding
from rnnlab.view.lessons.compute.markov import Table
from rnnlab.view.lessons.compute.tuning import SHORT, Tuned

COPIES = 0.5
"""From this share of quotes on, what a table writes counts as copied."""


def finding(exercise: str, found: Finding, lang: str) -> str:
    """Say what a run came to."""
    params: dict[str, Any] = dict(found.params)
    for name, value in params.items():
        if name in ("seconds", "reference"):
            params[name] = duration(value, lang)
        elif name in ("perplexity", "clipped", "relu", "tanh") and not (exercise == "X5" and name == "clipped"):
            params[name] = number(value, 4)
        elif name == "passage":
            params[name] = literal(value)
        elif isinstance(value, float):
            params[name] = f"{value:.0%}" if name == "clipped" else number(value, 3)
    if params.get("memory") is None:
        params.pop("memory", None)
    return t(f"lesson.{exercise}.found.{found.key}", lang, **params)


def tuned(found: Tuned, lang: str) -> str:
    """Say which value of a hyperparameter came off best, and which one led before."""
    if found.best is None:
        return t("lesson.X1.found.none", lang, epoch=found.epoch)
    others = t("list.join", lang).join(
        t("lesson.X1.other", lang, value=tuned_value(found.setting, row.value, lang), perplexity=number(row.last, 4))
        for row in found.rows
        if row is not found.best
    )
    best, lowest = tuned_value(found.setting, found.best.value, lang), number(found.best.last, 4)
    said = t("lesson.X1.found.best", lang, epoch=found.epoch, best=best, perplexity=lowest, others=others)
    if found.early is not None:
        early = tuned_value(found.setting, found.early.value, lang)
        said += t("lesson.X1.found.early", lang, epoch=SHORT, early=early, perplexity=number(found.early.short, 4))
    return said


def tuned_value(setting: str, value: float, lang: str) -> str:
    """Name a value of a hyperparameter, e.g. ``"64 hidden units"``."""
    return t(f"lesson.X1.value.{setting}", lang, value=f"{value:g}")


def sequence(context: str, found: list[tuple[str, int]], rows: Table, coverage: float, lang: str) -> str:
    """Say what a table with this context knows, and what its writing is worth."""
    total = sum(count for _, count in found)
    shown = literal(context)
    if not context:
        first = t("lesson.sequence.blind", lang, count=len(found), total=f"{total:,}")
    elif not found:
        first = t("lesson.sequence.unseen", lang, context=shown)
    elif len(found) == 1:
        first = t("lesson.sequence.sure", lang, context=shown, total=total, character=literal(found[0][0]))
    else:
        first = t("lesson.sequence.seen", lang, context=shown, total=total, count=len(found))
    second = t(
        "lesson.sequence.table",
        lang,
        size=len(context),
        possible=number(float(rows.possible), 4),
        seen=f"{rows.seen:,}",
        certain=f"{rows.certain:.0%}",
    )
    third = t(f"lesson.sequence.{'copied' if coverage >= COPIES else 'invented'}", lang, share=f"{coverage:.0%}")
    return " ".join([first, *([second] if context else []), third])


def sampling(continuing: Mapping[str, int], batch_size: int, minibatch: int, lang: str) -> str:
    """Say how many rows of a minibatch (from 1) go on where the one before ended, by way of sampling."""
    if minibatch == 1:
        return t("lesson.sampling.first", lang)
    said = []
    for name in ("consecutive", "random"):
        count = continuing[name]
        kind = "all" if count == batch_size else "none" if not count else "some"
        said.append(t(f"lesson.sampling.{name}.{kind}", lang, count=count, batch=batch_size, number=minibatch))
    return " ".join(said)


def perplexity_of(probabilities: list[float], vocab_size: int, lang: str) -> str:
    """Say what a perplexity is, and where it stands."""
    value = perplexities.perplexity(probabilities)
    kind = perplexities.kind(value, vocab_size)
    return t(f"lesson.perplexity.is.{kind}", lang, perplexity=number(value, 4), vocab=vocab_size)


def clipping(found: Clipped, lang: str) -> str:
    """Say what clipping did to a gradient, and how long the step is."""
    return t(
        f"lesson.clipping.{'shortened' if found.is_clipped else 'left'}",
        lang,
        norm=number(found.norm, 3),
        theta=f"{found.theta:g}",
        factor=number(found.factor, 3),
        rate=f"{found.learning_rate:g}",
        length=number(found.step_length, 3),
    )


def shape_sentence(mine: int, other: int, cell: str, other_cell: str, layers: int, directions: int, lang: str) -> str:
    """Say what another cell would change, and where depth and direction stand in the state."""
    first = t(
        "lesson.shapes.what_if",
        lang,
        cell=t(f"value.cell.{cell}", lang),
        count=f"{mine:,}",
        other=t(f"value.cell.{other_cell}", lang),
        other_count=f"{other:,}",
        ratio=f"{other / mine:.2f}",
        blocks=len(CELLS[other_cell].gates),
    )
    memory = t(f"lesson.shapes.state_{'two' if len(CELLS[other_cell].states) > 1 else 'one'}", lang)
    where = t("lesson.shapes.where", lang, layers=layers, directions=directions, product=layers * directions)
    return f"{first} {memory} {where}"


def cell(kind: str, gate: Array | None, before: Array, after: Array, left: float | None, steps: int, lang: str) -> str:
    """Say what became of a state: what the gate keeps, and what is `left` of it after more steps with no input."""
    if gate is not None:
        shares = t("list.join", lang).join(f"{one:.0%}" for one in gate)
        first = t(f"lesson.{kind}.gate", lang, shares=shares)
    else:
        first = t("lesson.rnn.state", lang, before=_numbers(before), after=_numbers(after))
    if left is None:
        return f"{first} {t('lesson.cell.nothing', lang)}"
    fate = "kept" if left >= 0.5 else "fading" if left >= 0.05 else "gone"
    return f"{first} {t(f'lesson.cell.{fate}', lang, steps=steps, share=f'{left:.0%}')}"


def _numbers(values: Array) -> str:
    return "(" + ", ".join(f"{one:.2f}" for one in values) + ")"


def depth(name: str, found: Descent, epoch: int, lang: str) -> str:
    """Say what became of the gradient of one run on its way down."""
    params: dict[str, Any] = {"name": name, "epoch": epoch, "layers": len(found.norms), "dead": found.dead}
    if found.ratio is None:
        return t("lesson.depth.silent", lang, **params)
    params |= {"lowest": found.lowest_alive}
    ratio = found.ratio
    if found.kind == "arrives" and ratio < 1:
        return t("lesson.depth.grows", lang, ratio=number(1 / ratio, 2), **params)
    return t(f"lesson.depth.{found.kind}", lang, ratio=number(ratio, 2), **params)


def directions(character: str, moved: float, lang: str) -> str:
    """Say whether a network has read the character it is to predict: exchanging it has `moved` the prediction."""
    kind = "leaks" if moved > 0 else "honest"
    return t(f"lesson.directions.{kind}", lang, character=literal(character), moved=number(moved, 2))


def written(perplexity: float | None, epoch: int, prefix: str, text: str, lang: str) -> str:
    """Say what the bidirectional network of the book reports, and whether what it wrote after `prefix` is a loop."""
    period = quotes.loop_period(text[len(prefix) :])
    params = {
        "perplexity": number(perplexity, 5),
        "epoch": epoch,
        "text": literal(text[: len(prefix) + 20]),
    }
    if period is None:
        return t("lesson.directions.writes", lang, **params)
    return t("lesson.directions.loops", lang, period=period, **params)
