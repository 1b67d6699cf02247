"""From the events of a run to what is drawn: one history that grows, and Arrow tables made from it.

Arrow bytes go to the browser as they are, which costs a twentieth of a DataFrame; charts name the tables by the keys
of `curve_tables` and `gradient_tables`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from rnnlab.config import TrainConfig
from rnnlab.events import (
    EpochFinished,
    SettingChanged,
)
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page.arrow import ipc
from rnnlab.view.page.style import ceiling

_F, _S = pa.float64(), pa.string()
LINE = {"epoch": _F, "value": _F, "shown": _S}
POINTS = {"epoch": _F, "value": _F, "shown": _S, "label": _S, "fill": _F}
RULES = {"value": _F, "label": _S, "end": _F, "order": _F}
MARKS = {"epoch": _F, "label": _S, "row": _F}
OVERFLOW = {"epoch": _F, "value": _F, "shown": _S, "label": _S}
LAYERS = {"epoch": _F, "value": _F, "layer": _S, "after": _S}
CURVE = EXTENT = {"epoch": _F, "value": _F}


# of a reference line, as a share of the height of the chart
_LABEL_HEIGHT = 0.055


MAX_TARGETS = 100
"""Epochs of a curve that can be hovered over, besides those after which the network wrote."""


def curve_tables(history: History, vocab_size: float, lang: str) -> dict[str, bytes]:
    """Return the tables of the curve that grow with the run: ``curve``, ``targets``, and so on."""
    top = ceiling(vocab_size)

    def place(perplexity: float | None) -> float:
        return top if perplexity is None else min(max(perplexity, 1.0), top)

    rows = history.epochs

    def line(some: Sequence[EpochFinished]) -> dict[str, list[Any]]:
        return {
            "epoch": [float(one.epoch) for one in some],
            "value": [place(one.perplexity) for one in some],
            "shown": [number(one.perplexity, 5) for one in some],
        }

    curve = {"epoch": [float(one.epoch) for one in rows], "value": [place(one.perplexity) for one in rows]}
    # each point that can be hovered over costs the browser a shape and a part of its map of nearest points
    written = [i for i, one in enumerate(rows) if one.epoch in history.texts]
    hovered = [rows[i] for i in thin(len(rows), MAX_TARGETS, written)]
    over = [one for one in rows if one.perplexity is None or one.perplexity > top]
    overflow = {
        "epoch": [float(one.epoch) for one in over],
        "value": [top for _ in over],
        "shown": [number(one.perplexity, 5) for one in over],
        # only where the curve leaves the chart
        "label": [
            "" if i and over[i - 1].epoch == one.epoch - 1 else number(one.perplexity, 3) for i, one in enumerate(over)
        ],
    }
    grains = history.minibatches
    minibatches = {
        "epoch": [one.epoch - 1 + one.minibatch / one.num_minibatches for one in grains],
        "value": [math.exp(min(max(one.loss, 0.0), math.log(top))) for one in grains],
        "shown": [number(math.exp(one.loss) if one.loss < 35 else None, 4) for one in grains],
    }
    changes = {
        "epoch": [_position(one, history) for one in history.changes],
        "label": [change_label(one.name, one.value, lang) for one in history.changes],
        "row": [float(i % 4) for i in range(len(history.changes))],
    }
    return {
        "curve": ipc(curve, CURVE),
        "head": ipc({name: column[-1:] for name, column in curve.items()}, CURVE),
        "targets": ipc(line(hovered), LINE),
        "overflow": ipc(overflow, OVERFLOW),
        "minibatches": ipc(minibatches, LINE),
        "changes": ipc(changes, MARKS),
    }


def change_label(name: str, value: float | None, lang: str) -> str:
    """Say a change of a setting in a few characters, e.g. ``lr 50`` or ``θ off``."""
    if name == "learning_rate":
        return t("chart.change_lr", lang, value=number(value, 3))
    return t("chart.change_clip_off", lang) if value is None else t("chart.change_clip", lang, value=number(value, 3))


def _position(change: SettingChanged, history: History) -> float:
    per_epoch = history.started.num_minibatches if history.started else 0
    return change.epoch + (change.minibatch / per_epoch if per_epoch else 0.0)


def reference_tables(
    config: TrainConfig,
    ladder: Ladder,
    published: Sequence[tuple[int, float]],
    other: Sequence[tuple[int, float]],
    same_corpus: bool,
    lang: str,
) -> dict[str, bytes]:
    """Return the tables that stay still during a run: ``published``, ``ladder``, ``extent``.

    Published points are filled where the run uses the book's corpus, hollow and labelled otherwise; those beyond the
    run's last epoch would squeeze its curve, and wait until it is continued so far.
    """
    end = float(max(config.num_epochs, 1))
    points = [*((*point, False) for point in published), *((*point, True) for point in other)]
    points = [point for point in points if point[0] <= end]
    labels = [""] * len(points)
    if points and not same_corpus:
        labels[0] = t("chart.books_corpus", lang)
    table = {
        "epoch": [float(epoch) for epoch, _, _ in points],
        "value": [float(value) for _, value, _ in points],
        "shown": [number(value, 5) for _, value, _ in points],
        "label": labels,
        "fill": [1.0 if same_corpus and not second else 0.0 for _, _, second in points],
    }
    rungs = [order for order in range(4) if order in ladder]
    top = ladder.get(0, 1000.0) * 1.6
    names = {order: f"{t(f'ngram.{order}', lang)} {number(ladder[order], 4)}" for order in rungs}
    for upper, lower in ((0, 1), (2, 3)):  # on the same side of the chart: one label where there is no room for two
        if lower in names and math.log(ladder[upper] / ladder[lower]) < _LABEL_HEIGHT * math.log(top):
            names[upper], names[lower] = f"{names[upper]} · {names[lower]}", ""
    rules = {
        "value": [ladder[order] for order in rungs],
        "label": [names[order] for order in rungs],
        "end": [end if order < 2 else 0.0 for order in rungs],
        "order": [float(order) for order in rungs],
    }
    return {
        "published": ipc(table, POINTS),
        "ladder": ipc(rules, RULES),
        "extent": ipc({"epoch": [0.0, end * 1.015], "value": [1.0, top]}, EXTENT),
    }


def now_table(history: History, epoch: int | None, vocab_size: float) -> bytes:
    """Return the table ``now``: the one point at which the reader looks, or none."""
    found = history.at(epoch) if epoch is not None else None
    if found is None:
        return ipc({"epoch": [], "value": [], "shown": []}, LINE)
    top = ceiling(vocab_size)
    value = top if found.perplexity is None else min(max(found.perplexity, 1.0), top)
    return ipc({"epoch": [float(found.epoch)], "value": [value], "shown": [number(found.perplexity, 5)]}, LINE)


def gradient_tables(history: History, lang: str) -> dict[str, bytes]:
    """Return the tables of the gradient charts: ``layers`` (norm by layer), ``threshold`` (θ), ``clipped`` (share).

    A row of ``layers`` has the norm after clipping beside the one before it, as text; nothing where it was not
    recorded. The norm of the whole network after clipping is a line of its own in a run in which something was clipped.
    """
    rows = history.epochs
    names = layer_names(max((len(one.grad_norm_by_layer) for one in rows), default=0), lang)
    epochs: list[float] = []
    values: list[float] = []
    layers: list[str] = []
    afters: list[str] = []
    ever_clipped = any(one.clipped_share > 0 for one in rows)
    whole, clipped = t("chart.all_layers", lang), t("chart.all_layers_clipped", lang)
    for one in rows:
        after = one.after_clipping()
        after_norms = (after[0], *after[1]) if after is not None else ()
        norms = zip_longest((one.grad_norm, *one.grad_norm_by_layer), after_norms)
        series = [(layer, *pair) for layer, pair in zip((whole, *names), norms, strict=False)]
        if after is not None and ever_clipped and one.clip_norm is not None:
            series.append((clipped, after[0], after[0]))
        for layer, value, shortened in series:
            if value > 0 and math.isfinite(value):
                epochs.append(float(one.epoch))
                values.append(value)
                layers.append(layer)
                afters.append("" if shortened is None else number(shortened, 3))
    clipping = [one for one in rows if one.clip_norm is not None]
    return {
        "layers": ipc({"epoch": epochs, "value": values, "layer": layers, "after": afters}, LAYERS),
        "threshold": ipc(
            {
                "epoch": [float(one.epoch) for one in clipping],
                "value": [one.clip_norm for one in clipping],
                "shown": [number(one.clip_norm, 3) for one in clipping],
            },
            LINE,
        ),
        "clipped": ipc(
            {
                "epoch": [float(one.epoch) for one in rows],
                "value": [one.clipped_share for one in rows],
                "shown": [f"{one.clipped_share:.0%}" for one in rows],
            },
            LINE,
        ),
    }
