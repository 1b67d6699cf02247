"""The sentences of the Diagnose page, computed from the examined run.

All functions are pure: numbers in, a translated sentence out. What a sentence claims is decided only here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis, EpochFinished
from rnnlab.text import quotes
from rnnlab.text.prefixes import brief
from rnnlab.view.data.highlight import literal
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import as_shown, number, percent, small

NEAR = 0.10
"""Relative difference up to which a perplexity counts as equal to the unigram perplexity."""
BADLY = 2.0
"""Ratio (of losses, norms, perplexities) from which a difference is mentioned."""
AGREES = 1.1
"""Ratio below which two perplexities count as equal, whichever is greater."""
PEAK = 0.05
"""How much the highest copied share exceeds that of the first and the last text where it is mentioned."""
SLOWER = 1.15
"""Ratio of times that exceeds the variation of the machine."""


# six layers


def plateau(history: History, unigram: float, lang: str) -> str:
    """Return the sentence on the curve and the unigram perplexity: on it, below it, or still above it."""
    last = history.last
    if last is None:
        return t("find.plateau.none", lang)
    if last.perplexity is None:
        return t("find.plateau.infinite", lang, epoch=last.epoch)
    ratio = as_shown(last.perplexity, 5) / as_shown(unigram)
    here = {"epoch": last.epoch, "perplexity": number(last.perplexity, 5), "unigram": number(unigram, 4)}
    if ratio < 1 - NEAR:
        crossed = next(
            event.epoch for event in history.epochs if event.perplexity is not None and event.perplexity < unigram
        )
        return t("find.plateau.left", lang, **here, crossed=crossed, times=number(1 / ratio, 2))
    if ratio > 1 + NEAR:
        return t("find.plateau.above", lang, **here, times=number(ratio, 3))
    since = _near_since(history.epochs, unigram)
    tail = [event.perplexity for event in history.epochs if event.epoch >= since and event.perplexity is not None]
    side = "over" if ratio >= 1 else "under"
    return t(
        f"find.plateau.{side}",
        lang,
        **here,
        share=percent(ratio - 1),
        since=since,
        count=len(tail),
        low=number(min(tail), 4),
        high=number(max(tail), 4),
    )


def _near_since(epochs: Sequence[EpochFinished], unigram: float) -> int:
    """Return the first epoch since which the perplexity has been within `NEAR` of `unigram`."""
    since = epochs[-1].epoch
    for event in reversed(epochs):
        if event.perplexity is None or abs(event.perplexity / unigram - 1) > NEAR:
            break
        since = event.epoch
    return since


def unigrams(predicted: float, whole: float | None, lang: str) -> str:
    """Return the sentence on why the unigram perplexity here is another number than on other pages.

    Args:
        predicted: over the characters that an epoch predicts.
        whole: over the whole text; None if it is not known.
        lang: the language.

    Returns:
        The sentence; "" if both are the same number.
    """
    here, there = number(predicted, 4), number(whole, 4)
    return "" if whole is None or here == there else t("find.unigrams", lang, predicted=here, whole=there)


def fixed_weights(history: History, epoch: int | None, diagnosis: Diagnosis, lang: str) -> str:
    """Return the sentence on why the perplexity of a diagnosis is another number than the curve's at its epoch.

    Returns:
        The sentence; "" if both are the same number, or the curve has none.
    """
    curve = next((event.perplexity for event in history.epochs if event.epoch == epoch), None)
    if curve is None or diagnosis.perplexity is None or number(curve, 4) == number(diagnosis.perplexity, 4):
        return ""
    return t("find.fixed_weights", lang, epoch=epoch, curve=number(curve, 4), fixed=number(diagnosis.perplexity, 4))


def above_unigram(diagnosis: Diagnosis) -> float:
    """Return how far the perplexity is above the unigram perplexity, as a share; infinite if it overflows."""
    if diagnosis.perplexity is None:
        return math.inf
    return as_shown(diagnosis.perplexity) / as_shown(diagnosis.unigram_perplexity) - 1


def verdict(diagnosis: Diagnosis, lang: str) -> str:
    """Return the sentence on whether the output is only the character frequencies, with the numbers that decide it."""
    if diagnosis.perplexity is None:
        return t("find.verdict.infinite", lang)
    apart = above_unigram(diagnosis)
    return t(
        "find.verdict.stuck" if diagnosis.stuck else "find.verdict.free",
        lang,
        perplexity=number(diagnosis.perplexity, 4),
        unigram=number(diagnosis.unigram_perplexity, 4),
        share=percent(apart),
        side=t("find.side.above" if apart >= 0 else "find.side.below", lang),
        kl=small(diagnosis.kl_to_unigram),
        sensitivity=small(diagnosis.sensitivity),
    )


def outputs(diagnosis: Diagnosis, config: TrainConfig, texts: Mapping[str, str], lang: str) -> str:
    """Return the sentence on the network's most probable character and how often generation chooses it.

    Args:
        diagnosis: the diagnosis.
        config: the settings of the run, including decoding.
        texts: the texts generated at the checkpoint, by prefix.
        lang: the language.
    """
    if not diagnosis.outputs:
        return t("find.outputs.none", lang)
    character, mean, frequency = max(diagnosis.outputs, key=lambda output: output[1])
    sentence = t(
        "find.outputs", lang, character=literal(character), mean=percent(mean), frequency=percent(frequency)
    )  # fmt: skip
    written = "".join(text[len(prefix) :] for prefix, text in texts.items())
    if not written:
        return sentence
    favourite, count = Counter(written).most_common(1)[0]
    share = count / len(written)
    greedy = config.decoding == "greedy" or (config.decoding == "top_k" and config.top_k == 1)
    if share > 0.9:
        key = "one" if favourite != character else "blanks" if greedy else "same"
        return together(
            lang, sentence, t(f"find.outputs.{key}", lang, character=literal(favourite), share=percent(share))
        )
    # greedy decoding varies only if the output changes; sampling varies even with a constant output
    key = "varied" if greedy else "drawn"
    return together(lang, sentence, t(f"find.outputs.{key}", lang, count=len(set(written)), length=len(written)))


def vanishing(norms: Sequence[float], epoch: int, lang: str) -> str:
    """Return the sentence on the share of the gradient that reaches the first layer.

    Args:
        norms: gradient norms from the first layer to the output layer.
        epoch: the epoch.
        lang: the language.
    """
    layers = norms[:-1]
    if len(layers) < 2:
        return t("find.vanish.single", lang)
    top, bottom = layers[-1], layers[0]
    params = {"epoch": epoch, "layers": len(layers), "top": number(top, 2), "bottom": number(bottom, 2)}
    if bottom == 0:
        zeros = sum(norm == 0 for norm in layers)
        return t("find.vanish.zero", lang, **params, zeros=zeros)
    ratio = top / bottom
    if ratio >= 100:
        return t("find.vanish.yes", lang, **params, power=round(math.log10(ratio)))
    if ratio >= BADLY:
        return t("find.vanish.some", lang, **params, times=number(ratio, 2))
    return t("find.vanish.no", lang, **params)


def denormal(diagnosis: Diagnosis, flushed: bool, lang: str) -> str:
    """Return the sentence on the share of denormal numbers in the gradient, which a diagnosis counts without flushing.

    Args:
        diagnosis: the diagnosis.
        flushed: whether the training flushed them, so that its gradients have zeros in their place.
        lang: the language.
    """
    shares = diagnosis.denormal_share_by_layer
    if not shares:
        return t("find.denormal.unknown", lang)
    most = max(range(len(shares)), key=lambda index: shares[index])
    if shares[most] == 0:
        return t("find.denormal.none", lang)
    layer = (
        t("chart.output_layer", lang)
        if most == len(shares) - 1 and len(shares) > 1
        else t("chart.layer", lang, number=most + 1)
    )
    sentence = t("find.denormal.some", lang, layer=layer, share=percent(shares[most]))
    return together(lang, sentence, t("find.denormal.flushed" if flushed else "find.denormal.kept", lang))


def slowdown(flushed: History, kept: History, lang: str) -> str:
    """Return the sentence on the cost of denormal numbers: the seconds per epoch with flushing and without.

    Of the epochs that both runs have, the later half is compared, in which the gradients have become small.
    """
    with_flushing = {event.epoch: event.seconds for event in flushed.epochs}
    without = {event.epoch: event.seconds for event in kept.epochs}
    both = sorted(with_flushing.keys() & without.keys())
    if len(both) < 4:
        return t("find.slow.few", lang, count=len(both))
    later = both[len(both) // 2 :]
    fast = sum(with_flushing[epoch] for epoch in later) / len(later)
    slow = sum(without[epoch] for epoch in later) / len(later)
    ratio = slow / fast
    key = "slower" if ratio > SLOWER else "faster" if ratio < 1 / SLOWER else "same"
    return t(
        f"find.slow.{key}",
        lang,
        first=later[0],
        last=later[-1],
        flushed=f"{fast:.3g}",
        kept=f"{slow:.3g}",
        times=number(ratio if ratio >= 1 else 1 / ratio, 2),
    )


@dataclass(frozen=True)
class Attempt:
    """A measured attempt to rescue a network that is stuck at the character frequencies."""

    title: str
    epoch: int
    perplexity: float | None
    ended: bool  # has been trained for all its epochs
    live: bool = False  # is training or queued


def rescued(perplexity: float | None, unigram: float) -> bool:
    """Return whether a perplexity is clearly below the unigram perplexity."""
    return perplexity is not None and perplexity < (1 - NEAR) * unigram


def standing(attempt: Attempt, unigram: float) -> Literal["works", "not_yet", "on_line", "fails"]:
    """Return the result of an attempt relative to the unigram perplexity; none fails while it trains."""
    if rescued(attempt.perplexity, unigram):
        return "works"
    if attempt.live:
        return "not_yet"
    return "on_line" if attempt.perplexity is not None and attempt.perplexity <= (1 + NEAR) * unigram else "fails"


def rescues(attempts: Sequence[Attempt], unigram: float, lang: str) -> str:
    """Return the sentences on which attempts fell below the unigram perplexity, which did not, and which may still."""
    measured = [attempt for attempt in attempts if attempt.epoch]
    if not measured:
        return t("find.rescue.none", lang)
    parts = []
    for key in ("works", "not_yet", "on_line", "fails"):
        group = [attempt for attempt in measured if standing(attempt, unigram) == key]
        if group:
            names = t("list.join", lang).join(
                f"{plain(attempt.title)} ({number(attempt.perplexity, 4)})" for attempt in group
            )
            values = {"names": names, "unigram": number(unigram, 4), "near": percent(NEAR)}
            parts.append(t(f"find.rescue.{key}", lang, **values))
    if any(not attempt.ended for attempt in measured):
        parts.append(t("find.rescue.running", lang))
    return together(lang, *parts)


# both directions


def reads_the_answer(diagnosis: Diagnosis, config: TrainConfig) -> bool:
    """Return whether the reported perplexity is that of a network which sees its targets."""
    return config.sees_the_answer and diagnosis.perplexity is not None and diagnosis.reads_the_answer


def leak(diagnosis: Diagnosis, config: TrainConfig, lang: str) -> str:
    """Return the sentence that compares the reported perplexity with predictions from the preceding text only."""
    if diagnosis.perplexity is None and diagnosis.honest_perplexity is None:
        return t("find.leak.infinite", lang)
    params = {"reported": number(diagnosis.perplexity, 5), "honest": number(diagnosis.honest_perplexity, 5)}
    if not config.bidirectional:
        return t("find.leak.one_way", lang, reported=params["reported"])
    ratio = diagnosis.leak_ratio
    if ratio is None:  # one of the perplexities is infinite
        ratio = math.inf if diagnosis.honest_perplexity is None else 0.0
    params["times"] = number(ratio if math.isfinite(ratio) else None, 3)
    if config.objective == "cloze":
        return t("find.leak.cloze", lang, **params)
    if reads_the_answer(diagnosis, config):
        return t("find.leak.yes", lang, **params)
    key = "better" if ratio <= 1 / AGREES else "no" if ratio < AGREES else "little"
    return t(f"find.leak.{key}", lang, **params)


def position(diagnosis: Diagnosis, config: TrainConfig, lang: str) -> str:
    """Return the sentence on where in the window the loss is large (at the last, at the first position) and why."""
    losses = diagnosis.loss_by_position
    if len(losses) < 3:
        return t("find.position.few", lang)
    first, last = losses[0], losses[-1]
    others = sum(losses[:-1]) / (len(losses) - 1)
    before = sum(losses[1:-1]) / (len(losses) - 2)
    # of a memorised text all losses are small, so their ratio decides
    if last > BADLY * others and last == max(losses):
        kind = "last" if config.sees_the_answer else "last_cloze" if config.bidirectional else "last_one_way"
        return t(
            f"find.position.{kind}",
            lang,
            count=len(losses),
            last=number(last, 3),
            others=number(others, 2),
            times=number(last / others, 2) if others > 1e-9 else "∞",
        )
    if first > 1.25 * before and first - before > 0.1:
        key = "first" if config.sampling == "random" else "first_carried"
        return t(f"find.position.{key}", lang, first=number(first, 3), others=number(before, 3))
    return t("find.position.flat", lang, last=number(last, 3), others=number(others, 3))


def loops(texts: Mapping[str, str], lang: str) -> str:
    """Return the sentences on the loops at the ends of the texts."""
    if not texts:
        return t("find.loop.untold", lang)
    parts = []
    for prefix, text in texts.items():
        generated = text[len(prefix) :]
        period = quotes.loop_period(generated)
        if period:
            loop = literal(generated[-period:][:20])
            if period == 1:
                parts.append(t("find.loop.one", lang, prefix=plain(brief(prefix)), loop=loop))
            else:
                parts.append(t("find.loop.yes", lang, prefix=plain(brief(prefix)), period=period, loop=loop))
        else:
            parts.append(t("find.loop.no", lang, prefix=plain(brief(prefix))))
    return together(lang, *parts)


def why_loops(diagnosis: Diagnosis | None, config: TrainConfig, texts: Mapping[str, str], lang: str) -> str:
    """Return the sentence on why a network that copies the following character repeats itself; "" if it does not.

    Args:
        diagnosis: the diagnosis, or None.
        config: the settings of the run.
        texts: the generated texts, by prefix.
        lang: the language.
    """
    if diagnosis is None or not reads_the_answer(diagnosis, config):
        return ""
    looping = any(quotes.loop_period(text[len(prefix) :]) for prefix, text in texts.items())
    return t("leak.loops.why", lang) if looping else ""


def carries_to_the_wrong_end(config: TrainConfig) -> bool:
    """Return whether the backward direction begins a window with the state of another place of the text."""
    return config.sees_the_answer and config.sampling == "consecutive"


def wrong_end(config: TrainConfig, lang: str) -> str:
    """Return the sentence on the states with which a network trained with `config` begins a window."""
    if config.sees_the_answer:
        if config.sampling == "random":
            return t("find.wrong_end.random", lang)
        return t("find.wrong_end.carried", lang, steps=config.num_steps)
    kind = "cloze" if config.bidirectional else "one_way"
    return t(f"find.wrong_end.{kind}_random" if config.sampling == "random" else f"find.wrong_end.{kind}", lang)


def gaps(cloze: Mapping[str, float | int], one_way: Mapping[str, float | int], held_out: bool, lang: str) -> str:
    """Return the sentence on which of two networks fills more gaps, given "accuracy", "top5" and "num" of each."""
    both, one_direction, num = float(cloze["accuracy"]), float(one_way["accuracy"]), int(cloze["num"])
    # twice the standard error of the difference of two shares
    noise = 2 * math.sqrt((both * (1 - both) + one_direction * (1 - one_direction)) / max(num, 1))
    key = "same" if abs(both - one_direction) <= noise else "cloze" if both > one_direction else "one_way"
    where = t("find.gaps.held_out" if held_out else "find.gaps.train", lang)
    return t(f"find.gaps.{key}", lang, where=where, both=percent(both), one=percent(one_direction), num=num)


# clipping


def clipping(history: History, theta: float, optimizer: str, lang: str) -> str:
    """Return the sentence on the effect of clipping in a run, or the effect it would have had at `theta`.

    If clipping was changed during training, only the epochs with the newest threshold count.

    Args:
        history: the run.
        theta: the threshold, if the run does not clip.
        optimizer: the optimiser of the run; Adam divides the gradient by its own scale. "" leaves the optimiser out.
        lang: the language.
    """
    rows = history.epochs
    if not rows:
        return t("find.plateau.none", lang)
    thresholds = [event.clip_norm for event in rows if event.clip_norm is not None]
    theta = thresholds[-1] if thresholds else theta
    counted = [event for event in rows if event.clip_norm == theta] or rows
    norm = sum(event.grad_norm for event in counted) / len(counted)
    times = as_shown(norm, 3) / as_shown(theta, 3)
    params = {"norm": number(norm, 3), "theta": number(theta, 3), "times": number(times, 2)}
    scaled = t("find.clip.adam", lang) if optimizer == "adam" and norm > theta else ""
    if not thresholds:
        return together(lang, t("find.clip.would" if norm > theta else "find.clip.idle", lang, **params), scaled)
    params["share"] = percent(sum(event.clipped_share for event in counted) / len(counted))
    if len(counted) < len(rows):
        return together(lang, t("find.clip.part", lang, count=len(counted), total=len(rows), **params), scaled)
    return together(lang, t("find.clip.on", lang, **params), scaled)


def switch(off: History, on: History, unigram: float, lang: str) -> str:
    """Return the sentence on the effect of clipping at the last epoch that both runs have."""
    both = sorted({event.epoch for event in off.epochs} & {event.epoch for event in on.epochs})
    if not both:
        return t("find.switch.none", lang)
    epoch = both[-1]
    without, with_ = off.at(epoch), on.at(epoch)
    assert without is not None
    assert with_ is not None
    # clipping may have been changed during training: count only the epochs with clipping
    shares = [event.clipped_share for event in on.epochs if event.epoch <= epoch and event.clip_norm is not None]
    params = {
        "epoch": epoch,
        "off": number(without.perplexity, 4),
        "on": number(with_.perplexity, 4),
        "share": percent(sum(shares) / max(len(shares), 1)),
    }
    if not any(shares):
        return t("find.switch.idle", lang, **params)
    if abs(without.loss - with_.loss) < 0.01:
        return t("find.switch.same", lang, **params)
    if with_.loss < without.loss:
        return t("find.switch.better", lang, **params)
    if with_.perplexity is None or with_.perplexity > (1 - NEAR) * unigram > (without.perplexity or math.inf):
        return t("find.switch.stuck", lang, **params, unigram=number(unigram, 4))
    return t("find.switch.slower", lang, **params)


# overfitting


def overfitting(points: Mapping[int, tuple[float | None, float | None]], lang: str) -> str:
    """Return the sentence on held-out and training perplexity; `points` by epoch: (training, held-out)."""
    known = {epoch: (train, held) for epoch, (train, held) in sorted(points.items()) if train and held}
    if not known:
        return t("find.over.none", lang)
    epoch = max(known)
    train, held = known[epoch]
    now = {
        "epoch": epoch,
        "train": number(train, 4),
        "held": number(held, 4),
        "times": number(as_shown(held) / as_shown(train), 3),
    }
    if len(known) == 1:
        return t("find.over.one" if held > BADLY * train else "find.over.close", lang, **now)
    best = min(known, key=lambda epoch: known[epoch][1])
    lowest = known[best][1]
    if best < epoch and held > 1.02 * lowest and train < known[best][0]:
        return t("find.over.rises", lang, **now, best=best, lowest=number(lowest, 4))
    if held > BADLY * train:
        return t("find.over.gap", lang, **now)
    return t("find.over.close", lang, **now)


def sample(lowest: EpochFinished | None, lang: str) -> str:
    """Return the sentence on the lowest perplexity measured during training, on a sample of the held-out text."""
    if lowest is None:
        return ""
    return t("find.over.sample", lang, epoch=lowest.epoch, perplexity=number(lowest.held_out_perplexity, 4))


def unknown(diagnosis: Diagnosis, length: int | None, lang: str) -> str:
    """Return the sentence on the held-out characters that were predicted and those that were left out.

    Args:
        diagnosis: the diagnosis.
        length: the length of the held-out text; None if it is not on this machine.
        lang: the language.
    """
    count, unknown = diagnosis.held_out_chars, diagnosis.held_out_unknown
    if not count and not unknown:
        return t("find.unknown.no_text", lang)
    if not unknown:
        return t("find.unknown.none", lang, count=f"{count:,}")
    if length is None:
        return t("find.unknown.some", lang, count=f"{count:,}", unknown=f"{unknown:,}")
    return t(
        "find.unknown.of_all",
        lang,
        length=f"{length:,}",
        count=f"{count:,}",
        unknown=f"{unknown:,}",
        share=percent(unknown / length),
        rest=f"{length - count - unknown:,}",
    )


def longest(lengths: Mapping[int, int], lang: str) -> str:
    """Return the sentence on the longest quote in the newest texts, "" without quotes; `lengths` by epoch."""
    epoch = max(lengths, default=0)
    count = lengths.get(epoch, 0)
    return t("find.copy.longest", lang, epoch=epoch, count=count) if count else ""


def copying(coverage: Mapping[int, float], lang: str) -> str:
    """Return the sentence on the change of the copied share of the texts; `coverage` by epoch, 0 to 1."""
    if not coverage:
        return t("find.copy.none", lang)
    first, last = min(coverage), max(coverage)
    if len(coverage) == 1:
        return t("find.copy.one", lang, epoch=last, share=percent(coverage[last]))
    values = {"first": first, "last": last, "before": percent(coverage[first]), "after": percent(coverage[last])}
    top = max(coverage, key=lambda epoch: (coverage[epoch], epoch))
    if coverage[top] - max(coverage[first], coverage[last]) > PEAK:
        return t("find.copy.peak", lang, **values, top=top, most=percent(coverage[top]))
    change = coverage[last] - coverage[first]
    return t(f"find.copy.{'more' if change > 0.05 else 'less' if change < -0.05 else 'same'}", lang, **values)
