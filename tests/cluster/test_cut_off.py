"""A machine of the cluster that is cut off: an agent in a network of its own, where this machine allows that."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.cluster.local import LocalCluster
from rnnlab.runs.client import Client
from tests.cluster.lab import environment, until_hosts
from tests.cluster.test_failures import check_given_up, running, workers
from tests.runs.lab import TINY, until_state

HERE, THERE = "198.51.100.1", "198.51.100.2"
SPACE, LINK, PEER = f"rnnlab-{os.getpid()}", f"rl{os.getpid()}", f"rp{os.getpid()}"


def ip(*arguments: str) -> bool:
    """Run a command of iproute2, and return whether it succeeded."""
    return subprocess.run(["ip", *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture
def link() -> Iterator[str]:
    """The name of the link to another network, which has an address here and another address there."""
    if shutil.which("ip") is None or not ip("netns", "add", SPACE):
        pytest.skip("this system lets this process make no network")
    try:
        steps = (
            ("link", "add", LINK, "type", "veth", "peer", "name", PEER),
            ("link", "set", PEER, "netns", SPACE),
            ("address", "add", f"{HERE}/24", "dev", LINK),
            ("link", "set", LINK, "up"),
            ("-n", SPACE, "address", "add", f"{THERE}/24", "dev", PEER),
            ("-n", SPACE, "link", "set", PEER, "up"),
            ("-n", SPACE, "link", "set", "lo", "up"),
        )
        if not all(ip(*step) for step in steps):
            pytest.skip("this system lets this process make no network")
        yield LINK
    finally:
        ip("link", "delete", LINK)
        ip("netns", "delete", SPACE)


def test_a_machine_that_is_cut_off_is_given_up_and_comes_back(link: str, tmp_path: Path) -> None:
    prefix = {"host-2": ("ip", "netns", "exec", SPACE)}
    with (
        LocalCluster(tmp_path / "cluster", prefix=prefix, host=HERE) as cluster,
        Client(environment(cluster, tmp_path / "home")) as client,
    ):
        until_hosts(client, "host-1", "host-2")
        runs = running(client)
        pids = workers(cluster, "host-2")
        assert len(pids) == 1
        cut = time.monotonic()
        assert ip("link", "set", link, "down")
        check_given_up(client, runs["host-2"], pids, cut)
        assert client.store.run(runs["host-1"]).state == "running"
        assert ip("link", "set", link, "up")
        until_hosts(client, "host-1", "host-2", patience=90.0)
        until_state(client, client.create(TINY), "finished")
