"""The concluding sentences of lessons and exercises, computed from their results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnlab.cells import CELLS
from rnnlab.text import quotes
from rnnlab.view.data.highlight import literal
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import duration, number, probability_text, scientific, signed
from rnnlab.view.lessons.compute import perplexity as perplexities
from rnnlab.view.lessons.compute.cells import Array
from rnnlab.view.lessons.compute.clipping import Clipped
from rnnlab.view.lessons.compute.decoding import Candidate, repeats
from rnnlab.view.lessons.compute.depth import Descent
from rnnlab.view.lessons.compute.exercises import Finding
from rnnlab.view.lessons.compute.k_steps import NOISE, Forecast
from rnnlab.view.lessons.compute.markov import HeldOut, Table
from rnnlab.view.lessons.compute.powers import BOOK_STEPS, Walk, fate
from rnnlab.view.lessons.compute.tokens import Frequencies
from rnnlab.view.lessons.compute.tuning import SHORT, Tuned

COPIES = 0.5
"""Share of quotes from which a text drawn from a table is called copied."""


def finding(exercise: str, result: Finding, lang: str) -> str:
    """Return the sentence on the result of an exercise."""
    params: dict[str, Any] = dict(result.params)
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
    return t(f"lesson.{exercise}.found.{result.key}", lang, **params)


def why(exercise: str, setting: str, lang: str) -> str:
    """Return the explanation that follows the verdict of an exercise.

    Args:
        exercise: one of X1 to X5.
        setting: the hyperparameter of X1; empty for the others.
        lang: the language.
    """
    return t(f"lesson.X1.why.{setting}" if setting else f"lesson.{exercise}.why", lang)


def tuned(result: Tuned, lang: str) -> str:
    """Return the sentence on the best value of a hyperparameter, and on the value that led earlier."""
    if result.best is None:
        return t("lesson.X1.found.none", lang, epoch=result.epoch)
    others = t("list.join", lang).join(
        t("lesson.X1.other", lang, value=tuned_value(result.setting, row.value, lang), perplexity=number(row.last, 4))
        for row in result.rows
        if row is not result.best
    )
    best, lowest = tuned_value(result.setting, result.best.value, lang), number(result.best.last, 4)
    sentence = t("lesson.X1.found.best", lang, epoch=result.epoch, best=best, perplexity=lowest, others=others)
    if result.early is not None:
        early = tuned_value(result.setting, result.early.value, lang)
        sentence += t("lesson.X1.found.early", lang, epoch=SHORT, early=early, perplexity=number(result.early.short, 4))
    return sentence


def tuned_value(setting: str, value: float, lang: str) -> str:
    """Return a value of a hyperparameter in words, e.g. ``"64 hidden units"``."""
    return t(f"lesson.X1.value.{setting}", lang, value=f"{value:g}")


def sequence(context: str, counts: list[tuple[str, int]], table: Table, coverage: float, lang: str) -> str:
    """Return the sentences on the continuations of a context, on the table, and on the text drawn from it."""
    total = sum(count for _, count in counts)
    shown = literal(context)
    if not context:
        first = t("lesson.sequence.blind", lang, count=len(counts), total=f"{total:,}")
    elif not counts:
        first = t("lesson.sequence.unseen", lang, context=shown)
    elif len(counts) == 1:
        first = t("lesson.sequence.sure", lang, context=shown, total=total, character=literal(counts[0][0]))
    else:
        first = t("lesson.sequence.seen", lang, context=shown, total=total, count=len(counts))
    second = t(
        "lesson.sequence.table",
        lang,
        size=len(context),
        possible=number(float(table.possible), 4),
        seen=f"{table.seen:,}",
        certain=f"{table.certain:.0%}",
    )
    third = t(f"lesson.sequence.{'copied' if coverage >= COPIES else 'invented'}", lang, share=f"{coverage:.0%}")
    return " ".join([first, *([second] if context else []), third])


def held_out(found: HeldOut | None, training: float, size: int, lang: str) -> str:
    """Return the sentences on the perplexity of a table on the training text and on held-out text.

    Args:
        found: how well the tables predict the held-out text; None without one.
        training: the perplexity on the training text.
        size: the context length of the table.
        lang: the language.
    """
    first = t("lesson.sequence.on_training", lang, size=size, value=number(training))
    if found is None:
        return first
    best = min(range(len(found.perplexities)), key=lambda length: found.perplexities[length])
    kind = "best" if size == best else "more" if size < best else "too_far"
    second = t(
        f"lesson.sequence.on_held_out.{kind}",
        lang,
        value=number(found.perplexities[size]),
        best=best,
        lowest=number(found.perplexities[best]),
        unseen=f"{found.unseen[size]:.0%}",
    )
    return f"{first} {second}"


def tokens(by_length: Mapping[int, Frequencies], k: int, lang: str) -> str:
    """Return the sentences on what a vocabulary of `k` characters covers, and on Zipf's law."""
    characters, longest = by_length[1], by_length[max(by_length)]
    first = t(
        f"lesson.tokens.{'all' if k >= characters.distinct else 'covers'}",
        lang,
        k=k,
        vocab=f"{characters.distinct:,}",
        share=f"{characters.covered(k):.0%}",
        once=f"{characters.once:,}",
    )
    second = t(
        f"lesson.tokens.{'straight' if characters.is_straight else 'bent'}",
        lang,
        alpha=number(characters.alpha, 3),
        distinct=f"{longest.distinct:,}",
        longest=number(longest.alpha, 3),
    )
    return f"{first} {second}"


def k_steps(forecast: Forecast, k: int, lang: str) -> str:
    """Return the sentences on the error of predictions `k` steps ahead, compared with one step and with the mean."""
    errors = forecast.errors
    first = t(
        f"lesson.k-steps.{'alone' if k == 1 else 'compared'}",
        lang,
        k=k,
        one=number(errors[0], 3),
        noise=NOISE,
        error=number(errors[k - 1], 3),
        ratio=number(errors[k - 1] / errors[0], 2),
        mean=number(forecast.mean_error, 2),
    )
    if k == 1:
        return first
    return f"{first} {t('lesson.k-steps.fades', lang, k=k, swing=f'{forecast.swing(k):.0%}')}"


def powers(walk: Walk, lang: str) -> str:
    """Return the sentences on the length of a gradient after the book's number of time steps."""
    at = BOOK_STEPS
    fates = [fate(walk.plain[at]), fate(walk.squashed[at])]
    first = t(
        "lesson.powers.after",
        lang,
        steps=at,
        radius=f"{walk.rho:g}",
        plain=factor(walk.plain[at]),
        plain_fate=t(f"lesson.powers.fate.{fates[0]}", lang),
        tanh=factor(walk.squashed[at]),
        tanh_fate=t(f"lesson.powers.fate.{fates[1]}", lang),
    )
    cure = "explodes" if "explodes" in fates else "vanishes" if fates[1] in ("vanishes", "shrinks") else "holds"
    return f"{first} {t(f'lesson.powers.cure.{cure}', lang)}"


def factor(value: float) -> str:
    """Format a factor that may be very small or large: 0.017, 62, 1.3×10³, 3.5×10⁻⁷."""
    return number(value, 2) if 0.001 <= value < 1000 or value == 0 else scientific(value)


def reshaped(
    context: str, characters: list[str], before: Array, after: Array, temperature: float, top_k: int, lang: str
) -> str:
    """Return the sentence on what temperature and top-k do to the distribution after a context."""
    first = t(
        f"lesson.decoding.{'only' if len(characters) == 1 else 'kept'}",
        lang,
        context=literal(context),
        count=len(characters),
        character=literal(characters[0]),
        k=top_k,
        mass=probability_text(float(before[:top_k].sum())),
    )
    kind = "sharper" if temperature < 1 else "flatter"
    if temperature == 1:
        kind = "unchanged" if top_k >= len(characters) else "same"
    second = t(
        f"lesson.decoding.{kind}",
        lang,
        temperature=f"{temperature:g}",
        character=literal(characters[0]),
        before=probability_text(float(before[0])),
        after=probability_text(float(after[0])),
    )
    return f"{first} {second}"


def beam(size: int, found: Candidate, greedy: Candidate, most_probable: Candidate, lang: str) -> str:
    """Return the sentences on the text that a beam search found, compared with greedy search and the best text."""
    gain = found.score - greedy.score
    params = {"size": size, "found": signed(found.score), "greedy": signed(greedy.score)}
    kind = "greedy" if size == 1 else "better" if gain > 1e-9 else "worse" if gain < -1e-9 else "equal"
    first = t(f"lesson.decoding.beam.{kind}", lang, ratio=factor(math.exp(abs(gain))), **params)
    missing = most_probable.score - found.score
    last = "missed" if missing > 1e-9 else "reached"
    sentence = f"{first} {t(f'lesson.decoding.beam.{last}', lang, best=signed(most_probable.score))}"
    if repeats(most_probable.written):
        sentence = f"{sentence} {t('lesson.decoding.beam.repeats', lang)}"
    return sentence


def sampling(continuing: Mapping[str, int], batch_size: int, minibatch: int, lang: str) -> str:
    """Return the sentences on how many rows of a minibatch (from 1) continue the previous one, by kind of sampling."""
    if minibatch == 1:
        return t("lesson.sampling.first", lang)
    sentences = []
    for name in ("consecutive", "random"):
        count = continuing[name]
        kind = "all" if count == batch_size else "none" if not count else "some"
        sentences.append(t(f"lesson.sampling.{name}.{kind}", lang, count=count, batch=batch_size, number=minibatch))
    return " ".join(sentences)


def perplexity_of(probabilities: list[float], vocab_size: int, lang: str) -> str:
    """Return the sentence on a perplexity compared with uniform guessing."""
    value = perplexities.perplexity(probabilities)
    kind = perplexities.kind(value, vocab_size)
    return t(f"lesson.perplexity.is.{kind}", lang, perplexity=number(value, 4), vocab=vocab_size)


def clipping(clipped: Clipped, lang: str) -> str:
    """Return the sentence on the effect of clipping and the length of the step."""
    return t(
        f"lesson.clipping.{'shortened' if clipped.is_clipped else 'left'}",
        lang,
        norm=number(clipped.norm, 3),
        theta=f"{clipped.theta:g}",
        factor=number(clipped.factor, 3),
        rate=f"{clipped.learning_rate:g}",
        length=number(clipped.step_length, 3),
    )


def shape_sentence(
    count: int, other_count: int, cell: str, other_cell: str, layers: int, directions: int, lang: str
) -> str:
    """Return the sentences on the parameters of another cell and on the first axis of the state."""
    first = t(
        "lesson.shapes.what_if",
        lang,
        cell=t(f"value.cell.{cell}", lang),
        count=f"{count:,}",
        other=t(f"value.cell.{other_cell}", lang),
        other_count=f"{other_count:,}",
        ratio=f"{other_count / count:.2f}",
        blocks=len(CELLS[other_cell].gates),
    )
    memory = t(f"lesson.shapes.state_{'two' if len(CELLS[other_cell].states) > 1 else 'one'}", lang)
    where = t("lesson.shapes.where", lang, layers=layers, directions=directions, product=layers * directions)
    return f"{first} {memory} {where}"


def cell(kind: str, gate: Array | None, before: Array, after: Array, left: float | None, steps: int, lang: str) -> str:
    """Return the sentences on a step of a cell.

    Args:
        kind: "rnn", "gru" or "lstm".
        gate: values of the gate that keeps the old state; None for the RNN.
        before: the state before the step.
        after: the state after the step.
        left: share of the difference that is left after `steps` more steps without input; None without any difference.
        steps: number of these steps.
        lang: the language.
    """
    if gate is not None:
        shares = t("list.join", lang).join(f"{value:.0%}" for value in gate)
        first = t(f"lesson.{kind}.gate", lang, shares=shares)
    else:
        first = t("lesson.rnn.state", lang, before=_numbers(before), after=_numbers(after))
    if left is None:
        return f"{first} {t('lesson.cell.nothing', lang)}"
    fate = "kept" if left >= 0.5 else "fading" if left >= 0.05 else "gone"
    return f"{first} {t(f'lesson.cell.{fate}', lang, steps=steps, share=f'{left:.0%}')}"


def _numbers(values: Array) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ")"


def depth(name: str, descent: Descent, epoch: int, lang: str) -> str:
    """Return the sentence on the gradient of a run from the top layer down."""
    params: dict[str, Any] = {"name": name, "epoch": epoch, "layers": len(descent.norms), "dead": descent.dead}
    if descent.ratio is None:
        return t("lesson.depth.silent", lang, **params)
    params |= {"lowest": descent.lowest_alive}
    ratio = descent.ratio
    if descent.kind == "arrives" and ratio < 1:
        return t("lesson.depth.grows", lang, ratio=number(1 / ratio, 2), **params)
    return t(f"lesson.depth.{descent.kind}", lang, ratio=number(ratio, 2), **params)


def directions(character: str, moved: float, lang: str) -> str:
    """Return the sentence on whether the answer has been read.

    Args:
        character: the character to predict.
        moved: how much the prediction changes if this character is replaced.
        lang: the language.
    """
    kind = "leaks" if moved > 0 else "honest"
    return t(f"lesson.directions.{kind}", lang, character=literal(character), moved=number(moved, 2))


def written(perplexity: float | None, epoch: int, prefix: str, text: str, lang: str) -> str:
    """Return the sentence on the perplexity of the book's bidirectional network and on the loop in its text."""
    period = quotes.loop_period(text[len(prefix) :])
    params = {
        "perplexity": number(perplexity, 5),
        "epoch": epoch,
        "text": literal(text[: len(prefix) + 20]),
    }
    if period is None:
        return t("lesson.directions.writes", lang, **params)
    return t("lesson.directions.loops", lang, period=period, **params)
