"""What happens when a process of a cluster is killed, frozen or cut off: real processes, real signals."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from rnnlab.cluster import LEASE_SECONDS, WORKER_SECONDS
from rnnlab.cluster.local import LocalCluster
from rnnlab.runs.client import Client
from tests.cluster.lab import environment, host_of, until_hosts, until_status
from tests.runs.lab import LONG, TINY, curve, events, has_ended, until_event, until_state

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd: Linux only")

SAVES = LONG.change(pred_period=10)


def descendants(pid: int) -> list[int]:
    """Return all processes below a process."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in threads for child in path.read_text(encoding="ascii").split()]
    return [other for child in children for other in (child, *descendants(child))]


def workers(cluster: LocalCluster, name: str) -> list[int]:
    """Return the processes that train on a machine: those that its zygote has forked."""
    (zygote,) = descendants(cluster.processes[name].pid)[:1]
    return descendants(zygote)


def running(client: Client, count: int = 2) -> dict[str, str]:
    """Start runs, one on each machine, and return them by the name of their machine."""
    runs = [client.create(SAVES) for _ in range(count)]
    for run in runs:
        until_event(client, run, lambda event: event.kind == "checkpoint_saved" and event.epoch >= 10)
    return {host_of(client, run): run for run in runs}


def test_a_killed_worker_fails_alone(client: Client, cluster: LocalCluster) -> None:
    runs = running(client)
    (pid,) = workers(cluster, "host-1")
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    record = until_state(client, runs["host-1"], "failed")
    print(f"failed {time.monotonic() - killed:.2f} s after the kill")
    assert record.error is not None
    assert record.error["params"]["signal"] == signal.SIGKILL
    assert client.store.run(runs["host-2"]).state == "running"
    # the machine takes the next run
    again = client.create(TINY)
    until_state(client, again, "finished")
    assert host_of(client, again) == "host-1"


def test_runs_of_a_killed_agent_are_interrupted_and_go_on_elsewhere(client: Client, cluster: LocalCluster) -> None:
    runs = running(client)
    pids = descendants(cluster.processes["host-1"].pid)
    killed = time.monotonic()
    cluster.end("host-1", signal.SIGKILL)
    record = until_state(client, runs["host-1"], "interrupted")
    print(f"interrupted {time.monotonic() - killed:.2f} s after the kill")
    assert record.continuable
    assert all(has_ended(pid) for pid in pids)
    assert client.store.run(runs["host-2"]).state == "running"
    client.stop(runs["host-2"])
    client.continue_run(runs["host-1"])
    until_event(client, runs["host-1"], lambda event: event.kind == "run_started" and event.epoch >= 10)
    assert host_of(client, runs["host-1"]) == "host-2"


def check_given_up(client: Client, run: str, pids: list[int], since: float) -> None:
    """Check that the workers of a lost machine end before its run is interrupted, so that no run trains twice."""
    assert all(has_ended(pid) for pid in pids)
    ended = time.monotonic() - since
    until_state(client, run, "interrupted")
    given_up = time.monotonic() - since
    print(f"its worker ended after {ended:.1f} s; the run was interrupted after {given_up:.1f} s")
    assert ended < given_up


def test_a_frozen_agent_is_given_up_and_stops_when_it_wakes(client: Client, cluster: LocalCluster) -> None:
    runs = running(client)
    pids = workers(cluster, "host-1")
    frozen = time.monotonic()
    os.kill(cluster.processes["host-1"].pid, signal.SIGSTOP)
    check_given_up(client, runs["host-1"], pids, frozen)
    seen = len(events(client, runs["host-1"]))
    os.kill(cluster.processes["host-1"].pid, signal.SIGCONT)
    until_hosts(client, "host-1", "host-2")
    assert workers(cluster, "host-1") == []
    assert len(events(client, runs["host-1"])) == seen
    again = client.create(TINY)
    until_state(client, again, "finished")
    assert host_of(client, again) == "host-1"


def test_a_run_of_a_lost_machine_starts_only_when_its_worker_has_ended(client: Client, cluster: LocalCluster) -> None:
    runs = running(client)
    cluster.end("host-1", signal.SIGKILL)
    killed = time.monotonic()
    until_state(client, runs["host-1"], "interrupted")
    client.stop(runs["host-2"])
    client.continue_run(runs["host-1"])
    until_state(client, runs["host-1"], "running")
    assert time.monotonic() - killed > LEASE_SECONDS + WORKER_SECONDS


def test_a_killed_scheduler_interrupts_the_runs_and_is_found_again(client: Client, cluster: LocalCluster) -> None:
    runs = running(client)
    killed = time.monotonic()
    cluster.end("scheduler", signal.SIGKILL)
    for run in runs.values():
        assert until_state(client, run, "interrupted").continuable
    print(f"interrupted {time.monotonic() - killed:.2f} s after the kill")
    until_status(client, lambda status: not status["cluster"])
    for name in ("host-1", "host-2"):
        assert all(has_ended(pid) for pid in workers(cluster, name))
    cluster.start_scheduler()
    until_hosts(client, "host-1", "host-2")
    for run in runs.values():
        client.continue_run(run)
        until_state(client, run, "running")


def test_a_killed_bridge_is_replaced(client: Client) -> None:
    runs = running(client)
    _, bridge = client.status()["pids"]
    os.kill(bridge, signal.SIGKILL)
    for run in runs.values():
        until_state(client, run, "interrupted")
    until_hosts(client, "host-1", "host-2")
    until_state(client, client.create(TINY), "finished")


def test_agents_end_their_runs_when_the_supervisor_is_killed(cluster: LocalCluster, tmp_path: Path) -> None:
    with Client(environment(cluster, tmp_path / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        runs = running(client)
        pids = [pid for name in ("host-1", "host-2") for pid in workers(cluster, name)]
        assert len(pids) == 2
        killed = time.monotonic()
        os.kill(client.status()["pid"], signal.SIGKILL)
        assert all(has_ended(pid) for pid in pids)
        print(f"the workers ended {time.monotonic() - killed:.2f} s after the kill")
        until_hosts(client, "host-1", "host-2")  # by the next supervisor
        for run in runs.values():
            assert client.store.run(run).state == "interrupted"


def test_random_kills_lose_no_acknowledged_event(client: Client, cluster: LocalCluster) -> None:
    """The short form of ``python -m benchmarks.cluster --kills 50``."""
    chance = random.Random(0)
    seen: dict[str, dict[int, float]] = {}
    for _ in range(4):
        runs = running(client)
        seen = {run: curve(client, run) for run in runs.values()}
        name = chance.choice(sorted(runs))
        if chance.random() < 0.5:
            os.kill(workers(cluster, name)[0], signal.SIGKILL)
            until_state(client, runs[name], "failed")
        else:
            cluster.end(name, signal.SIGKILL)
            until_state(client, runs[name], "interrupted")
            cluster.start_agent(name)
        for run in runs.values():
            if client.store.run(run).live:
                client.stop(run)
                until_state(client, run, "stopped")
            now = curve(client, run)
            assert list(now) == list(range(1, len(now) + 1))
            assert seen[run].items() <= now.items()
        until_hosts(client, "host-1", "host-2")
