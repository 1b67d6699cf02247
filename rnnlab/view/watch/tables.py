"""The Arrow tables of the charts of a run, built from its history.

The browser reads Arrow bytes directly, which costs a twentieth of sending a DataFrame. The charts refer to the tables
by the keys of `curve_tables` and `gradient_tables`.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from rnnlab.config import TrainConfig
from rnnlab.events import EpochFinished, MinibatchFinished, SettingChanged
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.scale import arrows, leaving
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page.arrow import Columns, ipc
from rnnlab.view.page.style import ceiling

_F, _S = pa.float64(), pa.string()
LINE = {"epoch": _F, "value": _F, "shown": _S}
POINTS = {"epoch": _F, "value": _F, "shown": _S, "label": _S, "fill": _F}
NAMES = {"epoch": _F, "value": _F, "label": _S, "side": _S}
RULES = {"value": _F, "order": _F}
MARKS = {"epoch": _F, "label": _S, "row": _F}
OFF = {"epoch": _F, "value": _F, "series": _S, "label": _S}
BEST = {**LINE, "label": _S, "place": _F, "above": _F, "room": _F}
LAYERS = {"epoch": _F, "value": _F, "layer": _S, "after": _S}
CURVE = EXTENT = {"epoch": _F, "value": _F}


RIGHT_OF = 0.45
"""Share of the axis right of which the label of the lowest perplexity on held-out text ends at its point."""
LABEL_WIDTH = 0.35
"""Width of this label, as a share of the width of the chart."""
LABEL_ROOM = 1.4
"""Ratio of the perplexity that the axis has at least to that above which this label stands."""
ENOUGH = 200
"""Largest number of points of a curve that are checked when a label of a reference line is placed."""
NAME_WIDTHS = (0.3, 0.14)
"""Width of the label of a reference line, as a share of the width of the chart: on a phone and on a wide screen."""
PUBLISHED_ROOM = 1.9
"""Ratio of the perplexity of a published point to that of the upper edge of its label."""
NAME_REACH = (0.015, 0.085)
"""How far this label reaches below and above its line at most, as shares of the height of the chart."""
NAME_HEIGHT = 0.055
"""Height of this label, as a share of the height of the chart."""


MAX_TARGETS = 100
"""Maximum number of epochs with a tooltip, besides those with generated texts."""
MAX_POINTS = 1000
"""Maximum number of epochs that are drawn, besides those with generated texts: about one for each pixel."""


@dataclass(frozen=True)
class Surroundings:
    """What is drawn beside a curve in its chart.

    Attributes:
        ladder: the reference lines.
        published: the published points, as epoch and perplexity.
        num_epochs: the last epoch that is planned, at which the axis ends.
    """

    ladder: Ladder = field(default_factory=dict)
    published: Sequence[tuple[int, float]] = ()
    num_epochs: int = 1


NOTHING = Surroundings()


def curve_tables(history: History, vocab_size: float, lang: str, around: Surroundings = NOTHING) -> dict[str, bytes]:
    """Return the tables of the curve that grow with the run: ``curve``, ``targets``, and so on."""
    tables = {**curve_points(history, vocab_size), **newest_points(history, vocab_size, lang, around)}
    return {name: ipc(table, GROWING[name]) for name, table in tables.items()}


GROWING = {
    "curve": CURVE,
    "targets": LINE,
    "off": OFF,
    "names": NAMES,
    "minibatches": LINE,
    "head": CURVE,
    "changes": MARKS,
    "held_out": LINE,
    "best": BEST,
}
"""The tables that grow with a run, with their columns."""


def drawn_epochs(history: History, most: int = MAX_POINTS) -> list[EpochFinished]:
    """Return the epochs that are drawn: all of a short run, at most about `most` evenly spaced ones of a long run."""
    rows = history.epochs
    if len(rows) <= most:
        return rows
    written = [index for index, row in enumerate(rows) if row.epoch in history.texts]
    return [rows[index] for index in thin(len(rows), most, written)]


def curve_points(history: History, vocab_size: float, after: float | None = None) -> dict[str, Columns]:
    """Return the rows of the tables to which a run only adds.

    They are ``curve``, ``targets``, ``minibatches`` and ``held_out``.

    Args:
        history: the run so far.
        vocab_size: size of the vocabulary.
        after: the position (epochs, with fractions for minibatches) after which the rows begin, e.g. because the
            browser has the others; None: all rows, thinned to what a chart can show.
    """
    top = ceiling(vocab_size)
    if after is None:
        rows, hovered, recent = drawn_epochs(history), drawn_epochs(history, MAX_TARGETS), history.minibatches
    else:
        rows = hovered = history.epochs[_first_after(history, after) :]
        recent = [
            event
            for event in history.minibatches
            if min(event.epoch - 1 + _fraction(event), math.nextafter(event.epoch, 0)) > after
        ]
    # a line along the upper edge, or dots, would look like a perplexity that stays the same
    recent = [event for event in recent if event.loss <= math.log(top)]
    measured = [row for row in _held_out(history) if after is None or row.epoch > after]
    before = len(history.epochs) - len(rows) - 1  # whether a line leaves the chart depends on the point before
    previous = history.epochs[before : before + 1] if after is not None and before >= 0 else []
    return {
        "held_out": {
            "epoch": [float(row.epoch) for row in measured],
            "value": _line([row.held_out_perplexity for row in measured], top),
            "shown": [number(row.held_out_perplexity, 5) for row in measured],
        },
        "curve": {
            "epoch": [float(row.epoch) for row in rows],
            "value": _line([row.perplexity for row in (*previous, *rows)], top)[len(previous) :],
        },
        "targets": {
            "epoch": [float(row.epoch) for row in hovered],
            "value": [_place(row.perplexity, top) for row in hovered],
            "shown": [number(row.perplexity, 5) for row in hovered],
        },
        "minibatches": {
            "epoch": [_visible(event.epoch - 1 + _fraction(event)) for event in recent],
            "value": [_place(math.exp(event.loss), top) for event in recent],
            "shown": [number(math.exp(event.loss), 4) for event in recent],
        },
    }


def _held_out(history: History) -> list[EpochFinished]:
    """Return the epochs after which the perplexity on held-out text was measured."""
    return [row for row in history.epochs if row.held_out_perplexity is not None]


def best_held_out(history: History) -> EpochFinished | None:
    """Return the epoch with the lowest perplexity on held-out text; None if it was not measured."""
    return min(_held_out(history), key=lambda row: row.held_out_perplexity or math.inf, default=None)


def newest_points(
    history: History, vocab_size: float, lang: str, around: Surroundings = NOTHING, after: float | None = None
) -> dict[str, Columns]:
    """Return the tables whose rows are replaced.

    They are ``head``, the end of the curve, and ``changes`` of settings; and, unless they are as they were at the
    position `after`, ``best``, the lowest perplexity on held-out text, ``off``, the arrows where the axis does not
    reach, and ``names``, the labels of the reference lines.
    """
    top = ceiling(vocab_size)
    last = [row for row in history.epochs[-1:] if _reaches(row.perplexity, top)]
    tables: dict[str, Columns] = {
        "head": {
            "epoch": [float(row.epoch) for row in last],
            "value": [_place(row.perplexity, top) for row in last],
        },
        "changes": {
            "epoch": [_position(change, history) for change in history.changes],
            "label": [change_label(change.name, change.value, lang) for change in history.changes],
            "row": [float(i % 4) for i in range(len(history.changes))],
        },
    }
    recent = history.epochs[0 if after is None else _first_after(history, after) :]
    measured = [row for row in recent if row.held_out_perplexity is not None]
    if after is None or measured:
        tables["best"] = _best(history, top, lang, around)
    reached = all(_reaches(row.perplexity, top) for row in recent)
    if after is None or not (reached and all(_reaches(row.held_out_perplexity, top) for row in measured)):
        tables["off"] = _off_scale(history, top, lang)
    if after is None or recent:
        names = _names(history, around, top, lang)
        if after is None or names["side"] != _names(history, around, top, lang, math.floor(after))["side"]:
            tables["names"] = names
    return tables


def _best(history: History, top: float, lang: str, around: Surroundings) -> Columns:
    """Return the point of the lowest perplexity on held-out text with its label; no rows if it was not measured."""
    lowest = best_held_out(history)
    best = [] if lowest is None else [lowest]
    places = [_label_place(row, history, top, around) for row in best]
    return {
        "epoch": [float(row.epoch) for row in best],
        "value": [_place(row.held_out_perplexity, top) for row in best],
        "place": [place for place, _ in places],
        "above": [float(above) for _, above in places],
        "room": [place * LABEL_ROOM if above else place for place, above in places],
        "shown": [number(row.held_out_perplexity, 5) for row in best],
        "label": [
            t("chart.held_out_lowest", lang, perplexity=number(row.held_out_perplexity, 4), epoch=row.epoch)
            for row in best
        ],
    }


def _place(perplexity: float | None, top: float) -> float:
    """Return where a perplexity is drawn; None: at the upper edge, as it overflowed."""
    return top if perplexity is None else min(max(_visible(perplexity), 1.0), top)


def _true(perplexity: float | None) -> float:
    return math.inf if perplexity is None else perplexity


def _reaches(perplexity: float | None, top: float) -> bool:
    return _true(perplexity) <= top


def _line(perplexities: Sequence[float | None], top: float) -> list[float | None]:
    """Return where the points of a line are drawn: it leaves the chart at its upper edge, and is interrupted beyond."""
    drawn = leaving([*map(_true, perplexities)], top)
    return [None if value is None else _place(value, top) for value in drawn]


def _off_scale(history: History, top: float, lang: str) -> Columns:
    """Return the arrows at the top where the axis does not reach; the first says how far the curve rises."""
    measured = _held_out(history)
    series = {
        "curve": [(row.epoch, _true(row.perplexity)) for row in history.epochs],
        "held_out": [(row.epoch, _true(row.held_out_perplexity)) for row in measured],
    }
    columns: dict[str, list[Any]] = {name: [] for name in OFF}
    for name, points in series.items():
        for nth, index in enumerate(arrows([value for _, value in points], top)):
            # both labels would be drawn over each other
            first = not nth and "curve" not in columns["series"]
            highest = number(max(value for _, value in points), 4)
            columns["epoch"].append(float(points[index][0]))
            columns["value"].append(top)
            columns["series"].append(name)
            columns["label"].append(t("chart.off_scale", lang, perplexity=highest) if first else "")
    return columns


def _names(history: History, around: Surroundings, top: float, lang: str, until: int | None = None) -> Columns:
    """Return the labels of the reference lines: at the right end, or at the left if only there no curve is in the way.

    A label on a curve would strike it out, or be struck out by it. With `until`, the later epochs do not count.
    """
    last = history.epoch if until is None else until
    rows = [row for row in drawn_epochs(history, ENOUGH) if row.epoch <= last]
    measured = [row for row in _held_out(history) if row.epoch <= last]
    ladder, planned = around.ladder, _planned(history, around)
    curves = [
        [(row.epoch, _place(row.perplexity, top)) for row in rows],
        [(row.epoch, _place(row.held_out_perplexity, top)) for row in measured],
    ]
    steps = [pair for curve in curves for pair in itertools.pairwise(curve)]

    below, above = (_height(ladder) ** reach for reach in NAME_REACH)

    def free(first: float, last: float, value: float) -> bool:
        low, high = value / below, value * above
        return not any(
            before[0] <= last and after[0] >= first and min(before[1], after[1]) <= high
            and max(before[1], after[1]) >= low
            for before, after in steps
        )  # fmt: skip

    columns: dict[str, list[Any]] = {name: [] for name in NAMES}
    for order, label in _rung_names(ladder, lang).items():
        value, side = ladder[order], "right"
        for width in NAME_WIDTHS:
            if free((1 - width) * planned, planned, value):
                break
            if free(0.0, width * planned, value):
                side = "left"
                break
        columns["epoch"].append(planned if side == "right" else 0.0)
        columns["value"].append(value)
        columns["label"].append(label)
        columns["side"].append(side)
    return columns


def _rung_names(ladder: Ladder, lang: str) -> dict[int, str]:
    """Return the labels of the reference lines by order; two share one if there is no room for both."""
    names = {order: f"{t(f'ngram.{order}', lang)} {number(ladder[order], 4)}" for order in range(4) if order in ladder}
    for upper, lower in ((0, 1), (1, 2), (2, 3)):
        near = lower in names and ladder[upper] / ladder[lower] < _height(ladder) ** NAME_HEIGHT
        if near and names[upper]:
            names[upper], names[lower] = f"{names[upper]} · {names[lower]}", ""
    return names


def _planned(history: History, around: Surroundings) -> float:
    """Return the last epoch of the axis."""
    started = (history.started and history.started.num_epochs) or 0
    return float(max(around.num_epochs, started, history.epoch))


def _height(ladder: Ladder) -> float:
    """Return the ratio of the perplexities at the upper and the lower edge of the chart, which begins at 1."""
    return 1.6 * ladder.get(0, 1000.0)


def _label_place(best: EpochFinished, history: History, top: float, around: Surroundings) -> tuple[float, bool]:
    """Return the perplexity at which the label of the lowest one on held-out text stands, and whether it is above it.

    Above both curves, over the width of the label, only the label of the published points can be in its way, and it
    stands above that, too. If they leave no room there, it stands below: below the training curve too, where this one
    is just below.
    """
    planned, published = _planned(history, around), around.published
    width = LABEL_WIDTH * planned
    first = best.epoch - width if best.epoch > RIGHT_OF * planned else best.epoch
    beside = [row for row in history.epochs if first <= row.epoch <= first + width]
    measured = [_place(row.held_out_perplexity, top) for row in beside if row.held_out_perplexity is not None]
    highest = max(measured + [_place(row.perplexity, top) for row in beside])
    for at, value in published[:1]:  # the first point has the label
        beginning = at - width if at > 0.5 * planned else at
        if (
            beginning < first + width
            and first < beginning + width
            and value / PUBLISHED_ROOM < highest < value * PUBLISHED_ROOM
        ):
            highest = value * PUBLISHED_ROOM
    if highest * LABEL_ROOM < top:
        return highest, True
    held_out, curve = _place(best.held_out_perplexity, top), _place(best.perplexity, top)
    return (curve if held_out / 3 < curve < held_out else held_out), False


def _visible(value: float) -> float:
    """Return a coordinate with the digits that can be seen; more of them would be sent to every viewer."""
    return float(f"{value:.7g}")


def _fraction(event: MinibatchFinished) -> float:
    return event.minibatch / event.num_minibatches


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
    if points:  # the first point of each published run says what the points are
        labels[0] = t("chart.published_here" if same_corpus else "chart.published_books", lang)
    second = next((index for index, point in enumerate(points) if point[2]), 0)
    if second:  # at its other end if the two labels would be drawn over each other
        first, other_first = points[0][1], points[second][1]
        near = max(first, other_first) / min(first, other_first) < _height(ladder) ** NAME_HEIGHT
        if not near or len(points) > second + 1:
            labels[-1 if near else second] = t("chart.published_second", lang)
    table = {
        "epoch": [float(epoch) for epoch, _, _ in points],
        "value": [float(value) for _, value, _ in points],
        "shown": [number(value, 5) for _, value, _ in points],
        "label": labels,
        "fill": [1.0 if same_corpus and not second else 0.0 for _, _, second in points],
    }
    rungs = [order for order in range(4) if order in ladder]
    rules = {
        "value": [ladder[order] for order in rungs],
        "order": [float(order) for order in rungs],
    }
    return {
        "published": ipc(table, POINTS),
        "ladder": ipc(rules, RULES),
        "extent": ipc({"epoch": [0.0, end * 1.015], "value": [1.0, _height(ladder)]}, EXTENT),
    }


def now_table(history: History, epoch: int | None, vocab_size: float) -> bytes:
    """Return the table ``now``: the point at `epoch`, or none."""
    row = history.at(epoch) if epoch is not None else None
    if row is None:
        return ipc({"epoch": [], "value": [], "shown": []}, LINE)
    top = ceiling(vocab_size)
    value = _place(row.perplexity, top)
    return ipc({"epoch": [float(row.epoch)], "value": [value], "shown": [number(row.perplexity, 5)]}, LINE)


def gradient_tables(history: History, lang: str) -> dict[str, bytes]:
    """Return the tables of the gradient charts: ``layers`` (norm by layer), ``threshold`` (θ), ``clipped`` (share)."""
    tables = gradient_points(history, lang)
    return {name: ipc(tables[name], columns) for name, columns in GRADIENTS.items()}


GRADIENTS = {"layers": LAYERS, "threshold": LINE, "clipped": LINE}
"""The tables of the gradient charts, with their columns."""


def gradient_points(history: History, lang: str, after: float | None = None) -> dict[str, Columns]:
    """Return the rows of the tables `GRADIENTS`.

    A row of ``layers`` also has the norm after clipping as text, empty if it was not recorded. If the run ever clipped,
    the norm of the whole network after clipping is a series of its own.

    Args:
        history: the run so far.
        lang: the language.
        after: the position after which the rows begin; None: all rows, thinned to what a chart can show.
    """
    rows = drawn_epochs(history) if after is None else history.epochs[_first_after(history, after) :]
    names = layer_names(max((len(row.grad_norm_by_layer) for row in rows), default=0), lang)
    epochs: list[float] = []
    values: list[float] = []
    layers: list[str] = []
    afters: list[str] = []
    ever_clipped = any(row.clipped_share > 0 for row in history.epochs)
    whole, clipped = t("chart.all_layers", lang), t("chart.all_layers_clipped", lang)
    for row in rows:
        shortened = row.after_clipping()
        after_norms = (shortened[0], *shortened[1]) if shortened is not None else ()
        norms = zip_longest((row.grad_norm, *row.grad_norm_by_layer), after_norms)
        series = [(layer, *pair) for layer, pair in zip((whole, *names), norms, strict=False)]
        if shortened is not None and ever_clipped and row.clip_norm is not None:
            series.append((clipped, shortened[0], shortened[0]))
        for layer, value, clipped_norm in series:
            if value > 0 and math.isfinite(value):
                epochs.append(float(row.epoch))
                values.append(value)
                layers.append(layer)
                afters.append("" if clipped_norm is None else number(clipped_norm, 3))
    clipping = [row for row in rows if row.clip_norm is not None]
    return {
        "layers": {"epoch": epochs, "value": values, "layer": layers, "after": afters},
        "threshold": {
            "epoch": [float(row.epoch) for row in clipping],
            "value": [row.clip_norm for row in clipping],
            "shown": [number(row.clip_norm, 3) for row in clipping],
        },
        "clipped": {
            "epoch": [float(row.epoch) for row in rows],
            "value": [row.clipped_share for row in rows],
            "shown": [f"{row.clipped_share:.0%}" for row in rows],
        },
    }


def _first_after(history: History, position: float) -> int:
    return bisect.bisect_right(history.epochs, position, key=lambda row: row.epoch)
