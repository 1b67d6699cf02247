"""Waiting for the machines of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnlab.cluster.local import LocalCluster
from rnnlab.environment import Environment
from rnnlab.runs.client import Client
from tests.runs.lab import PATIENCE

LOOK = 0.02


def environment(cluster: LocalCluster, home: Path) -> Environment:
    """Return the environment of an app that uses a cluster."""
    return Environment(home, cluster=cluster.address, tls=cluster.tls)


def until_status(client: Client, condition: Callable[[dict[str, Any]], bool], patience: float = PATIENCE) -> float:
    """Wait until the status of the supervisor fulfils a condition, and return the seconds that it took."""
    started = time.monotonic()
    while not condition(status := client.status()):
        assert time.monotonic() - started < patience, status
        time.sleep(LOOK)  # the supervisor tells nobody when its status changes
    return time.monotonic() - started


def names(status: dict[str, Any]) -> set[str]:
    """Return the names of the machines that take jobs and have loaded torch."""
    return {host["facts"]["name"] for host in status["hosts"] if not host["refused"] and host["facts"]["speed"]}


def until_hosts(client: Client, *expected: str, patience: float = PATIENCE) -> float:
    """Wait until exactly these machines take jobs, and return the seconds that it took."""
    return until_status(client, lambda status: names(status) == set(expected), patience)


def host_of(client: Client, run: str) -> str:
    """Return the machine on which a run trains."""
    return client.store.run(run).host
