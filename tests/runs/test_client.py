"""The client: the modules that it loads, and its errors."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnlab.environment import Environment
from rnnlab.errors import RunError
from rnnlab.runs.client import Client
from tests.open_files import nothing_stays_open
from tests.runs.lab import LONG, TINY, about_forks, events, has_ended, opened, pause, pid_of, until, until_state, warm


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
    descriptors = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    assert len([name for name in descriptors if name.startswith("socket:")]) == 1


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
