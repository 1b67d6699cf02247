"""Killing a worker, the zygote, the supervisor, and the app that started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnlab.errors import RunError
from rnnlab.events import Event, RunFailed, RunStarted, TextGenerated
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.executor import Ended, Lost, Report
from rnnlab.runs.limits import Limits
from rnnlab.runs.loop import Loop
from rnnlab.runs.protocol import EventReport, encode
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from rnnlab.runs.supervisor import Supervisor
from tests.runs.lab import (
    LONG,
    PATIENCE,
    TINY,
    Simulated,
    about_forks,
    curve,
    events,
    exists,
    has_ended,
    opened,
    pause,
    pid_of,
    until,
    until_event,
    until_state,
    warm,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd: Linux only")

APP = """
import sys
from pathlib import Path
from rnnlab.runs.client import Client
client = Client(Path(sys.argv[1]))
client.connect()
print(client.status()["pid"], flush=True)
sys.stdin.read()
"""


def start_app(home: Path) -> subprocess.Popen[str]:
    """Start a program that connects to `home` like a page server."""
    return subprocess.Popen(
        [sys.executable, "-c", APP, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def connected(app: subprocess.Popen[str]) -> int:
    """Wait until a program has connected, and return the pid of its supervisor."""
    assert app.stdout is not None
    return int(app.stdout.readline())


def end(app: subprocess.Popen[str], how: int = signal.SIGKILL) -> None:
    app.send_signal(how)
    app.wait()
    for stream in (app.stdin, app.stdout):
        assert stream is not None
        stream.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_run_with_a_killed_worker_fails_and_keeps_everything(client: Client, number: signal.Signals) -> None:
    other, run_id = client.create(LONG), client.create(LONG)
    pid = pid_of(client, run_id)
    until(client, run_id, lambda record: record.epoch >= 5)
    before = client.store.events_since(run_id)
    other_pid = pid_of(client, other)
    started = time.monotonic()
    os.kill(pid, number)
    record = until_state(client, run_id, "failed")
    assert time.monotonic() - started < 1.0
    assert record.error is not None
    assert record.error["code"] == "run_killed"
    assert record.error["params"]["signal"] == number
    after = client.store.events_since(run_id)
    assert after[: len(before)] == before
    epochs = [event.epoch for _, event in after if event.kind == "epoch_finished"]
    assert epochs == list(range(1, len(epochs) + 1)), "none is missing in between"
    assert after[-1][1].kind == "run_failed"
    # other runs are not affected
    epoch = client.store.run(other).epoch
    until(client, other, lambda record: record.epoch > epoch)
    assert client.status()["runs"][other] == other_pid


class Remote(Simulated):
    """An executor with one simulated worker, whose socket keeps packets apart like a read of a long stream."""

    def __init__(self, loop: Loop, report: Callable[[Report], None]) -> None:
        super().__init__(report)
        self.job = ""
        self.worker: socket.socket | None = None

    def start(self, job: str) -> None:
        self.job, self.worker = job, self.attach(job, socket.SOCK_SEQPACKET)


@pytest.mark.skipif(sys.platform == "darwin", reason="needs sockets that keep packets apart")
@pytest.mark.parametrize("noticed_by", ["worker", "host", "supervisor"])
def test_the_messages_of_a_dead_worker_are_read_to_the_last_event(noticed_by: str, tmp_path: Path) -> None:
    """All complete events that are unread when the end is noticed are kept; the truncated event is not."""
    sent: list[Event] = [RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")]
    sent += [TextGenerated(epoch=epoch, prefix="a", text="a" + "b" * 50) for epoch in range(1, 41)]
    data = b"".join(encode(EventReport(event=event)) for event in sent)
    cut_off = encode(EventReport(event=TextGenerated(epoch=41, prefix="a", text="ab")))[:-10]
    made: list[Remote] = []

    def make(loop: Loop, report: Callable[[Report], None]) -> Remote:
        made.append(Remote(loop, report))
        return made[0]

    supervisor = Supervisor(tmp_path, Limits(slots=1, disk_floor_mb=0.1), watch_stdin=False, make_executor=make)
    supervisor.write(lambda: supervisor.store.create("r1", TINY))
    supervisor.start_waiting()
    (remote,) = made
    assert remote.worker is not None
    with remote.worker as worker:
        assert worker.recv(1 << 20).startswith(b'{"kind":"train_order"')
        whole = data + cut_off
        for start in range(0, len(whole), 1000):
            worker.send(whole[start : start + 1000])
    assert supervisor.store.events_since("r1") == [], "nothing was read yet"
    if noticed_by != "supervisor":
        remote.report(Ended(remote.job, -signal.SIGKILL) if noticed_by == "worker" else Lost((remote.job,)))
        supervisor.turn(0.0)
    supervisor.close()
    store = Store(tmp_path / DATABASE)
    kept = [event for _, event in store.events_since("r1")]
    state = store.run("r1").state
    store.close()
    if noticed_by == "supervisor":
        assert (kept, state) == (sent, "interrupted")
    else:
        *before, last = kept
        assert before == sent
        assert isinstance(last, RunFailed)
        assert last.code == {"worker": "run_killed", "host": "run_host_killed"}[noticed_by]
        assert state == "failed"


def test_a_killed_run_can_be_continued_with_the_same_curve(client: Client) -> None:
    config = TINY.change(num_epochs=120, pred_period=10, cell="gru", sampling="random", optimizer="adam",
                         learning_rate=0.01)  # fmt: skip
    whole = client.create(config)
    until_state(client, whole, "finished")
    run_id = client.create(config)
    # in the middle of an epoch, after a checkpoint
    until(client, run_id, lambda record: record.epoch >= 30)
    os.kill(pid_of(client, run_id), signal.SIGKILL)
    record = until_state(client, run_id, "failed")
    assert record.continuable
    checkpoint = client.store.checkpoints(run_id)[-1][0]
    assert 20 <= checkpoint < 120
    client.continue_run(run_id)
    record = until_state(client, run_id, "finished", "failed")
    assert record.state == "finished"
    started = events(client, run_id, "run_started")
    assert [event.epoch for event in started] == [0, checkpoint]
    assert curve(client, run_id) == curve(client, whole)
    texts = {(event.epoch, event.text) for event in events(client, run_id, "text_generated")}
    assert texts == {(event.epoch, event.text) for event in events(client, whole, "text_generated")}


@about_forks
def test_a_killed_zygote_fails_its_runs_and_is_replaced(client: Client) -> None:
    run_id = client.create(LONG)
    pid = pid_of(client, run_id)
    zygote = client.status()["pids"][1]
    assert zygote != pid
    os.kill(zygote, signal.SIGKILL)
    record = until_state(client, run_id, "failed")
    assert record.error is not None
    assert record.error["code"] == "run_host_killed"
    assert has_ended(pid)
    assert has_ended(zygote)
    # the next start works
    assert until_state(client, client.create(TINY), "finished", "failed").state == "finished"
    assert client.status()["pids"][1] != zygote


def test_a_killed_supervisor_interrupts_its_runs_which_can_be_continued(client: Client) -> None:
    run_id, waiting = client.create(LONG.change(num_epochs=2000, pred_period=50)), None
    pid = pid_of(client, run_id)
    slots = client.status()["slots"]
    waiting = [client.create(LONG) for _ in range(slots)][-1]
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.epoch >= 50)
    before = client.store.events_since(run_id)
    status = client.status()
    os.kill(status["pid"], signal.SIGKILL)
    # the client notices by itself and starts another supervisor
    record = until_state(client, run_id, "interrupted")
    assert record.continuable
    # what waited goes on waiting, and then starts by itself
    assert client.store.run(waiting).state in ("queued", "running")
    until_state(client, waiting, "running")
    assert all(has_ended(other) for other in [*status["pids"], pid])
    assert client.store.events_since(run_id)[: len(before)] == before
    assert client.status()["pid"] != status["pid"]
    # the run continues from the checkpoint
    for other in client.store.runs(states=["running", "queued"]):
        client.delete(other.id)
    client.continue_run(run_id)
    until(client, run_id, lambda record: record.state == "running" and record.epoch > 50)
    assert events(client, run_id, "run_started")[-1].epoch >= 50
    # a run that has ended is unchanged
    assert all(item.state != "running" or item.id == run_id for item in client.store.runs())


def test_a_run_deleted_before_the_supervisor_was_killed_stays_deleted_and_can_be_restored(client: Client) -> None:
    live, ended = client.create(LONG.change(num_epochs=2000, pred_period=50)), client.create(TINY)
    until_state(client, ended, "finished")
    until_event(client, live, lambda event: event.kind == "checkpoint_saved" and event.epoch >= 50)
    whole = client.store.events_since(ended)
    paused = client.create(LONG)
    pause(client, paused)
    for run_id in (live, ended):
        client.delete(run_id)
    os.kill(client.status()["pid"], signal.SIGKILL)
    until_state(client, paused, "interrupted")  # by the next supervisor
    for run_id in (live, ended):
        assert run_id not in {record.id for record in client.store.runs()}
    for run_id in (ended, live):
        client.restore(run_id)
    assert client.store.run(live).state == "interrupted"
    assert (client.store.run(ended).state, client.store.events_since(ended)) == ("finished", whole)
    assert client.generate(ended, "the", 3)
    client.continue_run(paused)
    os.kill(client.status()["pid"], signal.SIGKILL)
    until_state(client, paused, "interrupted", "running")
    client.continue_run(live)
    until(client, live, lambda record: record.state == "running" and record.epoch > 50)
    assert not {live, ended} & {deleted.id for deleted in client.store.deleted()}


def test_a_supervisor_that_is_killed_early_leaves_no_process(tmp_path: Path) -> None:
    """Also while its processes are still loading torch."""
    with opened(tmp_path) as client:
        pids = client.status()["pids"]
        assert len(pids) >= 2
        os.kill(pids[0], signal.SIGKILL)
        assert all(has_ended(pid) for pid in pids)


def test_a_worker_ends_when_its_socket_closes(client: Client) -> None:
    """The worker is paused, so it sends nothing, and the zygote or spare worker does not respond."""
    run_id = client.create(LONG)
    pid = pid_of(client, run_id)
    pause(client, run_id)
    deadline = time.monotonic() + PATIENCE
    while not (others := [other for other in client.status()["pids"][1:] if other != pid]):
        assert time.monotonic() < deadline, "no next worker was started"
        time.sleep(0.02)
    (other,) = others
    os.kill(other, signal.SIGSTOP)
    try:
        os.kill(client.status()["pid"], signal.SIGKILL)
        assert has_ended(pid, 5.0)
    finally:
        os.kill(other, signal.SIGKILL)
    assert until_state(client, run_id, "interrupted").continuable


def test_a_damaged_checkpoint_is_reported(client: Client) -> None:
    run_id = client.create(TINY)
    until_state(client, run_id, "finished")
    path = client.store.checkpoints(run_id)[-1][2]
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(RunError) as caught:
        client.generate(run_id, "the", 3)
    assert caught.value.code == "checkpoint_unreadable"
    client.continue_run(run_id, 1)
    record = until_state(client, run_id, "failed")
    assert record.error is not None
    assert record.error["code"] == "checkpoint_unreadable"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_everything_ends_with_the_app(tmp_path: Path, how: signal.Signals) -> None:
    app = start_app(tmp_path)
    supervisor = connected(app)
    # a second client starts a run and disconnects
    with Client(tmp_path) as client:
        assert client.status()["pid"] == supervisor
        run_id = client.create(LONG)
        worker = pid_of(client, run_id)
        until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        pids = client.status()["pids"]
    assert exists(supervisor)
    assert exists(worker)
    endpoint = Endpoint.read(tmp_path)
    assert endpoint is not None
    end(app, how)
    assert all(has_ended(pid, 5.0) for pid in [*pids, worker]), "an orphan was left"
    with Store(tmp_path / "runs.sqlite3") as store:
        assert store.run(run_id).state == "interrupted"
        assert store.run(run_id).continuable
    assert Endpoint.read(tmp_path) is None
    assert not Path(str(endpoint.address)).parent.exists(), "the socket's folder was left"


def test_many_apps_at_once_find_one_supervisor_which_ends_with_the_last(tmp_path: Path) -> None:
    starting = [start_app(tmp_path) for _ in range(4)]
    (supervisor,) = {connected(app) for app in starting}
    with Client(tmp_path) as client:
        run_id = client.create(LONG)
        pid = pid_of(client, run_id)
    *others, last = starting
    for app in others:
        end(app)
    # the run continues under the same supervisor, and a new client finds it
    with Client(tmp_path) as client:
        assert client.status()["pid"] == supervisor
        assert client.status()["runs"] == {run_id: pid}
        epoch = client.store.run(run_id).epoch
        until(client, run_id, lambda record: record.epoch > epoch)
        pids = client.status()["pids"]
    end(last)
    assert all(has_ended(pid, 5.0) for pid in pids)


def test_a_supervisor_without_clients_ends(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnlab.runs.supervisor", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert process.wait(10) == 0


def test_a_store_from_a_newer_version_is_reported(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    connection.execute("pragma user_version = 999")
    connection.execute("create table runs (id text)")
    connection.close()
    with pytest.raises(RunError) as caught, Client(tmp_path):
        pass
    assert caught.value.code == "store_too_new"


def test_limits_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "2")
    monkeypatch.setenv("RNNLAB_RUN_SECONDS", "2")
    monkeypatch.setenv("RNNLAB_ANSWER_SECONDS", "0.1")
    with opened(tmp_path) as client:
        warm(client)
        paused = client.create(LONG)
        until_state(client, paused, "running")
        pause(client, paused)
        run_id = client.create(LONG.change(num_hiddens=256, num_layers=4, cell="gru"))
        record = until_state(client, run_id, "failed")
        assert record.error is not None
        assert record.error["code"] == "run_too_long"
        # a pause does not count: the other run has waited for longer
        assert client.store.run(paused).state == "paused"
        with pytest.raises(RunError) as caught:
            client.generate(run_id, "the", 2000)
        assert caught.value.code == "answer_too_late"


def test_connections_without_the_token_are_closed(client: Client) -> None:
    endpoint = Endpoint.read(client.home)
    assert endpoint is not None
    stranger = Endpoint(endpoint.address, "guessed", 0).dial()
    with stranger:
        stranger.settimeout(5)
        assert stranger.recv(100) == b""
    noise = Endpoint(endpoint.address, endpoint.token, 0).dial()
    with noise:
        noise.sendall(b"\x00\xff not json\n")
        noise.settimeout(5)
        while noise.recv(1000):
            pass
    assert client.ready()


def test_a_stuck_worker_does_not_affect_others(client: Client) -> None:
    """A stopped process neither answers nor ends, but other runs and the supervisor continue."""
    stuck, other = client.create(LONG), client.create(LONG)
    pid = pid_of(client, stuck)
    os.kill(pid, signal.SIGSTOP)
    epoch = until_state(client, other, "running").epoch
    until(client, other, lambda record: record.epoch > epoch + 3)
    client.delete(stuck)
    assert has_ended(pid)
