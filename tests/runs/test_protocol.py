"""The messages between the processes, their documentation, and the table of states."""

from __future__ import annotations

import inspect
import math
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rnnlab.errors import ConfigError, RNNLabError
from rnnlab.events import EpochFinished, RunFailed, TextGenerated
from rnnlab.runs import protocol
from rnnlab.runs.endpoint import ENDPOINT, Endpoint, listen
from rnnlab.runs.protocol import (
    CHANNELS,
    CLIENT_TO_SUPERVISOR,
    COMMANDS,
    ENDED,
    LIVE,
    STATES,
    SUPERVISOR_TO_CLIENT,
    SUPERVISOR_TO_ZYGOTE,
    TRANSITIONS,
    WORKER_TO_SUPERVISOR,
    Answer,
    ChangeSetting,
    Channel,
    ErrorData,
    EventReport,
    Fork,
    Hello,
    Lines,
    Message,
    RenameRun,
    Request,
    Result,
    Set,
    encode,
)

EPOCH = EpochFinished(
    epoch=1, loss=2.5, perplexity=None, seconds=0.1, num_tokens=7, learning_rate=1, clip_norm=None, grad_norm=0.1,
    grad_norm_max=1 / 3, clipped_share=0.5, grad_norm_by_layer=(0.1, 0.2),
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ANYTHING = st.dictionaries(TEXT, JSON, max_size=3)
EVENTS = [EPOCH, TextGenerated(epoch=2, prefix="分", text="分开"), RunFailed(code="a", message="b")]
FLOATS = st.floats(allow_nan=False)
HOST_FACTS = st.builds(
    protocol.HostFacts,
    name=TEXT,
    version=TEXT,
    torch=TEXT,
    cores=st.integers(1, 64),
    memory_mb=FLOATS,
    devices=st.lists(TEXT, max_size=2),
    speed=st.dictionaries(TEXT, FLOATS, max_size=3),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "seconds": st.floats(0, 1e9, exclude_min=True),
    "value": JSON,
    "answer": ANYTHING,
    "question": ANYTHING,
    "changes": ANYTHING,
    "facts": st.dictionaries(TEXT, FLOATS, max_size=3),
    "error": st.builds(ErrorData, error=TEXT, code=TEXT, message=TEXT, params=ANYTHING),
    "event": st.sampled_from(EVENTS),
    "command": st.deferred(lambda: st.one_of(*map(message_of, COMMANDS))),
    "start": st.none() | st.builds(protocol.StartingWeights, path=TEXT, config=TEXT, vocab=TEXT),
    "hosts": st.lists(st.builds(protocol.HostState, facts=HOST_FACTS, runs=st.lists(TEXT), refused=TEXT), max_size=2),
    "order": st.deferred(lambda: st.one_of(message_of(protocol.TrainOrder), message_of(protocol.AnswerOrder))),
    "asker": st.none() | st.builds(protocol.Asker, id=TEXT, teacher=st.booleans()),
}


def message_of(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Return a strategy for the messages of a class."""
    cls.model_rebuild()
    fields = {name: field for name, field in cls.model_fields.items() if name != "kind"}
    values = {name: FIELDS.get(name, st.from_type(field.annotation)) for name, field in fields.items()}  # type: ignore[arg-type]
    if cls in (ChangeSetting, Set):
        values["value"] = st.none() | FLOATS
    if cls is protocol.AgentReply:
        values["facts"] = st.none() | HOST_FACTS
    return st.fixed_dictionaries(values).map(lambda chosen: cls(**chosen))


def every_class() -> set[type[Message]]:
    """Return every class of messages that the module defines."""
    return {
        cls
        for _, cls in inspect.getmembers(protocol, inspect.isclass)
        if issubclass(cls, Message) and cls is not Message
    }


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: f"{channel.sender} to {channel.receiver}")
@settings(deadline=None, max_examples=50)
@given(st.data(), st.integers(1, 60))
def test_every_message_survives_any_splitting_of_the_stream(
    channel: Channel[Any], data: st.DataObject, size: int
) -> None:
    messages = data.draw(st.lists(st.one_of(*map(message_of, channel.messages)), max_size=4))
    stream = b"".join(map(encode, messages))
    assert stream.count(b"\n") == len(messages)
    lines, received = Lines(), []
    for start in range(0, len(stream), size):
        received += [channel.decode(line) for line in lines.feed(stream[start : start + size])]
    assert received == messages


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "0", "-1"])
def test_a_lease_ends(seconds: str) -> None:
    with pytest.raises(ValueError, match="seconds"):
        protocol.Lease.model_validate_json(f'{{"kind": "lease", "seconds": {seconds}}}')


def test_each_class_has_a_channel_and_a_unique_name() -> None:
    # the bridge passes messages of the supervisor on to an agent, so that a class may have several channels
    assert all(len(channel.messages) == len(set(channel.messages)) for channel in CHANNELS)
    sent = {cls for channel in CHANNELS for cls in channel.messages} | set(COMMANDS)
    assert sent == every_class()
    kinds = [cls.model_fields["kind"].default for cls in sent]
    assert len(set(kinds)) == len(kinds)
    for cls in sent:
        assert cls.model_config.get("frozen") is True


def test_the_documentation_matches_the_classes(root: Path) -> None:
    written = (root / "docs" / "protocol.md").read_text("utf-8")
    assert written == protocol.document(), "run: python -m rnnlab.runs.protocol > docs/protocol.md"
    for cls in every_class():
        assert f"| `{cls.__name__}` |" in written


@pytest.mark.parametrize(
    ("channel", "line"),
    [
        (CLIENT_TO_SUPERVISOR, b"[1]"),
        (CLIENT_TO_SUPERVISOR, b"nonsense"),
        (CLIENT_TO_SUPERVISOR, b"\xff\xfe"),
        (CLIENT_TO_SUPERVISOR, b""),
        (CLIENT_TO_SUPERVISOR, b"{}"),
        (CLIENT_TO_SUPERVISOR, b'{"kind":"hello"}'),
        (CLIENT_TO_SUPERVISOR, b'{"kind":"hello","token":"x","and":1}'),
        (CLIENT_TO_SUPERVISOR, b'{"kind":"request","id":1,"command":{"kind":"pause_run"}}'),
        (CLIENT_TO_SUPERVISOR, b'{"kind":"request","id":1,"command":{"kind":"hello","token":"x"}}'),
        (CLIENT_TO_SUPERVISOR, b'{"kind":"request","id":1,"command":{"kind":"pause_run","run":' + b"[" * 9000),
        (SUPERVISOR_TO_ZYGOTE, b'{"kind":"kill","job":7}'),
        (SUPERVISOR_TO_ZYGOTE, encode(Hello(token="of another channel"))),
        (WORKER_TO_SUPERVISOR, b'{"kind":"event_report","event":{"kind":"run_paused","epoch":1}}'),
        (WORKER_TO_SUPERVISOR, b'{"kind":"event_report","event":{"kind":"exec"}}'),
    ],
)
def test_a_line_that_is_not_a_message_is_refused(channel: Channel[Any], line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's is one
        channel.decode(line)


def test_a_message_cannot_be_changed() -> None:
    message = Fork(job="a")
    with pytest.raises(ValidationError):
        message.job = "b"  # type: ignore[misc]


def test_a_non_finite_number_arrives_unchanged() -> None:
    """The receiver refuses it with a reason, for example as a learning rate."""
    sent = Request(id=1, command=ChangeSetting(run="r", name="clip_norm", value=math.inf))
    assert CLIENT_TO_SUPERVISOR.decode(encode(sent)) == sent
    result = SUPERVISOR_TO_CLIENT.decode(encode(Result(id=1, value={"difference": math.nan})))
    assert isinstance(result, Result)
    assert math.isnan(result.value["difference"])


def test_a_lone_surrogate_does_not_break_the_line() -> None:
    sent = Request(id=1, command=RenameRun(run="r", title="a\ud800b"))
    received = CLIENT_TO_SUPERVISOR.decode(encode(sent))
    assert isinstance(received, Request)
    assert isinstance(received.command, RenameRun)
    assert received.command.title == "a?b"
    answer = WORKER_TO_SUPERVISOR.decode(encode(Answer(answer={"text": "\udfff", "number": math.inf})))
    assert answer == Answer(answer={"text": "?", "number": math.inf})


def test_an_event_is_read_as_its_class() -> None:
    received = WORKER_TO_SUPERVISOR.decode(encode(EventReport(event=EPOCH)))
    assert isinstance(received, EventReport)
    assert received.event == EPOCH
    assert type(received.event) is EpochFinished


def test_an_error_arrives_as_the_class_that_was_raised() -> None:
    error = ConfigError("config_value", "No.", field="x", value="1", allowed="2")
    rebuilt = ErrorData.model_validate_json(ErrorData.of(error).model_dump_json()).rebuild()
    assert type(rebuilt) is ConfigError
    assert (rebuilt.code, rebuilt.message, rebuilt.params) == (error.code, error.message, error.params)
    assert type(ErrorData(error="Unheard", code="c", message="m").rebuild()) is RNNLabError


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
def test_the_endpoint_is_readable_only_by_its_owner(tmp_path: Path, tcp: bool) -> None:
    listener, endpoint = listen(force_tcp=tcp)
    with listener:
        endpoint.write(tmp_path)
        if sys.platform != "win32":
            assert stat.S_IMODE((tmp_path / ENDPOINT).stat().st_mode) == 0o600
        if not tcp:
            path = Path(str(endpoint.address))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        known = Endpoint.read(tmp_path)
        assert known is not None
        with known.dial():
            connection, _ = listener.accept()
            with connection:
                (line,) = Lines().feed(connection.recv(1000))
        hello = CLIENT_TO_SUPERVISOR.decode(line)
        assert isinstance(hello, Hello)
        assert endpoint.accepts(hello)
        assert not endpoint.accepts(Hello(token="something else"))
        assert not endpoint.accepts(Hello(token=""))
    endpoint.remove()
    assert tcp or not Path(str(endpoint.address)).parent.exists()


def test_a_missing_or_invalid_file_is_no_endpoint(tmp_path: Path) -> None:
    assert Endpoint.read(tmp_path) is None
    (tmp_path / ENDPOINT).write_text("[]", "utf-8")
    assert Endpoint.read(tmp_path) is None
