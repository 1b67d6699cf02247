"""The tables of the charts of several runs: curves, labels at their ends, published points, bands."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from rnnlab.view.compare.measures import Pinned, bands, distances, finite_or_inf, smoothed
from rnnlab.view.data.scale import arrows
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.page.arrow import Columns, ipc
from rnnlab.view.page.style import axis_top

MAX_POINTS = 500
"""Maximum number of points of a curve, so that six long runs are drawn quickly."""
MAX_TARGETS = 60
"""Maximum number of points of a curve with a tooltip."""
SMALL_HEIGHT = 300
"""Height of the axis on a small screen, in pixels, on which the labels must not cover each other."""
ROOM = 1.012
"""Ratio of the length of the axis to that of the longest run, so that its last point is not cut."""
LINE_HEIGHT = 18
"""Height of a label, in pixels."""

_F, _S, _I = pa.float64(), pa.string(), pa.int32()
CURVE = {"x": _F, "value": _F, "slot": _I}
TARGET = {"x": _F, "value": _F, "slot": _I, "key": _S, "run": _S, "epoch": _F, "shown": _S, "seconds": _S}
OFF = {"x": _F, "value": _F, "slot": _I, "label": _S, "row": _F}
END = {"x": _F, "value": _F, "place": _F, "slot": _I, "label": _S}
POINT = {"x": _F, "value": _F, "slot": _I, "fill": _F, "shown": _S, "run": _S}
RULE = {"value": _F, "label": _S, "order": _F, "end": _F}
EXTENT = {"x": _F, "value": _F}
BAND = {"x": _F, "low": _F, "high": _F, "shown": _S, "count": _F}
MEDIAN = {"x": _F, "value": _F}


def overlay_tables(
    runs: Sequence[Pinned], names: Sequence[str], slots: Sequence[int], by: str, smooth: bool, lang: str
) -> dict[str, bytes]:
    """Return the tables of `charts.overlay`.

    Args:
        runs: the runs.
        names: the labels of the runs.
        slots: the number of the colour and dash of each run.
        by: the unit of the horizontal axis, one of `measures.AXES`.
        smooth: whether to draw smoothed curves, with the raw ones faintly behind.
        lang: the language.
    """
    tables = {
        **overlay_points(runs, names, slots, by, smooth),
        **overlay_newest(runs, names, slots, by, smooth, lang),
        "published": _published(runs, names, slots, by, lang),
    }
    return {name: ipc(tables[name], columns) for name, columns in OVERLAY.items()}


OVERLAY = {
    "line": CURVE,
    "off": OFF,
    "raw": CURVE,
    "targets": TARGET,
    "ends": END,
    "published": POINT,
    "ladder": RULE,
    "extent": EXTENT,
}
"""The tables of `charts.overlay`, with their columns."""


def overlay_points(
    runs: Sequence[Pinned],
    names: Sequence[str],
    slots: Sequence[int],
    by: str,
    smooth: bool,
    after: Sequence[float] | None = None,
) -> dict[str, Columns]:
    """Return the rows of the tables to which runs only add: ``line``, ``raw``, ``targets``.

    Args:
        runs: the runs.
        names: the labels of the runs.
        slots: the number of the colour and dash of each run.
        by: the unit of the horizontal axis.
        smooth: whether to draw smoothed curves.
        after: for each run, the epoch after which its rows begin; None: all rows, thinned to what a chart can show.
    """
    top = top_of(runs)
    tables: dict[str, Columns] = {"line": _empty(CURVE), "raw": _empty(CURVE), "targets": _empty(TARGET)}
    for nth, (slot, run, name) in enumerate(zip(slots, runs, names, strict=True)):
        rows = run.history.epochs
        if after is None:
            kept, hovered = thin(len(rows), MAX_POINTS), thin(len(rows), MAX_TARGETS)
        else:
            first = bisect.bisect_right(rows, after[nth], key=lambda row: row.epoch)
            if first == len(rows):
                continue
            kept = hovered = list(range(first, len(rows)))
        xs, true, values = distances(run.history, by), _true(run), _drawn(run, top, False)
        drawn = _drawn(run, top, smooth)
        for table, heights in (("line", drawn), *((("raw", values),) if smooth else ())):
            shown = [None if true[i] > top else heights[i] for i in kept]
            _add(tables[table], {"x": [xs[i] for i in kept], "value": shown, "slot": [slot] * len(kept)})
        _add(
            tables["targets"],
            {
                "x": [xs[i] for i in hovered],
                "value": [drawn[i] for i in hovered],
                "slot": [slot] * len(hovered),
                "key": [f"{slot}.{rows[i].epoch}" for i in hovered],
                "run": [name] * len(hovered),
                "epoch": [float(rows[i].epoch) for i in hovered],
                "shown": [number(rows[i].perplexity, 5) for i in hovered],
                "seconds": [number(rows[i].seconds, 3) for i in hovered],
            },
        )
    return tables


def overlay_newest(
    runs: Sequence[Pinned], names: Sequence[str], slots: Sequence[int], by: str, smooth: bool, lang: str
) -> dict[str, Columns]:
    """Return the tables that every point replaces: ``off``, ``ends``, ``ladder``, ``extent``."""
    top = top_of(runs)
    off = _empty(OFF)
    ends: list[tuple[float, float, int, str]] = []
    curves: list[Curve] = []
    far = 0.0
    for slot, run, name in zip(slots, runs, names, strict=True):
        xs, true, drawn = distances(run.history, by), _true(run), _drawn(run, top, smooth)
        curves.append((xs, drawn))
        for nth, i in enumerate(arrows(true, top)):
            label = "" if nth else t("chart.off_scale", lang, perplexity=perplexity_text(max(true)))
            row = float(sum(map(bool, off["label"])))  # below the labels of the other runs
            _add(off, {"x": [xs[i]], "value": [top], "slot": [slot], "label": [label], "row": [row]})
        if xs:
            ends.append((xs[-1], drawn[-1], slot, name))
        far = max(far, _planned(run, by), xs[-1] if xs else 0.0)
    return {
        "off": off,
        "ends": _labels(ends, far, top, curves),
        "ladder": _ladder(runs, far, lang, _free(curves, runs[0].ladder.get(2, 1.0), far, top) if runs else 0.0),
        "extent": {"x": [0.0, max(far, 1.0) * ROOM], "value": [1.0, top]},
    }


def _true(run: Pinned) -> list[float]:
    return [max(finite_or_inf(row.perplexity), 1.0) for row in run.history.epochs]


def _drawn(run: Pinned, top: float, smooth: bool) -> list[float]:
    values = [min(value, top) for value in _true(run)]
    return smoothed(values) if smooth else values


def band_tables(runs: Sequence[Pinned], names: Sequence[str], slots: Sequence[int], lang: str) -> dict[str, bytes]:
    """Return the tables of `charts.seed_band`: the band, its median, and a faint curve for each run."""
    tables = {**band_points(runs, slots, lang), **band_newest(runs, names, slots, lang)}
    return {name: ipc(tables[name], columns) for name, columns in BANDS.items()}


BANDS = {"band": BAND, "median": MEDIAN, "line": CURVE, "ends": END, "ladder": RULE, "extent": EXTENT}
"""The tables of `charts.seed_band`, with their columns."""


def band_points(
    runs: Sequence[Pinned], slots: Sequence[int], lang: str, after: Sequence[float] | None = None
) -> dict[str, Columns]:
    """Return the rows of ``band``, ``median``, and ``line``, a faint curve for each run.

    Args:
        runs: the runs.
        slots: the number of the colour and dash of each run.
        lang: the language.
        after: for each run, the epoch after which its rows begin. The rows of the band are then those of the epochs
            that a run has finished since, and replace earlier rows of these epochs. None: all rows, thinned.
    """
    top = top_of(runs)
    all_bands, members, fresh = bands([run.history for run in runs]), _empty(CURVE), set[int]()
    for nth, (slot, run) in enumerate(zip(slots, runs, strict=True)):
        rows = run.history.epochs
        if after is None:
            rows = [rows[i] for i in thin(len(rows), MAX_POINTS)]
        else:
            rows = rows[bisect.bisect_right(rows, after[nth], key=lambda row: row.epoch) :]
            fresh.update(row.epoch for row in rows)
        values = [min(max(finite_or_inf(row.perplexity), 1.0), top) for row in rows]
        _add(members, {"x": [float(row.epoch) for row in rows], "value": values, "slot": [slot] * len(rows)})
    if after is None:
        kept = [all_bands[i] for i in thin(len(all_bands), MAX_POINTS)]
    else:
        kept = [band for band in all_bands if band.epoch in fresh]
    xs = [float(band.epoch) for band in kept]
    return {
        "band": {
            "x": xs,
            "low": [min(max(band.low, 1.0), top) for band in kept],
            "high": [min(max(band.high, 1.0), top) for band in kept],
            "shown": [
                t(
                    "compare.band.shown",
                    lang,
                    low=perplexity_text(band.low),
                    median=perplexity_text(band.median),
                    high=perplexity_text(band.high),
                )
                for band in kept
            ],
            "count": [float(band.count) for band in kept],
        },
        "median": {"x": xs, "value": [min(max(band.median, 1.0), top) for band in kept]},
        "line": members,
    }


def band_newest(runs: Sequence[Pinned], names: Sequence[str], slots: Sequence[int], lang: str) -> dict[str, Columns]:
    """Return the tables that every point replaces: ``ends``, ``ladder``, ``extent``."""
    top, far = top_of(runs), max([1.0, *(_planned(run, "epoch") for run in runs)])
    ends = [
        (float(run.history.epoch), min(max(run.perplexity, 1.0), top), slot, name)
        for slot, run, name in zip(slots, runs, names, strict=True)
        if run.perplexity is not None
    ]
    return {
        "ends": _labels(ends, far, top),
        "ladder": _ladder(runs, far, lang),
        "extent": {"x": [0.0, far * ROOM], "value": [1.0, top]},
    }


def _empty(columns: Mapping[str, object]) -> Columns:
    return {name: [] for name in columns}


def top_of(runs: Sequence[Pinned]) -> float:
    """Return the upper end of the axis.

    The uniform perplexity is the vocabulary's size; a curve that overflows runs along the top.
    """
    uniform = max((run.ladder.get(0, 1000.0) for run in runs), default=1000.0)
    return axis_top(uniform, (event.perplexity for run in runs for event in run.history.epochs))


def _planned(run: Pinned, by: str) -> float:
    # the axis covers the whole run from the start; in seconds, the length of the run is not known in advance
    if by == "epoch":
        return float(max(run.config.num_epochs, 1))
    per_epoch = run.history.last.num_tokens if run.history.last else 0
    return float(per_epoch * run.config.num_epochs) if by == "characters" else 0.0


def _add(columns: Columns, more: Mapping[str, Sequence[object]]) -> None:
    for name, values in more.items():
        columns[name] += values


def _published(runs: Sequence[Pinned], names: Sequence[str], slots: Sequence[int], by: str, lang: str) -> Columns:
    """Return the published points of the runs, once per recipe; none by seconds, measured on another machine."""
    points: Columns = {name: [] for name in POINT}
    seen = set()
    for slot, run, name in zip(slots, runs, names, strict=True):
        recipe = run.published
        if recipe is None or recipe.id in seen or by == "seconds":
            continue
        seen.add(recipe.id)
        per_epoch = run.history.last.num_tokens if by == "characters" and run.history.last else 1
        for epoch, value in recipe.published:
            if epoch <= run.config.num_epochs and (by == "epoch" or run.history.last):
                _add(
                    points,
                    {
                        "x": [float(epoch * per_epoch)],
                        "value": [value],
                        "slot": [slot],
                        "fill": [1.0 if run.same_corpus else 0.0],
                        "shown": [number(value, 5)],
                        "run": [t("compare.published_for", lang, name=name)],
                    },
                )
    return points


def _ladder(runs: Sequence[Pinned], far: float, lang: str, free: float = 0.0) -> Columns:
    """Return the reference lines if all runs share them; runs on different texts have none.

    Args:
        runs: the runs.
        far: the end of the axis.
        lang: the language.
        free: where the label of the lower line begins.
    """
    rungs: list[int] = []
    if runs and all(run.ladder == runs[0].ladder for run in runs):
        rungs = [order for order in (1, 2) if order in runs[0].ladder]
    ladder = runs[0].ladder if rungs else {}
    return {
        "value": [ladder[order] for order in rungs],
        "label": [f"{t(f'ngram.{order}', lang)} {number(ladder[order], 4)}" for order in rungs],
        "order": [float(order) for order in rungs],
        "end": [far if order < 2 else free for order in rungs],
    }


Curve = tuple[Sequence[float], Sequence[float]]
"""The distances of a curve's points, in increasing order, and their perplexities."""


def _free(curves: Sequence[Curve], value: float, far: float, top: float) -> float:
    """Return the leftmost place on the line at `value` where no curve crosses a label above it; 0 if there is none."""
    high = value * math.exp(LINE_HEIGHT / SMALL_HEIGHT * math.log(top))
    crossed = [
        x for xs, values in curves for i, x in enumerate(xs)
        if min(values[i], values[max(i - 1, 0)]) < high and max(values[i], values[max(i - 1, 0)]) > value
    ]  # fmt: skip
    places = [nth * far / 20 for nth in range(16)]
    return next((place for place in places if not any(place <= x <= place + far / 4 for x in crossed)), 0.0)


def _labels(
    ends: Sequence[tuple[float, float, int, str]], far: float, top: float, curves: Sequence[Curve] = ()
) -> Columns:
    """Return the labels at the ends of the curves, moved up so that none covers another.

    A label also leaves the flat parts of other curves, unless it would stand too far from its own.
    """
    gap = LINE_HEIGHT / SMALL_HEIGHT * math.log(top)
    wide = 0.12 * max(far, 1.0)
    placed: list[tuple[float, float]] = []
    columns: Columns = {name: [] for name in END}
    for x, value, slot, label in sorted(ends, key=lambda end: (end[1], end[2])):
        # from the bottom up, as most curves end near 1
        height = math.log(value)
        labels = [(other - gap, other + gap) for other_x, other in placed if abs(other_x - x) < wide]
        lines = []
        for xs, values in curves:
            beside = values[bisect.bisect_right(xs, x) : bisect.bisect_right(xs, x + wide)]
            if beside and max(beside) < min(beside) * math.exp(gap):
                lines.append((math.log(min(beside)) - 0.6 * gap, math.log(max(beside)) + 0.6 * gap))
        moved = _above(height, [*labels, *lines])
        height = moved if moved < height + 1.5 * gap else _above(height, labels)
        placed.append((x, height))
        _add(columns, {"x": [x], "value": [value], "place": [math.exp(height)], "slot": [slot], "label": [label]})
    return columns


def _above(height: float, taken: Sequence[tuple[float, float]]) -> float:
    """Return the lowest height from `height` upwards that is in none of the intervals `taken`."""
    for low, high in sorted(taken):
        if low < height < high:
            height = high
    return height
