"""The sockets of the supervisor: what strangers, silent, hostile and slow clients can do, which is nothing."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RNNLabError
from rnnlab.runs import connections, door
from rnnlab.runs.client import Client
from rnnlab.runs.connections import STALLED_SECONDS, Connection, Connections
from rnnlab.runs.door import GREETING_SECONDS, MAX_STRANGERS, Door
from rnnlab.runs.endpoint import Endpoint, listen
from rnnlab.runs.executor import Report
from rnnlab.runs.loop import Loop
from rnnlab.runs.process import Sparing
from rnnlab.runs.protocol import (
    FIRST_LINE,
    SUPERVISOR_TO_CLIENT,
    GetStatus,
    Hello,
    Lines,
    Refusal,
    Request,
    Result,
    Welcome,
    encode,
)
from rnnlab.runs.spawning import SpawningExecutor
from tests.runs.lab import LONG, PATIENCE, TINY, until

DEEP = 200_000


def dial(endpoint: Endpoint, token: bool = False) -> socket.socket:
    """Connect like a client, or without showing the token."""
    if token:
        connection = endpoint.dial()
    elif isinstance(endpoint.address, int):
        connection = socket.create_connection(("127.0.0.1", endpoint.address))
    else:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(endpoint.address)
    connection.settimeout(PATIENCE)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Wait until the other side has closed a connection, reading what it sent before; False if it sends on."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@contextlib.contextmanager
def stranger(client: Client, token: bool = False) -> Iterator[socket.socket]:
    endpoint = Endpoint.read(client.home)
    assert endpoint is not None
    with dial(endpoint, token) as connection:
        yield connection


@contextlib.contextmanager
def goes_on(client: Client) -> Iterator[None]:
    """Check that the supervisor, and a run, do not notice what happens in the block."""
    run_id = client.create(LONG)
    epoch = until(client, run_id, lambda record: record.epoch > 0).epoch
    pid = client.status()["pid"]
    yield
    assert client.status()["pid"] == pid
    until(client, run_id, lambda record: record.epoch > epoch)


HOSTILE = {
    "brackets": b"[" * DEEP,
    "brackets in a line": b"[" * DEEP + b"\n",
    "closed brackets": b"[" * DEEP + b"]" * DEEP + b"\n",
    "brackets at the limit of the parser": b"[" * 190 + b"]" * 190 + b"\n",
    "objects": b'{"a":' * DEEP + b"\n",
    "a deep token": b'{"kind":"hello","token":' + b"[" * 2000 + b"\n",
    "a long token": b'{"kind":"hello","token":"' + b"x" * FIRST_LINE + b'"}\n',
    "a request": encode(Request(id=1, command=GetStatus())),
    "another token": encode(Hello(token="x")),
    "a number": b"1" * 4000 + b"\n",
    "zeros": b"\0" * 3000 + b"\n",
    "not UTF-8": b"\xff\xfe\n",
    "an empty line": b"\n",
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_before_the_token_anything_else_closes_the_connection(client: Client, sent: bytes) -> None:
    with goes_on(client), stranger(client) as connection:
        with contextlib.suppress(ConnectionError):  # it may be closed before everything is sent
            connection.sendall(sent)
        assert is_closed(connection)


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_after_the_token_it_ends_that_connection_at_most(client: Client, sent: bytes) -> None:
    with goes_on(client), stranger(client, token=True) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent if sent.endswith(b"\n") else sent + b"\n")
            connection.shutdown(socket.SHUT_WR)
        assert is_closed(connection)


def test_a_first_line_without_end_is_not_kept(client: Client) -> None:
    with goes_on(client), stranger(client) as connection:
        connection.sendall(b"x" * (FIRST_LINE + 1))
        assert is_closed(connection)


def test_the_first_line_may_come_in_pieces_and_requests_right_after_it(client: Client) -> None:
    endpoint = Endpoint.read(client.home)
    assert endpoint is not None
    requests = [encode(Request(id=number, command=GetStatus())) for number in range(1, 300)]
    sent = encode(Hello(token=endpoint.token)) + b"".join(requests)
    assert len(sent) > 2 * FIRST_LINE
    with stranger(client) as connection:
        connection.sendall(sent[:10])
        connection.sendall(sent[10:])
        lines, replies = Lines(), []
        while len(replies) <= len(requests):
            replies += [SUPERVISOR_TO_CLIENT.decode(line) for line in lines.feed(connection.recv(1 << 16))]
    assert isinstance(replies[0], Welcome)
    assert [reply.id for reply in replies[1:] if isinstance(reply, Result)] == list(range(1, 300))


def test_strangers_do_not_keep_clients_out(client: Client) -> None:
    with goes_on(client), contextlib.ExitStack() as stack:
        connections = [stack.enter_context(stranger(client)) for _ in range(3 * MAX_STRANGERS)]
        with Client(client.home) as another:
            assert another.status()["pid"] == client.status()["pid"]
        # the oldest had to make room for the others
        assert all(is_closed(connection) for connection in connections[: 2 * MAX_STRANGERS])


def deep_question(levels: int) -> bytes:
    question = b"[" * levels + b"]" * levels
    return b'{"kind":"ask_checkpoint","run":"x","question":{"kind":%s}}' % question


def deep_text(kind: str, field: str, levels: int) -> bytes:
    return json.dumps({"kind": kind, field: "[" * levels + "]" * levels}).encode()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (deep_text("create_run", "config", DEEP), "json_too_deep"),
        (deep_text("create_run", "config", 500), "json_too_deep"),
        (deep_text("create_run", "config", 3), "config_not_json"),
        (deep_text("compare_implementations", "config", DEEP), "json_too_deep"),
        (deep_text("import_run", "data", DEEP), "json_too_deep"),
        (deep_text("import_run", "data", 100), "json_too_deep"),
        (b'{"kind":"shorten_link","parameters":{"a":"%s"}}' % (b"[" * DEEP), "link_invalid"),
        (b'{"kind":"add_text","text":"%s"}' % (b"[" * DEEP), "corpus_one_character"),
    ],
)
def test_json_in_a_command_is_refused_before_it_is_parsed(client: Client, command: bytes, code: str) -> None:
    with goes_on(client), stranger(client, token=True) as connection:
        connection.sendall(b'{"kind":"request","id":7,"command":%s}\n' % command)
        lines, replies = Lines(), []
        while len(replies) < 2:
            replies += [SUPERVISOR_TO_CLIENT.decode(line) for line in lines.feed(connection.recv(1 << 16))]
        refusal = replies[1]
        assert isinstance(refusal, Refusal)
        assert (refusal.id, refusal.error.code) == (7, code)


def test_a_deep_question_closes_the_connection_of_who_sends_it(client: Client) -> None:
    with goes_on(client), stranger(client, token=True) as connection:
        connection.sendall(b'{"kind":"request","id":7,"command":%s}\n' % deep_question(100))
        assert is_closed(connection)
    # our own client does not send it, since others use its connection
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with goes_on(client), pytest.raises(RNNLabError) as caught:
        client.parity(TINY, {"num_layers": deep})
    assert caught.value.code == "command_invalid"


@pytest.mark.parametrize("text", ["[" * DEEP, '{"cell":' * DEEP, "[" * 300 + "]" * 300])
def test_a_deep_configuration_is_refused_everywhere(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json(text)
    assert caught.value.code == "json_too_deep"


class Served:
    """Connections in this process, with requests that are answered with what the test likes."""

    def __init__(self) -> None:
        self.loop = Loop()
        listener, self.endpoint = listen()
        self.answer: Callable[[Connection, Request], None] = lambda connection, request: None
        self.gone: list[Connection] = []
        self.connections = Connections(
            self.loop, listener, self.endpoint, lambda *_: None, lambda *asked: self.answer(*asked), self.gone.append
        )

    def close(self) -> None:
        self.connections.close()
        self.loop.close()
        self.endpoint.remove()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            self.loop.turn(0.1)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


def test_who_shows_no_token_in_time_is_turned_away(served: Served) -> None:
    with dial(served.endpoint) as silent, dial(served.endpoint) as slow, dial(served.endpoint, token=True) as known:
        slow.sendall(b'{"kind":"hel')
        served.until(lambda: served.connections.count() == 1)
        served.until(lambda: not served.loop.turn(0.0) and len(served.connections._door._strangers) == 2)
        now = time.monotonic()
        served.connections.tick(now)
        assert len(served.connections._door._strangers) == 2
        served.connections.tick(now + GREETING_SECONDS + 1)
        assert is_closed(silent)
        assert is_closed(slow)
        # a client may be silent for as long as it likes
        served.connections.tick(now + 1e6)
        assert served.connections.count() == 1
        assert known.recv(1000)


def test_what_a_client_causes_ends_its_connection_alone(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    def fail(connection: Connection, request: Request) -> None:
        if request.id == 13:
            raise RecursionError("something nobody thought of")
        served.connections.send(connection, Result(id=request.id))

    served.answer = fail
    with dial(served.endpoint, token=True) as bad, dial(served.endpoint, token=True) as good:
        served.until(lambda: served.connections.count() == 2)
        bad.sendall(encode(Request(id=13, command=GetStatus())))
        served.until(lambda: served.connections.count() == 1)
        assert is_closed(bad)
        assert len(served.gone) == 1
        assert "something nobody thought of" in caplog.text
        good.sendall(encode(Request(id=1, command=GetStatus())))
        served.until(lambda: b'"result"' in good.recv(1 << 16, socket.MSG_PEEK))


def test_a_client_that_never_reads_is_dropped_before_it_needs_much_memory(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_UNREAD", 2**20)
    kept: list[int] = []

    def flood(connection: Connection, request: Request) -> None:
        served.connections.send(connection, Result(id=request.id, value="x" * 300_000))
        kept.append(len(connection.unsent))

    served.answer = flood
    with dial(served.endpoint, token=True) as connection:
        connection.sendall(b"".join(encode(Request(id=number, command=GetStatus())) for number in range(1, 100)))
        served.until(lambda: bool(served.gone))
        assert max(kept) <= 2**20
        assert is_closed(connection)
    assert served.gone[0].unsent == b""


def test_a_client_that_stops_reading_is_dropped_after_a_while(served: Served) -> None:
    def large(connection: Connection, request: Request) -> None:
        served.connections.send(connection, Result(id=request.id, value="x" * 2**22))

    served.answer = large
    with dial(served.endpoint, token=True) as stalled, dial(served.endpoint, token=True) as slow:
        for connection in (stalled, slow):
            connection.sendall(encode(Request(id=1, command=GetStatus())))
        sent = list[Connection]()

        def both_wait() -> bool:
            sent[:] = [one for one in served.connections._connections.values() if one.unsent]
            return len(sent) == 2

        served.until(both_wait)
        later = time.monotonic() + 2 * STALLED_SECONDS
        by_peer = {one.socket.fileno(): one for one in sent}
        assert len(by_peer) == 2
        left = len(sent[1].unsent)
        # who reads a little goes on waiting
        for connection in (stalled, slow):
            connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while slow.recv(1 << 20):
                pass
        served.loop.turn(0.1)
        moved = [one for one in sent if len(one.unsent) < left]
        assert len(moved) == 1
        moved[0].moved_at = later
        served.connections.tick(later)
        assert [one.socket for one in served.gone] == [one.socket for one in sent if one not in moved]
        assert served.connections.count() == 1


def test_workers_that_are_started_separately_come_through_the_same_door() -> None:
    loop, reports = Loop(), list[Report]()
    executor = SpawningExecutor(loop, reports.append)
    try:
        endpoint = Endpoint(executor._port, "", 0)
        with dial(endpoint) as long, dial(endpoint) as silent, dial(endpoint) as deep:
            long.sendall(b"x" * (FIRST_LINE + 1))
            deep.sendall(b"[" * 2000 + b"\n")
            deadline = time.monotonic() + PATIENCE
            while len(select.select([long, deep], [], [], 0)[0]) < 2:
                assert time.monotonic() < deadline
                loop.turn(0.1)
            assert is_closed(long)
            assert is_closed(deep)
            executor._door.tick(time.monotonic() + GREETING_SECONDS + 1)
            assert is_closed(silent)
    finally:
        executor.close()
        loop.close()


def test_the_door_keeps_few_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MAX_STRANGERS", 2)
    loop = Loop()
    listener, endpoint = listen()
    at_the_door = Door(loop, listener, lambda connection, line, lines: False)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(dial(endpoint)) for _ in range(3)]
        for _ in connections:
            loop.turn(PATIENCE)
        assert is_closed(connections[0])
        assert len(at_the_door._strangers) == 2
    at_the_door.close()
    loop.close()
    endpoint.remove()


@pytest.mark.skipif(sys.platform != "linux", reason="lists the descriptors of a process: Linux only")
def test_without_descriptors_strangers_make_room() -> None:
    import resource

    loop = Loop()
    listener, endpoint = listen()
    at_the_door = Door(loop, listener, lambda connection, line, lines: False)
    with dial(endpoint) as first, dial(endpoint):
        loop.turn(PATIENCE)
        assert len(at_the_door._strangers) == 1
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))), hard))
        try:
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(OSError):
                    while True:  # those with lower numbers
                        stack.enter_context(open(os.devnull))
                loop.turn(PATIENCE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert is_closed(first)
        loop.turn(PATIENCE)
        assert len(at_the_door._strangers) == 1
    at_the_door.close()
    loop.close()
    endpoint.remove()


def test_nobody_can_fill_the_log() -> None:
    def record(message: str, *arguments: object) -> logging.LogRecord:
        return logging.LogRecord("rnnlab", logging.WARNING, __file__, 1, message, arguments, None)

    sparing = Sparing(seconds=1e6)
    assert sparing.filter(record("a connection was closed: %s", 1))
    assert not any(sparing.filter(record("a connection was closed: %s", number)) for number in range(100))
    assert sparing.filter(record("another"))
