"""Rooms: a teacher's preset, the visitors who join, their runs, and their guesses. No accounts, no marks.

A room is opened by a teacher and found by its code. Its members start runs that depart from the preset only in the
settings that the teacher has opened. A question is put to all; each member has one guess, and a run resolves it.
"""

from __future__ import annotations

import json
import secrets
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RunError

LETTERS = "ACDEFHJKMNPRTWXY3479"
"""The characters of a code; similar ones such as O and 0 are excluded."""
CODE_LENGTH = 4
MAX_NAME = 24
"""Maximum length of the name of a member, in characters."""
MAX_MEMBERS = 200
MAX_GUESS = 60
"""Maximum length of a guessed text, in characters."""

QuestionKind = Literal["crossing", "learns", "writes"]
QUESTIONS: tuple[QuestionKind, ...] = get_args(QuestionKind)
"""Kinds of questions: the epoch of the bigram line, whether the network learns, and the text that it writes."""

OPENABLE = (
    "cell",
    "implementation",
    "num_hiddens",
    "num_layers",
    "bidirectional",
    "sampling",
    "learning_rate",
    "clip_norm",
    "optimizer",
    "num_steps",
    "batch_size",
    "num_epochs",
    "random_seed",
)
"""The settings that a teacher may open for the members of a room."""


@dataclass(frozen=True)
class Room:
    """A room.

    Attributes:
        code: its code.
        title: its title, or "".
        owner: the visitor who opened it; "" for the owner of the machine.
        recipe: the experiment of the preset.
        config: the preset.
        opened: the settings that members may change.
        opened_at: when it was opened, as a Unix time.
        ended_at: when it ended; None while it is open.
        question: the question that is asked, or None.
        focus: the page shown to all members, with its parameters; None if the teacher shows none.
        focus_number: number of pages shown so far.
    """

    code: str
    title: str
    owner: str
    recipe: str
    config: TrainConfig
    opened: tuple[str, ...]
    opened_at: float
    ended_at: float | None
    question: Question | None
    focus: dict[str, str] | None
    focus_number: int

    @property
    def is_open(self) -> bool:
        """Whether members may join and start runs."""
        return self.ended_at is None


@dataclass(frozen=True)
class Question:
    """A question to the members of a room.

    Attributes:
        number: counts the questions of the room.
        kind: one of `QUESTIONS`.
        run: the run that resolves it; "" before it is started. No guess is taken after that.
    """

    number: int
    kind: QuestionKind
    run: str = ""


@dataclass(frozen=True)
class Member:
    """A member of a room: a visitor, with a chosen name; "" after the teacher has removed the name."""

    visitor: str
    name: str


@dataclass(frozen=True)
class Guess:
    """The guess of a member: an epoch, "yes" or "no", or a text, as text."""

    question: int
    visitor: str
    value: str


def new_code() -> str:
    """Return a code for a new room."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def check_name(name: str) -> str:
    """Return the name of a member as one line of plain text.

    Raises:
        RunError: ``name_invalid``.
    """
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise RunError("name_invalid", f"A name is one line of 1 to {MAX_NAME} characters.", allowed=MAX_NAME)
    return text


def check_opened(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the settings that a teacher opens, each once, in the order of `OPENABLE`.

    Raises:
        RunError: ``room_setting``.
    """
    for name in names:
        if name not in OPENABLE:
            allowed = ", ".join(OPENABLE)
            raise RunError("room_setting", f"{name[:40]} cannot be opened; these can: {allowed}.", allowed=allowed)
    return tuple(name for name in OPENABLE if name in names)


def check_config(config: TrainConfig, room: Room) -> None:
    """Check that a run departs from the preset of a room only in settings that are open.

    Raises:
        RunError: ``room_ended``, ``room_locked``.
    """
    check_open(room)
    locked = sorted(set(config.changes_from(room.config)) - set(room.opened))
    if locked:
        names = ", ".join(locked)
        raise RunError("room_locked", f"In this room these settings are fixed: {names}.", names=names)


def check_member(members: Iterable[Member], visitor: str) -> None:
    """Check that a visitor has joined a room.

    Raises:
        RunError: ``room_stranger``.
    """
    if all(member.visitor != visitor for member in members):
        raise RunError("room_stranger", "Join the room first.")


def check_open(room: Room) -> None:
    """Check that a room has not ended.

    Raises:
        RunError: ``room_ended``.
    """
    if not room.is_open:
        raise RunError("room_ended", f"Room {room.code} has ended.", room=room.code)


def check_guess(room: Room, value: str) -> str:
    """Return a guess as it is stored.

    Raises:
        RunError: ``guess_late``: no question is open; ``guess_invalid``.
    """
    check_open(room)
    if room.question is None or room.question.run:
        raise RunError("guess_late", "No question is open now.")
    text = " ".join(value.split()) if room.question.kind != "writes" else value.strip()
    if room.question.kind == "crossing":
        good = text == "never" or (text.isascii() and text.isdigit() and 1 <= int(text) <= room.config.num_epochs)
    elif room.question.kind == "learns":
        good = text in ("yes", "no")
    else:
        good = 0 < len(text) <= MAX_GUESS and text.isprintable()
    if not good:
        epochs = room.config.num_epochs
        raise RunError("guess_invalid", "This cannot be a guess for this question.", epochs=epochs, allowed=MAX_GUESS)
    return text


class RoomQueries:
    """The queries of a store on rooms."""

    @abstractmethod
    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

    def room(self, code: str) -> Room:
        """Return the room with a code; upper and lower case are equal.

        Raises:
            RunError: ``room_unknown``.
        """
        rows = self._rows(
            "select code, title, owner, recipe, config, opened, opened_at, ended_at, question, focus, focus_number"
            " from rooms where code = ?",
            (code.strip().upper()[:20],),
        )
        if not rows:
            raise RunError("room_unknown", f"There is no room {code[:20]!r}.", room=code[:20])
        row = rows[0]
        try:
            config = TrainConfig.from_json(row[4])
        except ConfigError as error:  # of another version
            raise RunError("room_unknown", f"Room {code[:20]!r} cannot be read.", room=code[:20]) from error
        return Room(
            code=row[0],
            title=row[1],
            owner=row[2],
            recipe=row[3],
            config=config,
            opened=tuple(json.loads(row[5])),
            opened_at=row[6],
            ended_at=row[7],
            question=Question(**json.loads(row[8])) if row[8] else None,
            focus=json.loads(row[9]) if row[9] else None,
            focus_number=row[10],
        )

    def rooms(self, owner: str | None = None) -> list[str]:
        """Return the codes of the rooms, of those that `owner` opened if one is given, the newest first."""
        rows = self._rows("select code, owner from rooms order by opened_at desc limit 100")
        return [str(code) for code, opened_by in rows if owner is None or opened_by == owner]

    def members(self, code: str) -> list[Member]:
        """Return the members of a room, in the order in which they joined."""
        rows = self._rows("select visitor, name from room_members where room = ? order by joined_at, visitor", (code,))
        return [Member(*row) for row in rows]

    def guesses(self, code: str) -> list[Guess]:
        """Return all guesses of a room, in their order."""
        rows = self._rows(
            "select question, visitor, value from room_guesses where room = ? order by question, guessed_at", (code,)
        )
        return [Guess(*row) for row in rows]

    def runs_of_room(self, code: str) -> list[str]:
        """Return the ids of the runs of a room, the oldest first."""
        return [
            str(run) for (run,) in self._rows("select id from runs where room = ? order by created_at, id", (code,))
        ]


class RoomChanges(RoomQueries):
    """The changes of rooms in a store."""

    @abstractmethod
    def _change(self, sql: str, *values: Any) -> Any:
        """Carry out a statement."""

    def open_room(self, title: str, owner: str, recipe: str, config: TrainConfig, opened: tuple[str, ...]) -> str:
        """Store a new room and return its code."""
        code = next(
            code for code in iter(new_code, "") if not self._rows("select 1 from rooms where code = ?", (code,))
        )
        self._change(
            "insert into rooms (code, title, owner, recipe, config, opened, opened_at) values (?, ?, ?, ?, ?, ?, ?)",
            code,
            title,
            owner,
            recipe,
            config.to_json(),
            json.dumps(opened),
            time.time(),
        )
        return code

    def end_room(self, code: str) -> None:
        """End a room; its runs, members and guesses stay."""
        self._change(
            "update rooms set ended_at = ?, focus = null where code = ? and ended_at is null", time.time(), code
        )

    def ask_room(self, code: str, question: Question | None) -> None:
        """Put a question to a room, or change its state."""
        body = None if question is None else json.dumps(vars(question))
        self._change("update rooms set question = ? where code = ?", body, code)

    def focus_room(self, code: str, focus: Mapping[str, str] | None) -> None:
        """Show a page to all members of a room; None ends it."""
        body = None if focus is None else json.dumps(dict(focus))
        self._change("update rooms set focus = ?, focus_number = focus_number + 1 where code = ?", body, code)

    def join_room(self, code: str, visitor: str, name: str) -> None:
        """Add a member to a room, or change the member's name."""
        self._change(
            "insert into room_members (room, visitor, name, joined_at) values (?, ?, ?, ?)"
            " on conflict (room, visitor) do update set name = excluded.name",
            code,
            visitor,
            name,
            time.time(),
        )

    def guess(self, code: str, question: int, visitor: str, value: str) -> None:
        """Store the guess of a member, in place of an earlier one."""
        self._change(
            "insert into room_guesses (room, question, visitor, value, guessed_at) values (?, ?, ?, ?, ?)"
            " on conflict (room, question, visitor) do update set value = excluded.value,"
            " guessed_at = excluded.guessed_at",
            code,
            question,
            visitor,
            value,
            time.time(),
        )

    def put_into_room(self, run_id: str, code: str) -> None:
        """Put a new run into a room."""
        self._change("update runs set room = ? where id = ?", code, run_id)
