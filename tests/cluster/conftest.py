"""A cluster of real processes on this machine, and a supervisor that uses it.

It is shared by all tests, because its start takes seconds; each test finds two idle machines.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rnnlab.runs.client import Client

if TYPE_CHECKING:
    from rnnlab.cluster.local import LocalCluster

# the extra is optional
collect_ignore_glob = [] if importlib.util.find_spec("distributed") else ["test_*.py"]


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    from rnnlab.cluster.local import LocalCluster

    with LocalCluster(tmp_path_factory.mktemp("cluster") / "cluster", agents=2) as local:
        yield local


@pytest.fixture
def cluster(shared_cluster: LocalCluster) -> Iterator[LocalCluster]:
    """A scheduler and two agents of one core each; what a test ends is started again."""
    yield shared_cluster
    processes = shared_cluster.processes
    for name in {*processes} - {"scheduler", "host-1", "host-2"}:
        shared_cluster.end(name)
    if "scheduler" not in processes:
        shared_cluster.start_scheduler()
    for name in ("host-1", "host-2"):
        if name not in processes:
            shared_cluster.start_agent(name)


@pytest.fixture
def client(cluster: LocalCluster, tmp_path: Path) -> Iterator[Client]:
    """A client of a new supervisor that has found both machines."""
    from tests.cluster.lab import environment, until_hosts

    with Client(environment(cluster, tmp_path / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        yield client
