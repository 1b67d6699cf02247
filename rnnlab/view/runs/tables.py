"""The table of the runs, as Arrow."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from rnnlab.view.data.thinning import thin
from rnnlab.view.language.numbers import number

POINTS = 24
"""Largest number of points of a curve in the table."""
HIGHEST = math.log(5000)
"""The top of the curves in the table, as a logarithm: a little more than the perplexity of a uniform guess."""


class Row(NamedTuple):
    """A run in the table; `changes` are the settings in which it departs from its recipe."""

    id: str
    name: str
    changes: str
    state: str
    starred: bool
    epoch: int
    perplexity: float | None
    curve: tuple[float, ...]
    created: datetime.datetime


_TYPES = {
    "name": pa.string(),
    "perplexity": pa.float64(),
    "state": pa.string(),
    "star": pa.string(),
    "curve": pa.list_(pa.float32()),
    "epoch": pa.int64(),
    "created": pa.timestamp("s"),
    "changes": pa.string(),
    "id": pa.string(),
}
COLUMNS = tuple(_TYPES)
"""The names of the columns, in order: the first three fit on a phone, all but the last two on a small laptop."""


def runs(rows: Sequence[Row]) -> pa.Table:
    """Return the table of some runs; the time has no zone, as it is the visitor's."""
    columns: dict[str, list[object]] = {name: [getattr(row, name, None) for row in rows] for name in COLUMNS}
    columns["star"] = ["★" if row.starred else "" for row in rows]
    # an epoch without a perplexity is one whose perplexity overflowed
    columns["perplexity"] = [math.inf if row.perplexity is None and row.epoch else row.perplexity for row in rows]
    columns["created"] = [row.created.replace(tzinfo=None) for row in rows]
    columns["curve"] = [list(row.curve) for row in rows]
    return pa.table(columns, schema=pa.schema(list(_TYPES.items())))


def written(table: pa.Table) -> Any:
    """Return the table `runs` with formatted perplexities: an infinite one as ∞ instead of a word.

    The columns keep their numbers, by which the browser sorts.
    """
    return table.to_pandas().style.format({"perplexity": lambda value: number(value, 5)}, na_rep="")


_HOST_TYPES = {
    "name": pa.string(),
    "cores": pa.int64(),
    "speed": pa.float64(),
    "memory": pa.float64(),
    "devices": pa.string(),
    "runs": pa.int64(),
}
HOST_COLUMNS = tuple(_HOST_TYPES)
"""The names of the columns of the table of machines, in order."""


def hosts(states: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the table of some machines of the cluster; the speed is null until it is measured.

    Args:
        states: `rnnlab.runs.protocol.HostState` of each, as `Client.status` has it.
    """
    rows = []
    for state in states:
        facts = state["facts"]
        speed = facts["speed"].get("flops")
        rows.append(
            {
                "name": facts["name"],
                "cores": facts["cores"],
                "speed": round(speed / 1e9, 1) if speed else None,
                "memory": round(facts["memory_mb"] / 1024, 1),
                "devices": " ".join(facts["devices"]).upper() or None,
                "runs": len(state["runs"]),
            }
        )
    return pa.Table.from_pylist(rows, schema=pa.schema(list(_HOST_TYPES.items())))


def curve(perplexities: Mapping[int, float | None]) -> tuple[float, ...]:
    """Return the logarithms of the perplexities of a run at no more than `POINTS` epochs; beyond the top, the top."""
    values = [HIGHEST if value is None else min(HIGHEST, math.log(max(value, 1.0))) for value in perplexities.values()]
    return tuple(round(values[index], 3) for index in thin(len(values), POINTS))
