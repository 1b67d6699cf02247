"""Every command, asked by a stranger, by the owner of the run, by the teacher and by the owner of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from rnnlab.errors import RNNLabError
from rnnlab.runs import protocol
from rnnlab.runs.client import Client
from tests.runs.lab import LONG, TINY, until, until_state, visitor
from tests.runs.test_rooms import TEACHING

TEXT = "to be or not to be, that is the question. " * 20

STEERING: dict[str, Callable[[Client, str], object]] = {
    "pause_run": lambda client, run: client.pause(run),
    "resume_run": lambda client, run: client.resume(run),
    "step_run": lambda client, run: client.step(run),
    "change_setting": lambda client, run: client.set(run, "learning_rate", 1.0),
    "stop_run": lambda client, run: client.stop(run),
    "continue_run": lambda client, run: client.continue_run(run, 1),
    "star_run": lambda client, run: client.star(run, True),
    "rename_run": lambda client, run: client.rename(run, "mine"),
    "delete_run": lambda client, run: client.delete(run),
    "restore_run": lambda client, run: client.restore(run),
}
"""The commands that only the owner of a run may give."""
READING: dict[str, Callable[[Client, str], object]] = {
    "create_run": lambda client, text: client.create(TINY.change(corpus=text)),
    "compare_implementations": lambda client, text: client.parity(TINY.change(corpus=text)),
    "ask_checkpoint": lambda client, text: client.generate(_run_on(client, text), "to", 3),
}
"""The commands that read a text, which only those may give to whom it belongs."""
OPEN = {"get_status", "wait_for_change", "shorten_link", "add_text", "import_run", "import_checkpoint", "join_room",
        "guess_in_room"}  # fmt: skip
"""The commands that everybody may give; what they make belongs to whoever gives them."""


def _run_on(client: Client, text: str) -> str:
    return next(run.id for run in client.store.runs() if run.config.corpus == text and run.state == "finished")


def refused(act: Callable[[], object]) -> str:
    """Return the code with which a command is refused, "" if it is not refused for its owner."""
    try:
        act()
    except RNNLabError as error:
        return error.code if error.code.endswith("_not_yours") else ""
    return ""


def test_every_command_is_tried() -> None:
    kinds = {command.model_fields["kind"].default for command in get_args(get_args(protocol.Command)[0])}
    assert kinds == {*STEERING, *READING, *OPEN, *TEACHING}


@pytest.mark.parametrize("kind", STEERING)
@pytest.mark.parametrize("made_by", ["ann", ""])
def test_a_stranger_steers_no_run(client: Client, kind: str, made_by: str) -> None:
    ann, stranger = visitor(client, "ann"), visitor(client, "mallory")
    owner = ann if made_by else client
    ended = kind in ("continue_run", "restore_run")
    run_id = owner.create(TINY if ended else LONG)
    until_state(client, run_id, "finished" if ended else "running")
    if kind == "restore_run":
        owner.delete(run_id)
    before = None if kind == "restore_run" else client.store.run(run_id)
    assert refused(lambda: STEERING[kind](stranger, run_id)) == "run_not_yours"
    if before is not None:
        after = client.store.run(run_id)
        assert (after.state in (before.state, "finished"), after.starred, after.title) == (True, False, "")
    # nor does somebody who says that the machine's owner asks, but has no identity of that kind
    assert refused(lambda: STEERING[kind](visitor(client, "-"), run_id)) == "run_not_yours"
    for allowed in (owner, visitor(client, "teacher", teacher=True), client):
        assert refused(lambda allowed=allowed: STEERING[kind](allowed, run_id)) == ""  # type: ignore[misc]


@pytest.mark.parametrize("kind", READING)
def test_a_stranger_reads_no_text(client: Client, kind: str) -> None:
    ann, bob, stranger = visitor(client, "ann"), visitor(client, "bob"), visitor(client, "mallory")
    text = ann.add_text(TEXT + kind, "ann.txt")
    config = TINY.change(corpus=text, num_epochs=1, prefixes=("to",))
    until_state(client, ann.create(config), "finished")
    assert refused(lambda: READING[kind](stranger, text)) == "text_not_yours"
    assert refused(lambda: READING[kind](ann, text)) == ""
    assert refused(lambda: READING[kind](visitor(client, "t", teacher=True), text)) == ""
    # the same text belongs to all who have it; its title stays that of the first
    assert bob.add_text(TEXT + kind, "bob.txt") == text
    assert refused(lambda: READING[kind](bob, text)) == ""
    assert client.store.text_title(text) == "ann.txt"
    assert [name for name, _ in client.store.texts_of("bob")].count(text) == 1
    # and to everybody, if one of them shares it
    bob.add_text(TEXT + kind, "bob.txt", shared=True)
    assert refused(lambda: READING[kind](stranger, text)) == ""


def test_what_a_visitor_makes_is_the_visitors(client: Client) -> None:
    ann = visitor(client, "ann")
    run_id = ann.create(TINY)
    until_state(client, run_id, "finished")
    from rnnlab.runs.export import export_run, to_json

    imported = ann.import_run(to_json(export_run(client.store, run_id)))
    assert [client.store.run(run).owner for run in (run_id, imported)] == ["ann", "ann"]
    assert client.store.run(client.create(TINY)).owner == ""
    until(client, run_id, lambda run: not run.live)


def test_a_stranger_starts_from_no_network(client: Client) -> None:
    ann, stranger, teacher = visitor(client, "ann"), visitor(client, "mallory"), visitor(client, "t", teacher=True)
    run_id = ann.create(TINY.change(num_epochs=1))
    until_state(client, run_id, "finished")
    config = TINY.change(num_epochs=1, start_from=f"{run_id}@1")
    assert refused(lambda: stranger.create(config)) == "start_not_yours"
    assert refused(lambda: stranger.create(config.change(start_from=f"{run_id}@77"))) == "start_not_yours"
    for allowed in (ann, teacher, client):
        assert refused(lambda allowed=allowed: allowed.create(config)) == ""  # type: ignore[misc]


def test_a_network_that_learnt_the_text_of_another_is_no_start(client: Client) -> None:
    """A member trains on the teacher's text in a room; the weights may have learnt it by heart."""
    teacher, bob = visitor(client, "t", teacher=True), visitor(client, "bob")
    text = teacher.add_text(TEXT + "secret", "secret.txt")
    config = TINY.change(corpus=text, num_epochs=1, prefixes=("to",))
    room = teacher.open_room(config, recipe="A2", title="Room")
    bob.join_room(room, "Bob")
    run_id = bob.create(config, room=room)
    until_state(client, run_id, "finished")
    mine = TINY.change(num_epochs=0, start_from=f"{run_id}@1", prefixes=("to",))
    assert refused(lambda: bob.create(mine)) == "text_not_yours"
    assert refused(lambda: teacher.create(mine)) == ""
