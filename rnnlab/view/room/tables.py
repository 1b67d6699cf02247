"""The tables of the wall: all curves of a room, and the guesses."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from rnnlab.runs.rooms import Guess, Question
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.page.arrow import Columns, ipc
from rnnlab.view.page.charts import columns, cut

_F, _S, _I = pa.float64(), pa.string(), pa.int32()
LINE = {"epoch": _F, "value": _F, "slot": _I, "series": _S, "name": _S, "shown": _S}
END = {"epoch": _F, "value": _F, "place": _F, "slot": _I, "label": _S}
RULE = {"value": _F, "label": _S, "order": _F, "end": _F}
EXTENT = {"epoch": _F, "value": _F}
BAR = {"epoch": _F, "end": _F, "value": _F, "shown": _S}
WALL = {"line": LINE, "ends": END, "ladder": RULE, "extent": EXTENT, "guesses": BAR}
"""The tables of `charts.wall`, with their columns."""

MAX_POINTS = 120
"""Maximum number of points of a curve, as a room has many curves."""
MAX_LABELS = 12
"""Number of runs up to which their names are written beside the curves."""
MAX_WIDTH = 12
"""Width up to which a name is written whole beside its curve, in columns."""
APART = 0.07
"""Distance between two names beside each other's curves, as a share of the height of the chart."""
COLUMN = 0.03
"""Width of a column of text on the chart of a phone, as a share of the width of the chart."""
SLOTS = 6
BINS = 24
"""Number of bars into which guessed epochs are counted."""
BAR_HEIGHT = 0.3
"""Height of the highest bar, as a share of the height of the chart."""


@dataclass(frozen=True)
class Line:
    """A run on the wall: its id, the name of its owner, and its history."""

    run: str
    name: str
    history: History


def points(lines: Sequence[Line], top: float, after: Sequence[float] | None = None) -> dict[str, Columns]:
    """Return the rows of the table ``line``.

    Args:
        lines: the runs.
        top: upper end of the axis.
        after: for each run the epoch after which its rows begin; None: all rows, thinned.
    """
    columns: Columns = {name: [] for name in LINE}
    for slot, line in enumerate(lines):
        rows = line.history.epochs
        if after is None:
            rows = [rows[i] for i in thin(len(rows), MAX_POINTS)]
        else:
            rows = rows[bisect.bisect_right(rows, after[slot], key=lambda row: row.epoch) :]
        columns["epoch"] += [float(row.epoch) for row in rows]
        columns["value"] += [_place(row.perplexity, top) for row in rows]
        columns["slot"] += [slot % SLOTS] * len(rows)
        columns["series"] += [line.run] * len(rows)
        columns["name"] += [line.name] * len(rows)
        columns["shown"] += [number(row.perplexity, 4) for row in rows]
    return {"line": columns}


def newest(lines: Sequence[Line], top: float, end: float) -> dict[str, Columns]:
    """Return the tables that every point replaces.

    They are ``ends``, where each curve ends, with its name if there is room, and ``extent``, the corners of the chart.

    Args:
        lines: the runs.
        top: upper end of the vertical axis.
        end: right end of the horizontal axis.
    """
    shown = [(slot, line) for slot, line in enumerate(lines) if line.history.epochs]
    named = len(shown) <= MAX_LABELS
    labels = [cut(line.name, MAX_WIDTH) if named else "" for _, line in shown]
    epochs = [float(line.history.epoch) for _, line in shown]
    values = [_place(line.history.epochs[-1].perplexity, top) for _, line in shown]
    heights = [math.log(value) / math.log(top) for value in values]
    starts = [epoch / end for epoch in epochs]
    ends = [start + COLUMN * (1 + columns(label)) for start, label in zip(starts, labels, strict=True)]
    places = _apart(heights, starts, ends) if named else heights
    return {
        "ends": {
            "epoch": epochs,
            "value": values,
            "place": [top**place for place in places],
            "slot": [slot % SLOTS for slot, _ in shown],
            "label": labels,
        },
        "extent": {"epoch": [0.0, end * 1.015], "value": [1.0, top]},
    }


def axis_end(lines: Sequence[Line], num_epochs: int) -> float:
    """Return the last epoch on the axis of a room whose preset has `num_epochs`."""
    return float(max([num_epochs, *(line.history.epoch for line in lines)]))


def _apart(heights: Sequence[float], starts: Sequence[float], ends: Sequence[float]) -> list[float]:
    """Return the heights at which names are written so that none covers another, each as near to its curve as it can.

    All arguments are shares of the chart: the heights at which curves end, and where their names begin and end.
    """
    places = list(heights)
    for group in _side_by_side(starts, ends):
        # from below; names that would cover each other become a block around their middle
        blocks: list[list[int]] = []
        for index in sorted(group, key=lambda index: heights[index]):
            blocks.append([index])
            while len(blocks) > 1 and _bottom(blocks[-1], heights) < _above(blocks[-2], heights):
                upper = blocks.pop()
                blocks[-1] += upper
        for block in blocks:
            for row, index in enumerate(block):
                places[index] = _bottom(block, heights) + APART * row
    return places


def _bottom(block: Sequence[int], heights: Sequence[float]) -> float:
    """Return the height of the lowest name of a block, which stays within the chart."""
    size = APART * (len(block) - 1)
    middle = sum(heights[index] for index in block) / len(block)
    return max(0.0, min(middle - size / 2, 1.0 - size))


def _above(block: Sequence[int], heights: Sequence[float]) -> float:
    """Return the lowest height that is free above a block."""
    return _bottom(block, heights) + APART * len(block)


def _side_by_side(starts: Sequence[float], ends: Sequence[float]) -> list[list[int]]:
    """Return the groups of names that lie above or below each other."""
    groups: list[list[int]] = []
    reach = -math.inf
    for index in sorted(range(len(starts)), key=lambda index: starts[index]):
        if starts[index] >= reach:
            groups.append([])
        groups[-1].append(index)
        reach = max(reach, ends[index])
    return groups


def bars(guesses: Iterable[Guess], question: Question | None, num_epochs: int, top: float, lang: str) -> Columns:
    """Return the table ``guesses``: how many guessed each part of the epochs, for a question that asks for an epoch.

    The bars stand on the lower end of the logarithmic axis, and their heights are proportional to the counts.
    """
    columns: Columns = {name: [] for name in BAR}
    if question is None or question.kind != "crossing":
        return columns
    width = max(1, -(-num_epochs // BINS))
    counted = Counter(
        (int(guess.value) - 1) // width
        for guess in guesses
        if guess.question == question.number and guess.value.isdigit()
    )
    for part, count in sorted(counted.items()):
        columns["epoch"].append(float(part * width))
        columns["end"].append(float((part + 1) * width))
        columns["value"].append(top ** (BAR_HEIGHT * count / max(counted.values())))
        columns["shown"].append(t("room.guessed", lang, count=count))
    return columns


def wall(
    lines: Sequence[Line], ladder: Ladder, top: float, num_epochs: int, guessed: Columns, lang: str
) -> dict[str, bytes]:
    """Return all tables of the wall."""
    rungs = [order for order in (1, 2) if order in ladder]
    end = axis_end(lines, num_epochs)
    still: dict[str, Columns] = {
        "ladder": {
            "value": [ladder[order] for order in rungs],
            "label": [f"{t(f'ngram.{order}', lang)} {number(ladder[order], 4)}" for order in rungs],
            "order": [float(order) for order in rungs],
            "end": [end for _ in rungs],
        },
        "guesses": guessed,
    }
    tables = {**points(lines, top), **newest(lines, top, end), **still}
    return {name: ipc(tables[name], columns) for name, columns in WALL.items()}


def _place(perplexity: float | None, top: float) -> float:
    return top if perplexity is None else min(max(perplexity, 1.0), top)
