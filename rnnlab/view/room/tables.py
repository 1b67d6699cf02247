"""The tables of the wall: all curves of a room, and the guesses."""

from __future__ import annotations

import bisect
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

_F, _S, _I = pa.float64(), pa.string(), pa.int32()
LINE = {"epoch": _F, "value": _F, "slot": _I, "series": _S, "name": _S, "shown": _S}
END = {"epoch": _F, "value": _F, "slot": _I, "label": _S}
RULE = {"value": _F, "label": _S, "order": _F, "end": _F}
EXTENT = {"epoch": _F, "value": _F}
BAR = {"epoch": _F, "end": _F, "value": _F, "shown": _S}
WALL = {"line": LINE, "ends": END, "ladder": RULE, "extent": EXTENT, "guesses": BAR}
"""The tables of `charts.wall`, with their columns."""

MAX_POINTS = 120
"""Maximum number of points of a curve, as a room has many curves."""
MAX_LABELS = 12
"""Number of runs up to which their names are written beside the curves."""
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


def newest(lines: Sequence[Line], top: float) -> dict[str, Columns]:
    """Return the table ``ends``, which every point replaces: where each curve ends, with its name if there is room."""
    shown = [(slot, line) for slot, line in enumerate(lines) if line.history.epochs]
    return {
        "ends": {
            "epoch": [float(line.history.epoch) for _, line in shown],
            "value": [_place(line.history.epochs[-1].perplexity, top) for _, line in shown],
            "slot": [slot % SLOTS for slot, _ in shown],
            "label": [line.name if len(shown) <= MAX_LABELS else "" for _, line in shown],
        }
    }


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
    end = float(max([num_epochs, *(line.history.epoch for line in lines)]))
    still: dict[str, Columns] = {
        "ladder": {
            "value": [ladder[order] for order in rungs],
            "label": [f"{t(f'ngram.{order}', lang)} {number(ladder[order], 4)}" for order in rungs],
            "order": [float(order) for order in rungs],
            "end": [end for _ in rungs],
        },
        "extent": {"epoch": [0.0, end * 1.015], "value": [1.0, top]},
        "guesses": guessed,
    }
    tables = {**points(lines, top), **newest(lines, top), **still}
    return {name: ipc(tables[name], columns) for name, columns in WALL.items()}


def _place(perplexity: float | None, top: float) -> float:
    return top if perplexity is None else min(max(perplexity, 1.0), top)
