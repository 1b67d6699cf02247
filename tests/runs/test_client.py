"""The client: the modules that it loads, and its errors."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnlab.environment import Environment
from rnnlab.errors import RunError
from rnnlab.runs import protocol
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import listen
from rnnlab.runs.protocol import CLIENT_TO_SUPERVISOR, Ending, Lines, Request, Welcome, encode
from tests.open_files import descriptors, nothing_stays_open
from tests.runs.lab import (
    LONG,
    PATIENCE,
    TINY,
    about_forks,
    events,
    has_ended,
    opened,
    pause,
    pid_of,
    until,
    until_state,
    warm,
)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("rnnlab.runs.client", {"torch", "pandas", "numpy", "streamlit", "altair"}),
        ("rnnlab.runs.supervisor", {"torch", "pandas", "numpy", "streamlit", "altair"}),
    ],
)
def test_the_modules_that_the_page_server_loads(module: str, absent: set[str]) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not absent & set(loaded.stdout.split())


def test_the_supervisor_never_loads_more(client: Client) -> None:
    """Nothing that it has done for earlier tests made it load torch."""
    until_state(client, client.create(TINY), "finished")
    maps = Path(f"/proc/{client.status()['pid']}/maps")
    if not maps.exists():
        pytest.skip("reads the memory map of a process: Linux only")
    assert "libtorch" not in maps.read_text(errors="replace")
    worker = Path(f"/proc/{pid_of(client, client.create(LONG))}/maps")
    assert "libtorch" in worker.read_text(errors="replace")


@about_forks
def test_the_zygote_has_one_thread(client: Client) -> None:
    """Other threads would not survive a fork."""
    tasks = Path(f"/proc/{client.status()['pids'][1]}/task")
    if not tasks.exists():
        pytest.skip("counts the threads of a process: Linux only")
    assert len(list(tasks.iterdir())) == 1


def test_a_worker_has_a_lower_priority_than_the_app(client: Client) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc: Linux only")
    run_id = client.create(TINY.change(num_epochs=10_000, pred_period=10_000))
    until(client, run_id, lambda record: record.epoch >= 1)
    pid = pid_of(client, run_id)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 5
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "800"
    limits = Path(f"/proc/{pid}/limits").read_text()
    (data,) = [line.split() for line in limits.splitlines() if line.startswith("Max data size")]
    assert data[3].isdigit()
    # stdin, stdout, stderr and its socket: none of the zygote or of other runs
    assert len([target for target in descriptors(pid).values() if target.startswith("socket:")]) == 1


def test_a_closed_client_raises_an_error(tmp_path: Path) -> None:
    client = Client(tmp_path)
    client.close()
    with pytest.raises(RunError) as caught:
        client.connect()
    assert caught.value.code == "client_closed"


def test_a_home_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite3").mkdir()
    with pytest.raises(RunError) as caught, Client(tmp_path):
        pass
    assert caught.value.code == "home_unusable"


@pytest.mark.parametrize("name", ["file", "file/home", "home"])
def test_a_home_that_cannot_be_created(tmp_path: Path, name: str) -> None:
    """There is a file instead of the home or of its parent, or its log cannot be written."""
    (tmp_path / "file").write_text("")
    (tmp_path / "home" / "supervisor.log").mkdir(parents=True)
    with pytest.raises(RunError, match="Runs cannot be stored in") as caught, Client(tmp_path / name):
        pass
    assert (caught.value.code, caught.value.params) == ("home_unusable", {"path": str(tmp_path / name)})


def test_reading_needs_no_supervisor(tmp_path: Path) -> None:
    client = Client(tmp_path)
    assert client.store.runs() == []
    assert client.seconds_per_epoch(TINY) is None
    assert not (tmp_path / "supervisor.lock").exists()
    client.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process by a signal")
def test_the_clock_of_a_training_is_that_of_the_environment(client: Client, tmp_path: Path) -> None:
    def epoch_was_stopped(client: Client, run_id: str) -> bool:
        pid = pid_of(client, run_id)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.5)  # a stopped process uses no processor time
        os.kill(pid, signal.SIGCONT)
        epoch = client.store.run(run_id).epoch
        until(client, run_id, lambda record: record.epoch >= epoch + 2)
        return any(event.seconds >= 0.5 for event in events(client, run_id, "epoch_finished"))

    with opened(Environment(tmp_path, processor_clock=True)) as other:
        clocks = client, other
        runs = [owner.create(LONG) for owner in clocks]
        for owner, run_id in zip(clocks, runs, strict=True):
            until(owner, run_id, lambda record: record.epoch >= 1)
        # a run may also be stopped between two epochs, while it reports the first
        stopped = next(count for count in range(1, 20) if epoch_was_stopped(client, runs[0]))
        assert not any(epoch_was_stopped(other, runs[1]) for _ in range(stopped))


def test_a_client_closes_all_that_it_opened(client: Client, tmp_path: Path) -> None:
    def use(client: Client) -> None:
        run_id = client.create(TINY)
        until_state(client, run_id, "finished")
        client.generate(run_id, "the", 3)
        readers = [threading.Thread(target=client.store.runs) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    use(client)  # what is opened once in a process
    with nothing_stays_open(), opened(tmp_path / "home") as other:
        use(other)


def test_a_client_that_cannot_connect_closes_all_that_it_opened(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite3").mkdir()
    for check in (contextlib.nullcontext, nothing_stays_open):
        with check(), pytest.raises(RunError), Client(tmp_path):
            pass


class Odd:
    """A server at the endpoint of a home that answers each request with the next of some lines.

    A line may name the id of the request: ``%d``.
    """

    def __init__(self, home: Path, answers: list[bytes]) -> None:
        self._answers = iter(answers)
        self._listener, self.endpoint = listen()
        self._listener.setblocking(True)
        self.endpoint.write(home)
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.endpoint.remove()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        lines = Lines()
        while data := connection.recv(1 << 16):
            for line in lines.feed(data):
                message = CLIENT_TO_SUPERVISOR.decode(line)
                if isinstance(message, Request):
                    answer = next(self._answers)
                    connection.sendall(answer % message.id if b"%d" in answer else answer)
                else:
                    connection.sendall(encode(Welcome(pid=1)))


GOOD = b'{"kind":"result","id":%d,"value":{"ready":true}}\n'
ODD_ANSWERS = {
    "without an id": b'{"kind":"result","value":1}\n',
    "an id that was never given": b'{"kind":"result","id":7777,"value":1}\n',
    "a negative id": b'{"kind":"refusal","id":-1,"error":{"error":"RunError","code":"x","message":"y"}}\n',
    "an id that is no number": b'{"kind":"result","id":[1],"value":1}\n',
    "an id with many digits": b'{"kind":"result","id":' + b"9" * 6000 + b',"value":1}\n',
    "an unknown kind": b'{"kind":"fortune","id":%d}\n',
    "a kind that is no text": b'{"kind":{},"id":%d}\n',
    "another channel": b'{"kind":"hello","token":"x"}\n',
    "a second welcome": b'{"kind":"welcome","pid":3}\n',
    "a broken line": b'{"kind":"result","id":%d,"val\n',
    "no JSON": b"\xff\x00 what\n",
    "an empty line": b"\n",
    "deep JSON": b'{"kind":"result","id":1,"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_after_an_odd_answer_the_caller_knows_and_the_next_command_connects_again(
    tmp_path: Path, answer: bytes
) -> None:
    server = Odd(tmp_path, [answer, GOOD])
    client = Client(tmp_path)
    try:
        with pytest.raises(RunError) as caught:
            client.status()
        assert caught.value.code == "supervisor_garbled"
        assert server.connections == 1
        assert client.status() == {"ready": True}
        assert server.connections == 2
    finally:
        client.close()
        server.close()


@pytest.mark.parametrize("last", [b"nonsense\n", b""], ids=["garbled", "silent"])
def test_a_supervisor_that_was_told_to_end_is_replaced_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    monkeypatch.setattr("rnnlab.runs.client.RESTART_DELAY", 0.1)
    server = Odd(tmp_path, [encode(Ending()) + (last or GOOD)])
    client = Client(tmp_path)
    if last:
        with pytest.raises(RunError):
            client.status()
    else:
        assert client.ready()
    assert client._link is not None
    client._link.close()
    server.close()
    assert client.status()["pid"] != 1
    client.close()


def test_an_odd_answer_reaches_everyone_who_waits(tmp_path: Path) -> None:
    """Also those whose request was another one: none of them waits for ever."""
    nothing = b" "  # no line yet
    server = Odd(tmp_path, [nothing, nothing, nothing, b'{"kind":"result","id":"?"}\n', GOOD])
    client = Client(tmp_path)
    codes: list[str] = []

    def ask() -> None:
        with pytest.raises(RunError) as caught:
            client.parity(TINY)
        codes.append(caught.value.code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert codes == ["supervisor_garbled"] * 4
    assert client.ready()
    client.close()
    server.close()


def test_an_error_with_any_parameters_reaches_the_caller(tmp_path: Path) -> None:
    params = b'{"self":1,"code":"2","message":[3],"args":null,"error":{}}'
    refusal = b'{"kind":"refusal","id":%%d,"error":{"error":"RunError","code":"odd","message":"Odd.","params":%s}}\n'
    server = Odd(tmp_path, [refusal % params, GOOD])
    client = Client(tmp_path)
    with pytest.raises(RunError) as caught:
        client.status()
    assert (caught.value.code, caught.value.message, caught.value.params["code"]) == ("odd", "Odd.", "2")
    assert client.ready()
    assert server.connections == 1
    client.close()
    server.close()


def test_a_late_answer_is_no_odd_one(tmp_path: Path) -> None:
    both = b'{"kind":"result","id":1,"value":3}\n' + GOOD
    server = Odd(tmp_path, [b" ", both])
    client = Client(tmp_path)
    assert client.wait("x", 0, timeout=0.05) == 0  # nobody waits for its answer any more
    assert client.ready()
    assert server.connections == 1
    client.close()
    server.close()


def test_a_command_that_is_too_long_is_not_sent(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_LINE", 1000)
    with pytest.raises(RunError) as caught:
        client.add_text("a text " * 200, "too long")
    assert caught.value.code == "command_invalid"
    assert client.ready()


@pytest.mark.parametrize("setting", [("RNNLAB_ENGINE", "spawn"), ("RNNLAB_TRANSPORT", "tcp")])
def test_without_forks_or_unix_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]
) -> None:
    monkeypatch.setenv(*setting)
    with opened(tmp_path / "home") as client:
        warm(client)
        if setting[1] == "tcp":
            run_id = client.create(TINY)
            assert until_state(client, run_id, "finished", "failed").state == "finished"
            assert client.generate(run_id, "the", 3).startswith("the")
        other = client.create(TINY.change(num_epochs=10_000, pred_period=10_000))
        until(client, other, lambda record: record.epoch >= 1)
        pause(client, other)
        pid = pid_of(client, other)
        os.kill(pid, 9)
        record = until_state(client, other, "failed")
        assert record.error is not None
        assert record.error["params"]["signal"] == 9
        assert has_ended(pid)
