"""Pushed points of compared runs."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from rnnlab.errors import RunError
from rnnlab.view.compare import tables, watch
from rnnlab.view.compare.measures import AXES, FINISHES, check_pins, finishing_order, read_pins, write_pins
from rnnlab.view.compare.sentences import board
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data.identity import MAX_PINS, Identity
from rnnlab.view.page import plot
from rnnlab.view.page.arrow import Columns
from rnnlab.view.page.plot import Position
from rnnlab.view.watch.stream import Edition

PATH = "lab/compared"
"""The address of the events, followed by the pins."""
LONGEST_NAME = 100
"""Maximum length of the name of a run, in characters."""


@dataclass(frozen=True)
class Comparison:
    """The settings of a comparison chart: runs, labels, colours, axis.

    Attributes:
        kind: the chart: the curves over each other, or the band of random seeds.
        pins: the runs.
        names: the label of each.
        slots: the number of the colour and dash of each.
        lang: language of the texts.
        by: unit of the horizontal axis, one of `measures.AXES`.
        smooth: whether the curves are smoothed.
        finish: the line of a race, one of `measures.FINISHES`; "" for no race.
    """

    kind: Literal["overlay", "band"]
    pins: tuple[Identity, ...]
    names: tuple[str, ...]
    slots: tuple[int, ...]
    lang: str
    by: str = "epoch"
    smooth: bool = False
    finish: str = ""
    pace = 0.25

    @classmethod
    def read(cls, pins_text: str, query: QueryParams) -> Comparison:
        """Return the comparison of an address, see `events`.

        Raises:
            ValueError: it is no such address.
            RunError: ``compare_too_many``.
        """
        pins = read_pins(pins_text)
        check_pins(pins)
        names, slots = query.getlist("name"), [int(slot) for slot in query.get("slots", "").split(",")]
        by, finish = query.get("by", ""), query.get("finish", "")
        if not len(pins) == len(names) == len(slots) or not set(slots) <= set(range(MAX_PINS)):
            raise ValueError(pins_text)
        if by not in AXES or finish not in ("", *FINISHES) or any(len(name) > LONGEST_NAME for name in names):
            raise ValueError(pins_text)
        kind: Literal["overlay", "band"] = "band" if query.get("kind") == "band" else "overlay"
        smooth, lang = query.get("smooth") == "1", query.get("lang", "en")
        return cls(kind, tuple(pins), tuple(names), tuple(slots), lang, by, smooth, finish)

    def events(self, drawn: Snapshot) -> plot.Events | None:
        """Return the address of the events after `drawn`; None if there are none or the page polls."""
        if drawn.ended or not plot.pushes():
            return None
        query = [("kind", self.kind), ("lang", self.lang), ("by", self.by), ("smooth", str(int(self.smooth)))]
        query += [("finish", self.finish), ("slots", ",".join(map(str, self.slots)))]
        query += [("name", name[:LONGEST_NAME]) for name in self.names]
        query += [("start", str(sum(run.history.starts for run in drawn.runs)))]
        look = ComparisonLook(self, drawn)
        path = f"{PATH}/{quote(write_pins(self.pins), safe=',:')}?{urlencode(query)}"
        return plot.Events(path, look.position, look.phase)

    @property
    def key(self) -> Hashable:
        """The comparison itself; viewers with equal settings share a channel."""
        return self

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of the runs that may be live."""
        return tuple(pin.name for pin in self.pins if not pin.recorded)

    @property
    def width(self) -> int:
        """Number of runs of a position."""
        return len(self.pins)

    def look(self) -> ComparisonLook:
        """Read the current state.

        Raises:
            RunError: a run does not exist.
        """
        current = watch.look(self.pins, self.lang, "light", read=False)
        if len(current.runs) != len(self.pins):
            gone = next(pin.name for pin in self.pins if all(run.identity != pin for run in current.runs))
            raise RunError("run_unknown", f"There is no run {gone}.", run=gone)
        return ComparisonLook(self, current)


class ComparisonLook:
    """The state of a comparison at one moment."""

    def __init__(self, shown: Comparison, current: Snapshot) -> None:
        self._shown, self._runs = shown, current.runs
        self.position: Position = tuple(float(run.history.epoch) for run in current.runs)
        self.live = not current.ended

    @property
    def phase(self) -> str:
        """The part of the state that the page draws itself: states, texts, the order in a race, and the scale."""
        places = finishing_order(self._runs, self._shown.finish, self._shown.by) if self._shown.finish else []
        parts = (
            " ".join(run.state for run in self._runs),
            [[run.config.num_epochs, run.history.epoch > 0, len(run.history.texts)] for run in self._runs],
            [[place.index, place.rank] for place in places if place.rank],
            tables.top_of(self._runs),
        )
        return json.dumps(parts, separators=(",", ":"))

    def point(self, edition: Edition, after: Position) -> Mapping[str, Any]:
        """Return the changes of the tables since the position `after`."""
        shown, runs = self._shown, self._runs
        if shown.kind == "band":
            added = tables.band_points(runs, shown.slots, edition.lang, after)
            places = added["band"]["x"]
            newest = tables.band_newest(runs, shown.names, shown.slots, edition.lang)
            return {"drop": {"band": places, "median": places}, "add": _filled(added), "put": newest}
        added = tables.overlay_points(runs, shown.names, shown.slots, shown.by, shown.smooth, after)
        newest = tables.overlay_newest(runs, shown.names, shown.slots, shown.by, shown.smooth, edition.lang)
        places_now = {"board": board(runs, shown.names, shown.finish, shown.by, edition.lang)} if shown.finish else {}
        return {"add": _filled(added), "put": newest, **places_now}


def _filled(added: Mapping[str, Columns]) -> dict[str, Columns]:
    return {name: table for name, table in added.items() if table["x"]}
