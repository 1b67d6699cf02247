"""The Arrow tables of the diagnosis charts, built from histories and diagnoses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rnnlab.events import Diagnosis, EpochFinished
from rnnlab.view.data.highlight import visible
from rnnlab.view.data.history import History
from rnnlab.view.data.scale import arrows, leaving
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number, percent
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page.arrow import ipc

_F, _S = pa.float64(), pa.string()
LINES = {"epoch": _F, "value": _F, "series": _S, "order": _F}
TARGETS = {"epoch": _F, "value": _F, "shown": _S, "series": _S, "order": _F, "mark": _F}
OFF = {"epoch": _F, "value": _F, "series": _S, "order": _F, "label": _S}
RULES = {"value": _F, "label": _S, "end": _F}
EXTENT = {"epoch": _F, "value": _F}
CELLS = {"epoch": _F, "until": _F, "middle": _F, "layer": _S, "row": _F, "value": _F, "zero": _F, "shown": _S, "at": _S}
OUTPUTS = {"rank": _F, "character": _S, "mean": _F, "frequency": _F, "mean_shown": _S, "frequency_shown": _S}
POSITIONS = {"position": _F, "value": _F, "shown": _S, "last": _F, "label": _S}
LAYERS = {"layer": _S, "row": _F, "value": _F, "shown": _S}
CHOICES = {"rank": _F, "character": _S, "value": _F, "shown": _S}

MAX_BINS = 64
"""Maximum number of columns of a heat map, so that each has some pixels on a phone."""
MAX_TARGETS = 60
LOWEST, HIGHEST = -12.0, 1.0
"""Decades of the colour scale of heat maps, fixed so that the same colour always means the same norm."""
FAVOURITES = 20


@dataclass(frozen=True)
class Series:
    """A line of a chart with points (epoch, value, text of the value).

    Attributes:
        name: its name in the legend.
        points: its points.
        marked: whether the points are drawn.
        top: the largest value on the axis; larger ones are drawn as arrows at the top.
        beyond: the text beside the first of these arrows.
    """

    name: str
    points: Sequence[tuple[float, float, str]]
    marked: bool = False
    top: float = math.inf
    beyond: str = ""


def perplexities(name: str, history: History, top: float, lang: str) -> Series:
    """Return the perplexity curve of a run; where it is above `top` or infinite, there are arrows."""
    values = [math.inf if event.perplexity is None else event.perplexity for event in history.epochs]
    points = [
        (float(event.epoch), value, number(value, 5)) for event, value in zip(history.epochs, values, strict=True)
    ]
    beyond = t("chart.off_scale", lang, perplexity=number(max(values, default=0.0), 4))
    return Series(name, points, top=top, beyond=beyond)


def grad_norms(name: str, history: History) -> Series:
    """Return the gradient norm by epoch before clipping, without zeros, which a log axis cannot show."""
    rows = [event for event in history.epochs if event.grad_norm > 0]
    return Series(name, [(float(event.epoch), event.grad_norm, number(event.grad_norm, 3)) for event in rows])


def clipped_shares(name: str, history: History) -> Series:
    """Return the share of the minibatches that were clipped, by epoch."""
    rows = history.epochs
    return Series(name, [(float(event.epoch), event.clipped_share, percent(event.clipped_share)) for event in rows])


def seconds(name: str, history: History) -> Series:
    """Return the duration of each epoch."""
    return Series(name, [(float(event.epoch), event.seconds, f"{event.seconds:.3g}") for event in history.epochs])


def line_tables(series: Iterable[Series], rules: Iterable[tuple[float, str]] = ()) -> dict[str, bytes]:
    """Return the tables of `charts.lines`: ``lines``, ``targets``, ``off``, ``rules``, ``extent``."""
    lines: dict[str, list[Any]] = {name: [] for name in LINES}
    targets: dict[str, list[Any]] = {name: [] for name in TARGETS}
    off: dict[str, list[Any]] = {name: [] for name in OFF}
    for order, line in enumerate(series):
        values = [value for _, value, _ in line.points]
        for (epoch, _, _), value in zip(line.points, leaving(values, line.top), strict=True):
            _append(lines, epoch=epoch, value=value, series=line.name, order=float(order))
        for nth, index in enumerate(arrows(values, line.top)):
            label = "" if nth else line.beyond
            _append(off, epoch=line.points[index][0], value=line.top, series=line.name, order=float(order), label=label)
        count = len(line.points)
        for epoch, value, text in line.points if line.marked else [line.points[i] for i in thin(count, MAX_TARGETS)]:
            _append(
                targets, epoch=epoch, value=min(value, line.top), shown=text, series=line.name, order=float(order),
                mark=1.0 if line.marked or count == 1 else 0.0,
            )  # fmt: skip
    ruled = list(rules)
    end = max(lines["epoch"], default=1.0)
    # leave space for the label below a rule
    reached = [value for value in lines["value"] if value is not None]
    corners = [*reached, *off["value"], *(value * 0.8 for value, _ in ruled)]
    return {
        "lines": ipc(lines, LINES),
        "targets": ipc(targets, TARGETS),
        "off": ipc(off, OFF),
        "rules": ipc(
            {
                "value": [value for value, _ in ruled],
                "label": [label for _, label in ruled],
                "end": [end for _ in ruled],
            },
            RULES,
        ),
        "extent": ipc(
            {"epoch": [0.0, end], "value": [min(corners), max(corners)]} if corners else {"epoch": [], "value": []},
            EXTENT,
        ),
    }


def _append(table: dict[str, list[Any]], **values: Any) -> None:
    for name, value in values.items():
        table[name].append(value)


def heat_table(history: History, lang: str) -> dict[str, bytes]:
    """Return ``cells``: the gradient norm by layer and epoch; many epochs are binned by the geometric mean."""
    rows = [event for event in history.epochs if event.grad_norm_by_layer]
    cells: dict[str, list[Any]] = {name: [] for name in CELLS}
    if rows:
        names = layer_names(max(len(event.grad_norm_by_layer) for event in rows), lang)
        end = rows[-1].epoch + 0.5
        for group in _groups(rows):
            first, last = group[0].epoch, group[-1].epoch
            # each column extends under the next, so that no gaps are visible
            until = min(end, last + 0.5 + 0.3 * len(group))
            for row, layer in enumerate(names):
                norms = [event.grad_norm_by_layer[row] for event in group if len(event.grad_norm_by_layer) > row]
                norm = _geometric_mean(norms)
                _append(
                    cells,
                    epoch=first - 0.5,
                    until=until,
                    middle=(first + last) / 2,
                    layer=layer,
                    row=float(row),
                    value=min(max(math.log10(norm), LOWEST), HIGHEST) if norm else None,
                    zero=0.0 if norm else 1.0,
                    shown=number(norm, 2),
                    at=str(first) if first == last else f"{first}–{last}",
                )
    return {"cells": ipc(cells, CELLS)}


def _groups(rows: list[EpochFinished]) -> list[list[EpochFinished]]:
    size = -(-len(rows) // MAX_BINS)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _geometric_mean(norms: Sequence[float]) -> float:
    logarithms = [math.log(norm) for norm in norms if norm > 0]
    # a bin counts as zero if most of its values are
    return math.exp(sum(logarithms) / len(logarithms)) if len(logarithms) * 2 > len(norms) else 0.0


def output_table(diagnosis: Diagnosis) -> dict[str, bytes]:
    """Return ``outputs``: the most frequent characters with their frequencies in the text and in the output."""
    rows = diagnosis.outputs[:FAVOURITES]
    return {
        "outputs": ipc(
            {
                "rank": [float(rank) for rank in range(len(rows))],
                "character": [visible(character) for character, _, _ in rows],
                "mean": [mean for _, mean, _ in rows],
                "frequency": [frequency for _, _, frequency in rows],
                "mean_shown": [percent(mean) for _, mean, _ in rows],
                "frequency_shown": [percent(frequency) for _, _, frequency in rows],
            },
            OUTPUTS,
        )
    }


def position_table(diagnosis: Diagnosis) -> dict[str, bytes]:
    """Return ``positions``: the loss at each position of the window, with a label for the last."""
    losses = diagnosis.loss_by_position
    end = len(losses)
    return {
        "positions": ipc(
            {
                "position": [float(index + 1) for index in range(end)],
                "value": list(losses),
                "shown": [number(loss, 3) for loss in losses],
                "last": [1.0 if index == end - 1 else 0.0 for index in range(end)],
                "label": [number(loss, 3) if index == end - 1 else "" for index, loss in enumerate(losses)],
            },
            POSITIONS,
        )
    }


def denormal_table(diagnosis: Diagnosis, lang: str) -> dict[str, bytes]:
    """Return ``layers``: the share of denormal numbers in the gradient of each layer."""
    shares = diagnosis.denormal_share_by_layer
    return {
        "layers": ipc(
            {
                "layer": layer_names(len(shares), lang),
                "row": [float(row) for row in range(len(shares))],
                "value": list(shares),
                "shown": [percent(share) for share in shares],
            },
            LAYERS,
        )
    }


def choice_table(top: Sequence[Sequence[Any]], answer: str = "") -> dict[str, bytes]:
    """Return ``choices``: the characters that a network would fill into a gap; the right one is marked if known."""
    return {
        "choices": ipc(
            {
                "rank": [float(rank) for rank in range(len(top))],
                "character": [
                    visible(str(character)) + (" ✓" if answer and character == answer else "") for character, _ in top
                ],
                "value": [float(probability) for _, probability in top],
                "shown": [percent(float(probability)) for _, probability in top],
            },
            CHOICES,
        )
    }


def held_out_series(points: Mapping[int, float | None], name: str) -> Series:
    """Return the perplexity measured at checkpoints, without infinite values."""
    rows = [(float(epoch), value, number(value, 5)) for epoch, value in sorted(points.items()) if value is not None]
    return Series(name, rows, marked=True)


def coverage_series(coverage: Mapping[int, float], name: str) -> Series:
    """Return the copied share of the texts by epoch."""
    return Series(name, [(float(epoch), value, percent(value)) for epoch, value in sorted(coverage.items())], True)
