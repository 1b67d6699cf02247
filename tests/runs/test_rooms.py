"""Rooms: what a teacher and what members can do, and that nobody else can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs import rooms
from rnnlab.runs.client import Client
from tests.runs.lab import TINY, until_state, visitor


def refusal(code: str) -> pytest.RaisesExc[RNNLabError]:
    return pytest.RaisesExc(RNNLabError, check=lambda error: error.code == code)


@pytest.fixture
def teacher(client: Client) -> Client:
    return visitor(client, "teacher", teacher=True)


@pytest.fixture
def code(teacher: Client) -> str:
    return teacher.open_room(TINY, recipe="B1", title="Group 3", opened=("learning_rate", "cell"))


def test_a_room_holds_its_preset(client: Client, code: str) -> None:
    room = client.store.room(code.lower())  # as typed on a phone
    assert (room.code, room.title, room.owner, room.recipe) == (code, "Group 3", "teacher", "B1")
    assert (room.config, room.opened) == (TINY, ("cell", "learning_rate"))
    assert room.is_open
    assert len(code) == rooms.CODE_LENGTH
    assert set(code) <= set(rooms.LETTERS)
    assert client.store.rooms("teacher")[0] == code
    with refusal("room_unknown"):
        client.store.room("ZZZZ")


def test_members_start_what_the_teacher_has_opened(client: Client, teacher: Client, code: str) -> None:
    ann, mallory = visitor(client, "ann"), visitor(client, "mallory")
    with refusal("room_stranger"):
        mallory.create(TINY, room=code)
    ann.join_room(code, "  Ann\n Li ")
    ann.join_room(code, "安")
    assert client.store.members(code) == [rooms.Member("ann", "安")]
    run = ann.create(TINY.change(learning_rate=2.0, cell="gru"), room=code)
    with refusal("room_locked"):
        ann.create(TINY.change(num_hiddens=9), room=code)
    mine = teacher.create(TINY, room=code)
    assert client.store.runs_of_room(code) == [run, mine]
    for run_id in (run, mine):
        until_state(client, run_id, "finished")
    for bad in ("", "x" * 25, "a\x00b"):
        with refusal("name_invalid"):
            ann.join_room(code, bad)
    with refusal("visitor_unknown"):
        visitor(client, "").join_room(code, "nobody")
    teacher.remove_name(code, "ann")
    assert client.store.members(code)[0].name == ""
    teacher.end_room(code)
    for act in (lambda: ann.create(TINY, room=code), lambda: mallory.join_room(code, "M")):
        with refusal("room_ended"):
            act()
    assert client.store.runs_of_room(code) == [run, mine]


def test_guesses_are_taken_until_the_run_answers(client: Client, teacher: Client, code: str) -> None:
    ann, bob = visitor(client, "ann"), visitor(client, "bob")
    for member, name in ((ann, "A"), (bob, "B")):
        member.join_room(code, name)
    with refusal("guess_late"):
        ann.guess_in_room(code, "2")
    first = teacher.ask_room(code, "crossing")
    with refusal("room_stranger"):
        visitor(client, "mallory").guess_in_room(code, "2")
    ann.guess_in_room(code, "3")
    ann.guess_in_room(code, "2")
    bob.guess_in_room(code, "never")
    for bad in ("0", "4", "-1", "two", "1e1", "٣", "2.5"):
        with refusal("guess_invalid"):
            ann.guess_in_room(code, bad)
    assert [(guess.visitor, guess.value) for guess in client.store.guesses(code)] == [("ann", "2"), ("bob", "never")]
    with refusal("room_run"):
        teacher.resolve_room(code, client.create(TINY))
    run = teacher.create(TINY, room=code)
    teacher.resolve_room(code, run)
    with refusal("guess_late"):
        ann.guess_in_room(code, "1")
    second = teacher.ask_room(code, "writes")
    assert second > first
    ann.guess_in_room(code, "the sea")
    with refusal("guess_invalid"):
        ann.guess_in_room(code, "x" * 61)
    teacher.ask_room(code, "learns")
    bob.guess_in_room(code, "no")
    with refusal("guess_invalid"):
        bob.guess_in_room(code, "perhaps")
    teacher.ask_room(code, "")
    assert client.store.room(code).question is None
    assert len(client.store.guesses(code)) == 4


def test_the_teacher_shows_a_page_to_all(client: Client, teacher: Client, code: str) -> None:
    teacher.focus_room(code, {"page": "diagnose", "recording": "A9"})
    room = client.store.room(code)
    assert (room.focus, room.focus_number) == ({"page": "diagnose", "recording": "A9"}, 1)
    with refusal("link_invalid"):
        teacher.focus_room(code, {"page": "x" * 10_000})
    teacher.focus_room(code)
    assert client.store.room(code).focus is None
    assert client.store.room(code).focus_number == 2


TEACHING: dict[str, Callable[[Client, str], object]] = {
    "open_room": lambda client, code: client.open_room(TINY),
    "end_room": lambda client, code: client.end_room(code),
    "remove_name": lambda client, code: client.remove_name(code, "ann"),
    "ask_room": lambda client, code: client.ask_room(code, "learns"),
    "resolve_room": lambda client, code: client.resolve_room(code, "run"),
    "focus_room": lambda client, code: client.focus_room(code, {"page": "runs"}),
}


@pytest.mark.parametrize("kind", TEACHING)
def test_only_the_teacher_teaches(client: Client, code: str, kind: str) -> None:
    ann = visitor(client, "ann")
    ann.join_room(code, "Ann")
    before = client.store.room(code)
    with refusal("teacher_only"):
        TEACHING[kind](ann, code)
    assert client.store.room(code) == before
    assert [member.name for member in client.store.members(code)] == ["Ann"]


def test_settings_that_would_cost_too_much_stay_closed(teacher: Client) -> None:
    with refusal("room_setting"):
        teacher.open_room(TINY, opened=("num_chars",))
    with refusal("title_invalid"):
        teacher.open_room(TINY, title="x" * 81)


def test_a_preset_starts_from_networks_that_everybody_has(client: Client) -> None:
    teacher = visitor(client, "teacher", teacher=True)
    with pytest.raises(RunError) as caught:
        teacher.open_room(TINY.change(start_from="ab12cd34@3"))
    assert caught.value.code == "room_start"
    code = teacher.open_room(RECIPES["A3"].config.change(start_from="A3@250"), recipe="A3")
    assert client.store.room(code).config.start_from == "A3@250"
