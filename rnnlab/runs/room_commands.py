"""The commands on rooms, each checked before it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs import admission, links, origin, rooms
from rnnlab.runs.protocol import (
    Asker,
    AskRoom,
    EndRoom,
    FocusRoom,
    GuessInRoom,
    JoinRoom,
    OpenRoom,
    RemoveName,
    ResolveRoom,
)
from rnnlab.runs.store import check_title
from rnnlab.runs.store_writer import StoreWriter

RoomCommand = OpenRoom | EndRoom | JoinRoom | RemoveName | AskRoom | ResolveRoom | GuessInRoom | FocusRoom


class Host(Protocol):
    """The interface of the commands to the process that holds the store."""

    store: StoreWriter

    def write(self, work: Callable[[], object]) -> None:
        """Call `work`, which changes the store, in one transaction."""


class RoomCommands:
    """Carries out the commands on rooms.

    Args:
        host: the store.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def carry_out(self, command: RoomCommand, asker: Asker | None) -> Any:
        """Carry out a command and return its result.

        Raises:
            RunError: the asker may not give it, or it is not possible.
        """
        store = self._host.store
        match command:
            case OpenRoom():
                return self._open(command, asker)
            case JoinRoom():
                return self._join(command, asker)
            case GuessInRoom():
                return self._guess(command, asker)
        admission.check_teacher(asker)
        room = store.room(command.room)
        match command:
            case EndRoom():
                self._host.write(lambda: store.end_room(room.code))
            case RemoveName():
                self._host.write(lambda: store.join_room(room.code, command.member[:64], ""))
            case AskRoom():
                return self._ask(room, command.asks)
            case ResolveRoom():
                self._resolve(room, command.run)
            case FocusRoom():
                rooms.check_open(room)
                focus = links.checked(command.parameters) if command.parameters else None
                self._host.write(lambda: store.focus_room(room.code, focus))
        return None

    def _open(self, command: OpenRoom, asker: Asker | None) -> str:
        admission.check_teacher(asker)
        config = TrainConfig.from_json(command.config)
        if config.start_from and not origin.ships(config.start_from):
            raise RunError(
                "room_start",
                f"The members of a room cannot start from the weights of your run {config.start_from}; choose a "
                "network that comes with the app, or random weights.",
                start_from=config.start_from,
            )
        title, opened = check_title(command.title), rooms.check_opened(command.opened)
        owner = "" if asker is None else asker.id
        codes: list[str] = []
        self._host.write(
            lambda: codes.append(self._host.store.open_room(title, owner, command.recipe[:40], config, opened))
        )
        return codes[-1]

    def _join(self, command: JoinRoom, asker: Asker | None) -> None:
        admission.check_identity(asker)
        room, name = self._host.store.room(command.room), rooms.check_name(command.name)
        rooms.check_open(room)
        members = self._host.store.members(room.code)
        visitor = _visitor(asker)
        if len(members) >= rooms.MAX_MEMBERS and all(member.visitor != visitor for member in members):
            raise RunError("room_full", f"A room has at most {rooms.MAX_MEMBERS} members.", allowed=rooms.MAX_MEMBERS)
        self._host.write(lambda: self._host.store.join_room(room.code, visitor, name))

    def _guess(self, command: GuessInRoom, asker: Asker | None) -> None:
        admission.check_identity(asker)
        store, visitor = self._host.store, _visitor(asker)
        room = store.room(command.room)
        value = rooms.check_guess(room, command.guess)
        rooms.check_member(store.members(room.code), visitor)
        assert room.question is not None
        number = room.question.number
        self._host.write(lambda: store.guess(room.code, number, visitor, value))

    def _ask(self, room: rooms.Room, kind: str) -> int:
        rooms.check_open(room)
        number = 1 + max((guess.question for guess in self._host.store.guesses(room.code)), default=0)
        number = max(number, room.question.number + 1 if room.question else 1)
        known = [name for name in rooms.QUESTIONS if name == kind]
        if kind and not known:
            allowed = ", ".join(rooms.QUESTIONS)
            raise RunError("question_kind", f"A question is one of: {allowed}.", allowed=allowed)
        question = rooms.Question(number, known[0]) if known else None
        self._host.write(lambda: self._host.store.ask_room(room.code, question))
        return number if known else 0

    def _resolve(self, room: rooms.Room, run_id: str) -> None:
        if room.question is None:
            raise RunError("guess_late", "No question is open now.")
        run = self._host.store.run(run_id)
        if run.id not in self._host.store.runs_of_room(room.code):
            raise RunError("room_run", f"Run {run.id} is not in this room.", run=run.id)
        question = rooms.Question(room.question.number, room.question.kind, run.id)
        self._host.write(lambda: self._host.store.ask_room(room.code, question))


def _visitor(asker: Asker | None) -> str:
    return "" if asker is None else asker.id
