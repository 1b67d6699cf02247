"""Identities of runs and recordings in addresses and widgets."""

from __future__ import annotations

import pytest

from rnnlab.view.data.identity import Identity


@pytest.mark.parametrize(
    ("text", "identity", "pin"),
    [
        ("run:4f2a", Identity("run", "4f2a"), "4f2a"),
        ("4f2a", Identity("run", "4f2a"), "4f2a"),  # as in old links of Compare
        ("recorded:A8-repaired", Identity("recorded", "A8-repaired"), "recorded:A8-repaired"),
        ("recorded:", Identity("recorded", ""), "recorded:"),
        ("other:4f2a", Identity("run", "other:4f2a"), "other:4f2a"),
        ("", Identity("run", ""), ""),
    ],
)
def test_every_spelling_is_read(text: str, identity: Identity, pin: str) -> None:
    assert Identity.parse(text) == identity
    assert identity.pin == pin
    assert Identity.parse(identity.pin) == Identity.parse(str(identity)) == identity


def test_a_run_and_a_recording_of_one_name_are_two() -> None:
    run, recording = Identity.of_run("A6"), Identity.of_recording("A6")
    assert [str(run), str(recording)] == ["run:A6", "recorded:A6"]
    assert len({run, recording, Identity.of_run("A6")}) == 2
    assert (run.recorded, recording.recorded) == (False, True)
