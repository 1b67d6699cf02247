"""Pushed points of the wall: curves and guesses."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from rnnlab.errors import CorpusError, RunError
from rnnlab.runs.rooms import Question, Room
from rnnlab.view.data.crossing import first_below
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.language.i18n import t
from rnnlab.view.page import plot, session
from rnnlab.view.page.arrow import Columns
from rnnlab.view.page.plot import Position
from rnnlab.view.page.style import axis_top
from rnnlab.view.room import tables
from rnnlab.view.room.tables import Line
from rnnlab.view.watch import scenes
from rnnlab.view.watch.stream import Edition

PATH = "lab/wall"
"""The address of the events, followed by the code of the room."""


@dataclass(frozen=True)
class Wall:
    """The runs of a room.

    Attributes:
        code: the room.
        runs: the ids of its runs when the page was drawn; with another run the page is drawn again.
    """

    code: str
    runs: tuple[str, ...]
    pace = 0.3

    @classmethod
    def of(cls, code: str) -> Wall:
        """Return the wall of a room with its present runs.

        Raises:
            RunError: ``room_unknown``.
        """
        return cls(session.store().room(code).code, tuple(session.store().runs_of_room(code)))

    @property
    def key(self) -> Hashable:
        """The wall itself."""
        return self

    @property
    def width(self) -> int:
        """Number of parts of a position: the runs, the members, the guesses."""
        return len(self.runs) + 2

    def look(self) -> WallLook:
        """Read the current state.

        Raises:
            RunError: ``room_unknown``.
        """
        return WallLook(self)


class WallLook:
    """The state of a wall at one moment."""

    def __init__(self, wall: Wall) -> None:
        store = session.store()
        self.room: Room = store.room(wall.code)
        self.members = store.members(wall.code)
        self.guesses = store.guesses(wall.code)
        names = {member.visitor: member.name for member in self.members}
        self.lines: list[Line] = []
        self.ladder = _ladder(self.room)
        self.states: list[str] = []
        self._teachers: set[str] = set()
        written = 0
        for run_id in wall.runs:
            try:
                record = store.run(run_id)
            except RunError:  # deleted: its place stays empty until the page is drawn again
                self.lines.append(Line(run_id, "", History()))
                self.states.append("deleted")
                continue
            scene = scenes.feed(run_id).scene(record, "en", "light")
            if record.owner not in names:
                self._teachers.add(run_id)
            self.lines.append(Line(run_id, names.get(record.owner) or record.id[:4], scene.history))
            self.states.append(record.state)
            written += len(scene.history.written())
        reached = (event.perplexity for line in self.lines for event in line.history.epochs)
        self.top = axis_top(self.ladder.get(0, 1000.0), reached)
        self.position: Position = (
            *(float(line.history.epoch) for line in self.lines),
            float(len(self.members)),
            float(len(self.guesses)),
        )
        runs = store.runs_of_room(wall.code)
        asked = self.room.question
        self.phase = json.dumps(
            [" ".join(self.states), runs, written, vars(asked) if asked else None, self._crossed(asked)],
            separators=(",", ":"),
        )
        self.live = self.room.is_open or any(state in ("queued", "running", "paused") for state in self.states)

    def _crossed(self, asked: Question | None) -> bool:
        """Return whether the run that answers the question is below the bigram line."""
        found = [line.history for line in self.lines if asked is not None and line.run == asked.run]
        return bool(found) and 2 in self.ladder and first_below(found[0], self.ladder[2]) is not None

    def point(self, edition: Edition, after: Position) -> Mapping[str, Any]:
        """Return the changes of the tables since the position `after`."""
        guessed, lines = self.bars(edition.lang), self.named(edition.lang)
        end = tables.axis_end(self.lines, self.room.config.num_epochs)
        return {
            "add": tables.points(lines, self.top, after),
            "put": {**tables.newest(lines, self.top, end), "guesses": guessed},
        }

    def named(self, lang: str) -> list[Line]:
        """Return the lines with the teacher's runs named in a language."""
        teacher = t("room.teacher", lang)
        return [replace(line, name=teacher) if line.run in self._teachers else line for line in self.lines]

    def bars(self, lang: str) -> Columns:
        """Return the table of the guesses."""
        return tables.bars(self.guesses, self.room.question, self.room.config.num_epochs, self.top, lang)

    def events(self, wall: Wall, lang: str) -> plot.Events | None:
        """Return the address of the following events; None if there are none or the page polls."""
        if not self.live or not plot.pushes():
            return None
        starts = sum(line.history.starts for line in self.lines)
        query = urlencode({"lang": lang, "runs": len(wall.runs), "start": starts})
        return plot.Events(f"{PATH}/{wall.code}?{query}", self.position, self.phase, ("ladder",))


def _ladder(room: Room) -> Ladder:
    try:
        return session.facts().of(room.config).ladder
    except CorpusError:  # its text has been deleted
        return {}
