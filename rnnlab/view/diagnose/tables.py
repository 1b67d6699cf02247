"""From histories and diagnoses to the Arrow tables of the diagnosis charts; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rnnlab.events import Diagnosis, EpochFinished
from rnnlab.view.data.highlight import visible
from rnnlab.view.data.history import History
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.numbers import number, percent
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page.arrow import ipc

_F, _S = pa.float64(), pa.string()
LINES = {"epoch": _F, "value": _F, "series": _S, "order": _F}
TARGETS = {"epoch": _F, "value": _F, "shown": _S, "series": _S, "order": _F, "mark": _F}
RULES = {"value": _F, "label": _S, "end": _F}
EXTENT = {"epoch": _F, "value": _F}
CELLS = {"epoch": _F, "until": _F, "middle": _F, "layer": _S, "row": _F, "value": _F, "zero": _F, "shown": _S, "at": _S}
OUTPUTS = {"rank": _F, "character": _S, "mean": _F, "frequency": _F, "mean_shown": _S, "frequency_shown": _S}
POSITIONS = {"position": _F, "value": _F, "shown": _S, "last": _F, "label": _S}
LAYERS = {"layer": _S, "row": _F, "value": _F, "shown": _S}
CHOICES = {"rank": _F, "character": _S, "value": _F, "shown": _S}

MAX_BINS = 64
"""Columns of a heat map: on a phone each is still some pixels wide."""
MAX_TARGETS = 60
LOWEST, HIGHEST = -12.0, 1.0
"""Decades of the colours of a heat map: one scale for all, so that the same colour means the same norm."""
FAVOURITES = 20


@dataclass(frozen=True)
class Series:
    """One line of a chart: (epoch, value, how it is written), `marked` where its points are to be seen."""

    name: str
    points: Sequence[tuple[float, float, str]]
    marked: bool = False


def perplexities(name: str, history: History, top: float = math.inf) -> Series:
    """Return the curve of a run; what lies above `top`, or is infinite, is drawn there."""
    return Series(
        name,
        [
            (float(one.epoch), min(one.perplexity or top, top), number(one.perplexity, 5))
            for one in history.epochs
            if one.perplexity is not None or math.isfinite(top)
        ],
    )


def grad_norms(name: str, history: History) -> Series:
    """Return the norm of the whole gradient by epoch, before clipping; a logarithm has no place for zero."""
    rows = [one for one in history.epochs if one.grad_norm > 0]
    return Series(name, [(float(one.epoch), one.grad_norm, number(one.grad_norm, 3)) for one in rows])


def clipped_shares(name: str, history: History) -> Series:
    """Return the share of the minibatches that were clipped, by epoch."""
    rows = history.epochs
    return Series(name, [(float(one.epoch), one.clipped_share, percent(one.clipped_share)) for one in rows])


def seconds(name: str, history: History) -> Series:
    """Return the time of each epoch."""
    return Series(name, [(float(one.epoch), one.seconds, f"{one.seconds:.3g}") for one in history.epochs])


def line_tables(series: Iterable[Series], rules: Iterable[tuple[float, str]] = ()) -> dict[str, bytes]:
    """Return the tables of `charts.diagnosis.lines`: ``lines``, ``targets``, ``rules``, ``extent``."""
    lines: dict[str, list[Any]] = {name: [] for name in LINES}
    targets: dict[str, list[Any]] = {name: [] for name in TARGETS}
    for order, one in enumerate(series):
        for epoch, value, _ in one.points:
            _append(lines, epoch=epoch, value=value, series=one.name, order=float(order))
        count = len(one.points)
        for epoch, value, text in one.points if one.marked else [one.points[i] for i in thin(count, MAX_TARGETS)]:
            _append(
                targets, epoch=epoch, value=value, shown=text, series=one.name, order=float(order),
                mark=1.0 if one.marked or count == 1 else 0.0,
            )  # fmt: skip
    ruled = list(rules)
    end = max(lines["epoch"], default=1.0)
    # a rule keeps room below it for its label
    corners = [*lines["value"], *(value * 0.8 for value, _ in ruled)]
    return {
        "lines": ipc(lines, LINES),
        "targets": ipc(targets, TARGETS),
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
    """Return ``cells``: the norm of the gradient by layer and epoch, epochs binned (geometric mean) where many."""
    rows = [one for one in history.epochs if one.grad_norm_by_layer]
    cells: dict[str, list[Any]] = {name: [] for name in CELLS}
    if rows:
        names = layer_names(max(len(one.grad_norm_by_layer) for one in rows), lang)
        end = rows[-1].epoch + 0.5
        for group in _groups(rows):
            first, last = group[0].epoch, group[-1].epoch
            # each column reaches under the next one, or the page would show through between them
            until = min(end, last + 0.5 + 0.3 * len(group))
            for row, layer in enumerate(names):
                norms = [one.grad_norm_by_layer[row] for one in group if len(one.grad_norm_by_layer) > row]
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
                    shown=f"{norm:.2g}",
                    at=str(first) if first == last else f"{first}–{last}",
                )
    return {"cells": ipc(cells, CELLS)}


def _groups(rows: list[EpochFinished]) -> list[list[EpochFinished]]:
    size = -(-len(rows) // MAX_BINS)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _geometric_mean(norms: Sequence[float]) -> float:
    some = [math.log(one) for one in norms if one > 0]
    # a bin that is mostly zeros is one of zeros
    return math.exp(sum(some) / len(some)) if len(some) * 2 > len(norms) else 0.0


def output_table(found: Diagnosis) -> dict[str, bytes]:
    """Return ``outputs``: the most frequent characters, how often they stand in the text and in the output."""
    rows = found.outputs[:FAVOURITES]
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


def position_table(found: Diagnosis) -> dict[str, bytes]:
    """Return ``positions``: the loss at each position of the window, the last one labelled."""
    losses = found.loss_by_position
    end = len(losses)
    return {
        "positions": ipc(
            {
                "position": [float(index + 1) for index in range(end)],
                "value": list(losses),
                "shown": [number(one, 3) for one in losses],
                "last": [1.0 if index == end - 1 else 0.0 for index in range(end)],
                "label": [number(one, 3) if index == end - 1 else "" for index, one in enumerate(losses)],
            },
            POSITIONS,
        )
    }


def denormal_table(found: Diagnosis, lang: str) -> dict[str, bytes]:
    """Return ``layers``: the share of denormal numbers in the gradient of each layer."""
    shares = found.denormal_share_by_layer
    return {
        "layers": ipc(
            {
                "layer": layer_names(len(shares), lang),
                "row": [float(row) for row in range(len(shares))],
                "value": list(shares),
                "shown": [percent(one) for one in shares],
            },
            LAYERS,
        )
    }


def choice_table(top: Sequence[Sequence[Any]], answer: str = "") -> dict[str, bytes]:
    """Return ``choices``: the characters that a network would put into a gap; the right one, if known, is ticked."""
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
    """Return a perplexity that was measured at checkpoints; an infinite one is left out."""
    rows = [(float(epoch), value, number(value, 5)) for epoch, value in sorted(points.items()) if value is not None]
    return Series(name, rows, marked=True)


def coverage_series(coverage: Mapping[int, float], name: str) -> Series:
    """Return the copied share of the texts by epoch."""
    return Series(name, [(float(epoch), value, percent(value)) for epoch, value in sorted(coverage.items())], True)
