"""The Arrow tables of the charts of a run, built from its history.

The browser reads Arrow bytes directly, which costs a twentieth of sending a DataFrame. The charts refer to the tables
by the keys of `curve_tables` and `gradient_tables`.
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


# height of the label of a reference line, as a share of the height of the chart
_LABEL_HEIGHT = 0.055


MAX_TARGETS = 100
"""Maximum number of epochs with a tooltip, besides those with generated texts."""


def curve_tables(history: History, vocab_size: float, lang: str) -> dict[str, bytes]:
    """Return the tables of the curve that grow with the run: ``curve``, ``targets``, and so on."""
    top = ceiling(vocab_size)

    def place(perplexity: float | None) -> float:
        return top if perplexity is None else min(max(perplexity, 1.0), top)

    rows = history.epochs

    def line(epochs: Sequence[EpochFinished]) -> dict[str, list[Any]]:
        return {
            "epoch": [float(row.epoch) for row in epochs],
            "value": [place(row.perplexity) for row in epochs],
            "shown": [number(row.perplexity, 5) for row in epochs],
        }

    curve = {"epoch": [float(row.epoch) for row in rows], "value": [place(row.perplexity) for row in rows]}
    # each point with a tooltip costs the browser a shape and a part of its map of nearest points
    written = [i for i, row in enumerate(rows) if row.epoch in history.texts]
    hovered = [rows[i] for i in thin(len(rows), MAX_TARGETS, written)]
    over = [row for row in rows if row.perplexity is None or row.perplexity > top]
    overflow = {
        "epoch": [float(row.epoch) for row in over],
        "value": [top for _ in over],
        "shown": [number(row.perplexity, 5) for row in over],
        # label only the point at which the curve leaves the chart
        "label": [
            "" if i and over[i - 1].epoch == row.epoch - 1 else number(row.perplexity, 3) for i, row in enumerate(over)
        ],
    }
    recent = history.minibatches
    minibatches = {
        "epoch": [event.epoch - 1 + event.minibatch / event.num_minibatches for event in recent],
        "value": [math.exp(min(max(event.loss, 0.0), math.log(top))) for event in recent],
        "shown": [number(math.exp(event.loss) if event.loss < 35 else None, 4) for event in recent],
    }
    changes = {
        "epoch": [_position(change, history) for change in history.changes],
        "label": [change_label(change.name, change.value, lang) for change in history.changes],
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
    """Return the label of a changed setting, e.g. ``lr 50`` or ``θ off``."""
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
    """Return the tables that stay the same during a run: ``published``, ``ladder``, ``extent``.

    Published points are filled if the run uses the book's corpus, otherwise hollow and labelled. Those beyond the run's
    last epoch would compress its curve, and are left out until the run is continued to that epoch.
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
    for upper, lower in ((0, 1), (2, 3)):  # on the same side of the chart: a shared label if there is no room for two
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
    """Return the table ``now``: the point at `epoch`, or none."""
    row = history.at(epoch) if epoch is not None else None
    if row is None:
        return ipc({"epoch": [], "value": [], "shown": []}, LINE)
    top = ceiling(vocab_size)
    value = top if row.perplexity is None else min(max(row.perplexity, 1.0), top)
    return ipc({"epoch": [float(row.epoch)], "value": [value], "shown": [number(row.perplexity, 5)]}, LINE)


def gradient_tables(history: History, lang: str) -> dict[str, bytes]:
    """Return the tables of the gradient charts: ``layers`` (norm by layer), ``threshold`` (θ), ``clipped`` (share).

    A row of ``layers`` also has the norm after clipping as text, empty if it was not recorded. If the run ever clipped,
    the norm of the whole network after clipping is a series of its own.
    """
    rows = history.epochs
    names = layer_names(max((len(row.grad_norm_by_layer) for row in rows), default=0), lang)
    epochs: list[float] = []
    values: list[float] = []
    layers: list[str] = []
    afters: list[str] = []
    ever_clipped = any(row.clipped_share > 0 for row in rows)
    whole, clipped = t("chart.all_layers", lang), t("chart.all_layers_clipped", lang)
    for row in rows:
        after = row.after_clipping()
        after_norms = (after[0], *after[1]) if after is not None else ()
        norms = zip_longest((row.grad_norm, *row.grad_norm_by_layer), after_norms)
        series = [(layer, *pair) for layer, pair in zip((whole, *names), norms, strict=False)]
        if after is not None and ever_clipped and row.clip_norm is not None:
            series.append((clipped, after[0], after[0]))
        for layer, value, shortened in series:
            if value > 0 and math.isfinite(value):
                epochs.append(float(row.epoch))
                values.append(value)
                layers.append(layer)
                afters.append("" if shortened is None else number(shortened, 3))
    clipping = [row for row in rows if row.clip_norm is not None]
    return {
        "layers": ipc({"epoch": epochs, "value": values, "layer": layers, "after": afters}, LAYERS),
        "threshold": ipc(
            {
                "epoch": [float(row.epoch) for row in clipping],
                "value": [row.clip_norm for row in clipping],
                "shown": [number(row.clip_norm, 3) for row in clipping],
            },
            LINE,
        ),
        "clipped": ipc(
            {
                "epoch": [float(row.epoch) for row in rows],
                "value": [row.clipped_share for row in rows],
                "shown": [f"{row.clipped_share:.0%}" for row in rows],
            },
            LINE,
        ),
    }
