"""What a diagnosis found, in sentences worked out from the run in front of the reader.

Every function is pure: numbers in, one translated sentence out, another one where something else came out. What a
sentence claims is decided here and nowhere else.
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
from rnnlab.view.data.highlight import literal
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number, percent, small

NEAR = 0.10
"""A perplexity this close to the unigram value, relatively, counts as standing there."""
BADLY = 2.0
"""A ratio from which on a difference is called one: of a loss, a norm, a perplexity."""
AGREES = 1.1
"""Two perplexities whose ratio is below this, whichever is the greater, count as the same."""
SLOWER = 1.15
"""A ratio of times that is more than what the machine varies by."""


# six layers


def plateau(history: History, unigram: float, lang: str) -> str:
    """Say how the curve stands to the unigram perplexity: lying on it, through it, or still above."""
    last = history.last
    if last is None:
        return t("find.plateau.none", lang)
    if last.perplexity is None:
        return t("find.plateau.infinite", lang, epoch=last.epoch)
    ratio = last.perplexity / unigram
    here = {"epoch": last.epoch, "perplexity": number(last.perplexity, 5), "unigram": number(unigram, 4)}
    if ratio < 1 - NEAR:
        crossed = next(one.epoch for one in history.epochs if one.perplexity is not None and one.perplexity < unigram)
        return t("find.plateau.left", lang, **here, crossed=crossed, times=number(1 / ratio, 2))
    if ratio > 1 + NEAR:
        return t("find.plateau.above", lang, **here, times=number(ratio, 3))
    since = _near_since(history.epochs, unigram)
    tail = [one.perplexity for one in history.epochs if one.epoch >= since and one.perplexity is not None]
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
    """Return the first epoch from which on the perplexity has not left the neighbourhood of `unigram`."""
    since = epochs[-1].epoch
    for one in reversed(epochs):
        if one.perplexity is None or abs(one.perplexity / unigram - 1) > NEAR:
            break
        since = one.epoch
    return since


def verdict(found: Diagnosis, lang: str) -> str:
    """Say whether the network reports frequencies only, with the three numbers that it is judged by."""
    if found.perplexity is None:
        return t("find.verdict.infinite", lang)
    apart = found.perplexity / found.unigram_perplexity - 1
    return t(
        "find.verdict.stuck" if found.stuck else "find.verdict.free",
        lang,
        perplexity=number(found.perplexity, 4),
        unigram=number(found.unigram_perplexity, 4),
        share=percent(apart),
        side=t("find.side.above" if apart >= 0 else "find.side.below", lang),
        kl=small(found.kl_to_unigram),
        sensitivity=small(found.sensitivity),
    )


def outputs(found: Diagnosis, config: TrainConfig, texts: Mapping[str, str], lang: str) -> str:
    """Say how the network's favourite character compares with the text, and what the way of writing makes of it.

    Args:
        found: the diagnosis.
        config: the settings of the run; how it writes is among them.
        texts: what it wrote at that checkpoint, by prefix.
        lang: the language.
    """
    if not found.outputs:
        return t("find.outputs.none", lang)
    character, mean, frequency = max(found.outputs, key=lambda one: one[1])
    said = t(
        "find.outputs", lang, character=literal(character), mean=percent(mean), frequency=percent(frequency)
    )  # fmt: skip
    written = "".join(text[len(prefix) :] for prefix, text in texts.items())
    if not written:
        return said
    favourite, count = Counter(written).most_common(1)[0]
    share = count / len(written)
    greedy = config.decoding == "greedy" or (config.decoding == "top_k" and config.top_k == 1)
    if share > 0.9:
        key = "one" if favourite != character else "blanks" if greedy else "same"
        return f"{said} {t(f'find.outputs.{key}', lang, character=literal(favourite), share=percent(share))}"
    # who takes the most probable character writes another one only where the output has changed; who draws does so
    # from an output that never changes, too
    key = "varied" if greedy else "drawn"
    return f"{said} {t(f'find.outputs.{key}', lang, count=len(set(written)), length=len(written))}"


def vanishing(norms: Sequence[float], epoch: int, lang: str) -> str:
    """Say how much of the gradient reaches the first layer; `norms` from the first layer to the output layer."""
    layers = norms[:-1]
    if len(layers) < 2:
        return t("find.vanish.single", lang)
    top, bottom = layers[-1], layers[0]
    params = {"epoch": epoch, "layers": len(layers), "top": number(top, 2), "bottom": number(bottom, 2)}
    if bottom == 0:
        zeros = sum(one == 0 for one in layers)
        return t("find.vanish.zero", lang, **params, zeros=zeros)
    ratio = top / bottom
    if ratio >= 100:
        return t("find.vanish.yes", lang, **params, power=round(math.log10(ratio)))
    if ratio >= BADLY:
        return t("find.vanish.some", lang, **params, times=number(ratio, 2))
    return t("find.vanish.no", lang, **params)


def denormal(found: Diagnosis, lang: str) -> str:
    """Say how many of the gradient's numbers are denormal."""
    shares = found.denormal_share_by_layer
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
    return t("find.denormal.some", lang, layer=layer, share=percent(shares[most]))


def slowdown(flushed: History, kept: History, lang: str) -> str:
    """Say what denormal numbers cost here: the seconds of an epoch with flushing and without.

    Only epochs that both runs have count, and of those the later half, where the gradients have become small.
    """
    mine = {one.epoch: one.seconds for one in flushed.epochs}
    other = {one.epoch: one.seconds for one in kept.epochs}
    both = sorted(mine.keys() & other.keys())
    if len(both) < 4:
        return t("find.slow.few", lang, count=len(both))
    later = both[len(both) // 2 :]
    fast = sum(mine[epoch] for epoch in later) / len(later)
    slow = sum(other[epoch] for epoch in later) / len(later)
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
    """One way of rescuing a network that is stuck, as it was measured."""

    title: str
    epoch: int
    perplexity: float | None
    ended: bool  # trained for all its epochs
    live: bool = False  # still trains, or waits to


def rescued(perplexity: float | None, unigram: float) -> bool:
    """Say whether a perplexity has left the neighbourhood of the unigram value downwards."""
    return perplexity is not None and perplexity < (1 - NEAR) * unigram


def standing(attempt: Attempt, unigram: float) -> Literal["works", "not_yet", "on_line", "fails"]:
    """Say how an attempt stands: below the unigram line, on it, or above it; none has failed while it trains."""
    if rescued(attempt.perplexity, unigram):
        return "works"
    if attempt.live:
        return "not_yet"
    return "on_line" if attempt.perplexity is not None and attempt.perplexity <= (1 + NEAR) * unigram else "fails"


def rescues(attempts: Sequence[Attempt], unigram: float, lang: str) -> str:
    """Say which of the attempts got off the unigram line, which did not, and which may still."""
    measured = [one for one in attempts if one.epoch]
    if not measured:
        return t("find.rescue.none", lang)
    said = []
    for key in ("works", "not_yet", "on_line", "fails"):
        group = [one for one in measured if standing(one, unigram) == key]
        if group:
            names = t("list.join", lang).join(f"{plain(one.title)} ({number(one.perplexity, 4)})" for one in group)
            values = {"names": names, "unigram": number(unigram, 4), "near": percent(NEAR)}
            said.append(t(f"find.rescue.{key}", lang, **values))
    if any(not one.ended for one in measured):
        said.append(t("find.rescue.running", lang))
    return " ".join(said)


# both directions


def sees_ahead(config: TrainConfig) -> bool:
    """Say whether what a network is to predict is among what it reads: both ways, and not trained to fill gaps."""
    return config.bidirectional and config.objective == "next"


def reads_the_answer(found: Diagnosis, config: TrainConfig) -> bool:
    """Say whether the reported perplexity is that of a network which looks at what it is to predict."""
    return sees_ahead(config) and found.perplexity is not None and found.reads_the_answer


def leak(found: Diagnosis, config: TrainConfig, lang: str) -> str:
    """Say whether the reported perplexity holds up when each character is predicted from its prefix only."""
    if found.perplexity is None and found.honest_perplexity is None:
        return t("find.leak.infinite", lang)
    params = {"reported": number(found.perplexity, 5), "honest": number(found.honest_perplexity, 5)}
    if not config.bidirectional:
        return t("find.leak.one_way", lang, reported=params["reported"])
    ratio = found.leak_ratio
    if ratio is None:  # one of the two is infinite
        ratio = math.inf if found.honest_perplexity is None else 0.0
    params["times"] = number(ratio if math.isfinite(ratio) else None, 3)
    if config.objective == "cloze":
        return t("find.leak.cloze", lang, **params)
    if reads_the_answer(found, config):
        return t("find.leak.yes", lang, **params)
    key = "better" if ratio <= 1 / AGREES else "no" if ratio < AGREES else "little"
    return t(f"find.leak.{key}", lang, **params)


def position(found: Diagnosis, config: TrainConfig, lang: str) -> str:
    """Say where in the window the loss is large: at its last position, at its first, or nowhere; and why there."""
    losses = found.loss_by_position
    if len(losses) < 3:
        return t("find.position.few", lang)
    first, last = losses[0], losses[-1]
    others = sum(losses[:-1]) / (len(losses) - 1)
    before = sum(losses[1:-1]) / (len(losses) - 2)
    # of a text known by heart all losses are small: it is their ratio that tells
    if last > BADLY * others and last == max(losses):
        kind = "last" if sees_ahead(config) else "last_cloze" if config.bidirectional else "last_one_way"
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
    """Say which of the texts end in a loop, and of which characters."""
    if not texts:
        return t("find.loop.untold", lang)
    said = []
    for prefix, text in texts.items():
        generated = text[len(prefix) :]
        period = quotes.loop_period(generated)
        if period:
            loop = literal(generated[-period:][:20])
            if period == 1:
                said.append(t("find.loop.one", lang, prefix=plain(prefix), loop=loop))
            else:
                said.append(t("find.loop.yes", lang, prefix=plain(prefix), period=period, loop=loop))
        else:
            said.append(t("find.loop.no", lang, prefix=plain(prefix)))
    return " ".join(said)


def why_loops(found: Diagnosis | None, config: TrainConfig, texts: Mapping[str, str], lang: str) -> str:
    """Say why a network that has learned to copy what follows goes round in circles; "" where it did not, or does not.

    Args:
        found: the diagnosis, where there is one.
        config: the settings of the run.
        texts: what it wrote, by prefix.
        lang: the language.
    """
    if found is None or not reads_the_answer(found, config):
        return ""
    looping = any(quotes.loop_period(text[len(prefix) :]) for prefix, text in texts.items())
    return t("leak.loops.why", lang) if looping else ""


def carries_to_the_wrong_end(config: TrainConfig) -> bool:
    """Say whether the backward half of a network begins a window with a state from another place."""
    return sees_ahead(config) and config.sampling == "consecutive"


def wrong_end(config: TrainConfig, lang: str) -> str:
    """Say with which state a network begins a window, and from where, as `config` trains it."""
    if sees_ahead(config):
        if config.sampling == "random":
            return t("find.wrong_end.random", lang)
        return t("find.wrong_end.carried", lang, steps=config.num_steps)
    kind = "cloze" if config.bidirectional else "one_way"
    return t(f"find.wrong_end.{kind}_random" if config.sampling == "random" else f"find.wrong_end.{kind}", lang)


def gaps(cloze: Mapping[str, float | int], one_way: Mapping[str, float | int], held_out: bool, lang: str) -> str:
    """Say which of two networks fills more gaps, on the same gaps; each {"accuracy", "top5", "num"}."""
    both, one, num = float(cloze["accuracy"]), float(one_way["accuracy"]), int(cloze["num"])
    # twice the standard error of a difference of two shares
    noise = 2 * math.sqrt((both * (1 - both) + one * (1 - one)) / max(num, 1))
    key = "same" if abs(both - one) <= noise else "cloze" if both > one else "one_way"
    where = t("find.gaps.held_out" if held_out else "find.gaps.train", lang)
    return t(f"find.gaps.{key}", lang, where=where, both=percent(both), one=percent(one), num=num)


# clipping


def clipping(history: History, theta: float, lang: str) -> str:
    """Say what clipping did in a run while it was on, or what it would have done at `theta`.

    It may have been switched or moved by hand: then only the epochs with the newest threshold count.
    """
    rows = history.epochs
    if not rows:
        return t("find.plateau.none", lang)
    thresholds = [one.clip_norm for one in rows if one.clip_norm is not None]
    theta = thresholds[-1] if thresholds else theta
    counted = [one for one in rows if one.clip_norm == theta] or rows
    norm = sum(one.grad_norm for one in counted) / len(counted)
    params = {"norm": number(norm, 2), "theta": number(theta, 3), "times": number(norm / theta, 2)}
    if not thresholds:
        return t("find.clip.would" if norm > theta else "find.clip.idle", lang, **params)
    params["share"] = percent(sum(one.clipped_share for one in counted) / len(counted))
    if len(counted) < len(rows):
        return t("find.clip.part", lang, count=len(counted), total=len(rows), **params)
    return t("find.clip.on", lang, **params)


def switch(off: History, on: History, unigram: float, lang: str) -> str:
    """Say what switching the clipping on changed, at the last epoch that both runs have."""
    both = sorted({one.epoch for one in off.epochs} & {one.epoch for one in on.epochs})
    if not both:
        return t("find.switch.none", lang)
    epoch = both[-1]
    without, with_ = off.at(epoch), on.at(epoch)
    assert without is not None
    assert with_ is not None
    # it may have been switched by hand: of the epochs so far, those with clipping on
    shares = [one.clipped_share for one in on.epochs if one.epoch <= epoch and one.clip_norm is not None]
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
    """Say how held-out and training perplexity part; `points` by epoch: (training, held-out)."""
    known = {epoch: (train, held) for epoch, (train, held) in sorted(points.items()) if train and held}
    if not known:
        return t("find.over.none", lang)
    epoch = max(known)
    train, held = known[epoch]
    now = {"epoch": epoch, "train": number(train, 4), "held": number(held, 4), "times": number(held / train, 3)}
    if len(known) == 1:
        return t("find.over.one" if held > BADLY * train else "find.over.close", lang, **now)
    best = min(known, key=lambda one: known[one][1])
    lowest = known[best][1]
    if best < epoch and held > 1.02 * lowest and train < known[best][0]:
        return t("find.over.rises", lang, **now, best=best, lowest=number(lowest, 4))
    if held > BADLY * train:
        return t("find.over.gap", lang, **now)
    return t("find.over.close", lang, **now)


def unknown(found: Diagnosis, lang: str) -> str:
    """Say how many characters of the held-out text were left out, as the vocabulary does not have them."""
    if not found.held_out_chars and not found.held_out_unknown:
        return t("find.unknown.no_text", lang)
    total = found.held_out_chars + found.held_out_unknown
    if not found.held_out_unknown:
        return t("find.unknown.none", lang, count=total)
    share = percent(found.held_out_unknown / total)
    return t("find.unknown.some", lang, count=found.held_out_chars, unknown=found.held_out_unknown, share=share)


def longest(lengths: Mapping[int, int], lang: str) -> str:
    """Say how long the longest copied run of the newest texts is; "" where nothing is copied. `lengths` by epoch."""
    epoch = max(lengths, default=0)
    count = lengths.get(epoch, 0)
    return t("find.copy.longest", lang, epoch=epoch, count=count) if count else ""


def copying(coverage: Mapping[int, float], lang: str) -> str:
    """Say how the copied share of the texts moved; `coverage` by epoch, 0 to 1."""
    if not coverage:
        return t("find.copy.none", lang)
    first, last = min(coverage), max(coverage)
    if len(coverage) == 1:
        return t("find.copy.one", lang, epoch=last, share=percent(coverage[last]))
    change = coverage[last] - coverage[first]
    key = "more" if change > 0.05 else "less" if change < -0.05 else "same"
    return t(
        f"find.copy.{key}", lang, first=first, last=last, before=percent(coverage[first]), after=percent(coverage[last])
    )
