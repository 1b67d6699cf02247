"""The words between the processes, however they arrive, and the one table of states."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.runs import protocol
from rnnlab.runs.protocol import ENDED, LIVE, STATES, TRANSITIONS, Endpoint, Lines, encode, listen

MESSAGES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20)), max_size=6)


@given(MESSAGES, st.integers(1, 40))
def test_messages_survive_any_cutting(messages: list[dict[str, Any]], size: int) -> None:
    stream = b"".join(map(encode, messages))
    lines, heard = Lines(), []
    for start in range(0, len(stream), size):
        heard += list(lines.feed(stream[start : start + size]))
    assert heard == messages


@pytest.mark.parametrize("line", [b"[1]\n", b"nonsense\n", b"\xff\xfe\n", b"\n"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json and our own alike
        list(Lines().feed(line))


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_LINE", 100)
    lines = Lines()
    list(lines.feed(b"x" * 100))
    with pytest.raises(ValueError, match="too long"):
        list(lines.feed(b"x"))


def test_the_table_of_states() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {"queued", "running", "paused"} == LIVE
    # an ended run only goes back to the queue; a diverged one nowhere
    assert all(TRANSITIONS[state] <= {"queued"} for state in ENDED)
    assert TRANSITIONS["diverged"] == frozenset()
    assert TRANSITIONS["running"] >= ENDED
    assert "running" in TRANSITIONS["paused"]


@pytest.mark.parametrize("tcp", [False, True])
def test_the_address_is_for_its_owner_alone(tmp_path: Path, tcp: bool) -> None:
    listener, endpoint = listen(force_tcp=tcp)
    with listener:
        endpoint.write(tmp_path)
        if sys.platform != "win32":
            assert stat.S_IMODE((tmp_path / protocol.ENDPOINT).stat().st_mode) == 0o600
        if not tcp:
            path = Path(str(endpoint.address))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        known = Endpoint.read(tmp_path)
        assert known is not None
        with known.dial():
            connection, _ = listener.accept()
            with connection:
                (hello,) = Lines().feed(connection.recv(1000))
        assert endpoint.accepts(hello)
        assert not endpoint.accepts({"hello": "something else"})
        assert not endpoint.accepts({})
    endpoint.remove()
    assert tcp or not Path(str(endpoint.address)).parent.exists()


def test_no_address_no_endpoint(tmp_path: Path) -> None:
    assert Endpoint.read(tmp_path) is None
    (tmp_path / protocol.ENDPOINT).write_text("[]", "utf-8")
    assert Endpoint.read(tmp_path) is None
