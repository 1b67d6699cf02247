"""The commands of the shell that concern a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rnnlab import __version__
from rnnlab.cli.main import main
from rnnlab.cluster.local import LocalCluster
from rnnlab.runs.client import Client
from tests.cluster.lab import environment, host_of, until_status
from tests.cluster.test_failures import descendants
from tests.runs.lab import LONG, PATIENCE, has_ended, until_state


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_hosts_lists_the_machines_and_what_each_trains(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_HOME", str(client.home))
    run = client.create(LONG)
    until_state(client, run, "running")
    until_status(client, lambda status: any(run in host["runs"] for host in status["hosts"]))
    result = ask("hosts")
    assert result.exit_code == 0, result.output
    rows = {
        line.split()[0]: line.split() for line in map(str.strip, result.stdout.splitlines()) if line.startswith("host-")
    }
    assert set(rows) == {"host-1", "host-2"}
    assert {name for name, row in rows.items() if row[-1] == run} == {host_of(client, run)}
    assert {row[1] for row in rows.values()} == {"1"}, "cores"

    result = ask("hosts", "--json")
    assert result.exit_code == 0, result.output
    hosts = json.loads(result.stdout)
    assert {host["facts"]["name"]: host["facts"]["version"] for host in hosts} == {
        "host-1": __version__,
        "host-2": __version__,
    }
    assert [host["facts"]["name"] for host in hosts if run in host["runs"]] == [host_of(client, run)]


def test_hosts_says_why_a_machine_is_refused(
    client: Client, cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(environment(cluster, tmp_path / "other")) as other:
        until_status(other, lambda status: [host["refused"] for host in status["hosts"]] == ["busy", "busy"])
        monkeypatch.setenv("RNNLAB_HOME", str(other.home))
        result = ask("hosts")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("refused: busy") == 2


def test_hosts_says_that_the_scheduler_does_not_answer(
    client: Client, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.end("scheduler")
    until_status(client, lambda status: not status["cluster"])
    monkeypatch.setenv("RNNLAB_HOME", str(client.home))
    result = ask("hosts")
    assert result.exit_code == 0, result.output
    assert result.stderr == "The scheduler of the cluster does not answer.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("agent", "--scheduler", "tcp://host:8786"), "tls://HOST:8786"),
        (("agent", "--scheduler", "tls://host"), "tls://HOST:8786"),
        (("agent", "--scheduler", "tls://host:1", "--name", "a b"), "letters, digits"),
        (("scheduler", "--address", "tls://:1"), "tls://HOST:8786"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = ask("cluster", *arguments, "--tls", str(tmp_path))
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_certificates_nothing_is_started(tmp_path: Path) -> None:
    result = ask("cluster", "scheduler", "--tls", str(tmp_path))
    assert result.exit_code == 1
    assert "scheduler.pem" in result.stderr
    assert "cluster certificates" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_ends_with_everything_that_it_started(tmp_path: Path, number: int) -> None:
    sleeping = [sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(600)"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnlab", "cluster", "demonstrate", "--agents", "1", "--", *sleeping],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "RNNLAB_HOME": str(tmp_path / "home")},
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "begun\n"
        started = descendants(process.pid)
        assert len(started) >= 3
        process.send_signal(number)
        assert process.wait(PATIENCE) != 0
    assert all(has_ended(pid) for pid in started)
