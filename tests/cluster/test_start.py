"""An app that starts: on a cluster that another app has just left, and without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rnnlab.cluster.local import LocalCluster
from rnnlab.environment import Environment
from rnnlab.errors import RunError
from rnnlab.runs.client import Client
from rnnlab.runs.engines import choose_executor
from tests.cluster.lab import environment, until_hosts, until_status
from tests.runs.lab import TINY, until_state


def test_an_app_that_is_started_again_finds_the_cluster(cluster: LocalCluster, tmp_path: Path) -> None:
    for _ in range(2):
        with Client(environment(cluster, tmp_path / "home")) as client:
            until_hosts(client, "host-1", "host-2")
            until_state(client, client.create(TINY), "finished")


def test_an_app_without_a_scheduler_says_so(cluster: LocalCluster, tmp_path: Path) -> None:
    nowhere = Environment(tmp_path / "home", cluster="tls://127.0.0.1:1", tls=cluster.tls)
    with Client(nowhere) as client:
        until_status(client, lambda status: status["cluster"] is False)
        run = client.create(TINY)
        assert client.store.run(run).state == "queued"


def test_an_app_never_takes_the_cores_of_its_own_machine_for_those_of_the_cluster(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    nowhere = Environment(tmp_path / "home", cluster="tls://127.0.0.1:1", tls=cluster.tls)
    with Client(nowhere) as client:
        status = client.status()  # the first one, before the bridge has said anything
    assert (status["cluster"], status["slots"], status["hosts"]) == (False, 0, [])


def test_a_cluster_without_dask_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it was not installed
    with pytest.raises(RunError, match="Install Dask first"):
        choose_executor(Environment(tmp_path, cluster="tls://127.0.0.1:1", tls=tmp_path))
    with pytest.raises(RunError, match="Set RNNLAB_TLS"):
        choose_executor(Environment(tmp_path, cluster="tls://127.0.0.1:1"))
