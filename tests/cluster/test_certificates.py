"""A process without a certificate of the authority, or without encryption, gets nothing from a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import socket
import stat
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from click.testing import CliRunner
from distributed.core import rpc

from rnnlab.cli.main import main
from rnnlab.cluster import certificates
from rnnlab.cluster.certificates import AUTHORITY
from rnnlab.cluster.connections import configure, security
from rnnlab.cluster.local import LocalCluster
from rnnlab.errors import RunError
from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import t
from rnnlab.view.runs.sentences import lacking
from tests.cluster.lab import environment, until_hosts, until_status

T = TypeVar("T")


def identity(address: str, arguments: dict[str, object]) -> dict[str, object]:
    """Return the answer of the scheduler to the operation `identity` of Dask."""
    configure()

    async def ask() -> dict[str, object]:
        scheduler = rpc(address, connection_args=arguments, timeout=3)
        try:
            answer: dict[str, object] = await asyncio.wait_for(scheduler.identity(), 10)
            return answer
        finally:
            await scheduler.close_rpc()

    return awaited(ask())


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own, as the browser of other tests has an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def addresses_of_agents(cluster: LocalCluster) -> list[str]:
    """Return the addresses of the agents, as a process with a certificate gets them."""
    own = security(cluster.tls, "app").get_connection_args("client")
    workers = identity(cluster.address, own)["workers"]
    assert isinstance(workers, dict)
    return list(workers)


def test_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    made = CliRunner().invoke(main, ["cluster", "certificates", str(folder)])
    assert made.exit_code == 0, made.output
    files = sorted(folder.iterdir())
    assert len(files) == 8
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    again = CliRunner().invoke(main, ["cluster", "certificates", str(folder)])
    assert again.exit_code != 0
    assert "empty folder" in again.output


def test_missing_and_open_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"authority\.pem, agent\.pem, agent-key\.pem cannot be read"):
        certificates.check(tmp_path, "agent")
    certificates.make(tmp_path / "tls")
    certificates.check(tmp_path / "tls", "agent")
    certificates.key_file(tmp_path / "tls", "agent").chmod(0o644)
    with pytest.raises(RunError, match="Other users can read"):
        certificates.check(tmp_path / "tls", "agent")


def test_strangers_get_nothing(cluster: LocalCluster, tmp_path: Path) -> None:
    with Client(environment(cluster, tmp_path / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        addresses = [cluster.address, *addresses_of_agents(cluster)]

        certificates.make(tmp_path / "strangers")
        strange = security(tmp_path / "strangers", "app").get_connection_args("client")
        for address in addresses:
            for arguments in (strange, {}):
                with pytest.raises((OSError, TimeoutError, TypeError)):
                    identity(address, arguments)
            with pytest.raises((OSError, TimeoutError)):
                identity(address.replace("tls://", "tcp://"), {})
            host, _, port = address.removeprefix("tls://").rpartition(":")
            with socket.create_connection((host, int(port))) as connection:
                connection.settimeout(10)
                connection.sendall(b'{"op": "identity"}\n' * 10)
                with contextlib.suppress(OSError):  # closed
                    assert b"workers" not in connection.recv(4096)
        # an app of strangers finds no machine
        wrong = dataclasses.replace(environment(cluster, tmp_path / "other"), tls=tmp_path / "strangers")
        with Client(wrong) as stranger:
            until_status(stranger, lambda status: status["cluster"] is False and status["cluster_mistrusted"])
            assert stranger.status()["hosts"] == []


@pytest.mark.parametrize("role", [AUTHORITY, "app"])
def test_certificates_of_another_authority_are_said_to_be_the_reason(
    cluster: LocalCluster, tmp_path: Path, role: str
) -> None:
    """The app does not accept the scheduler, or the scheduler does not accept the app."""
    own, other = tmp_path / "own", tmp_path / "other"
    shutil.copytree(cluster.tls, own)
    certificates.make(other)
    for path in other.glob(f"{role}*"):
        shutil.copy(path, own)
    with Client(dataclasses.replace(environment(cluster, tmp_path / "home"), tls=own)) as client:
        until_status(client, lambda status: status["cluster_mistrusted"])
        assert lacking(client.status(), "en") == t("runs.hosts.mistrusted", "en")


def test_nothing_else_listens(cluster: LocalCluster, tmp_path: Path) -> None:
    with Client(environment(cluster, tmp_path / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        for process in cluster.processes.values():
            listening = [c for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
            assert len({c.laddr.port for c in listening}) == 1


def test_an_agent_executes_nothing_for_dask(cluster: LocalCluster, tmp_path: Path) -> None:
    with Client(environment(cluster, tmp_path / "home")) as client:
        until_hosts(client, "host-1", "host-2")
    own = security(cluster.tls, "app").get_connection_args("client")

    async def run(address: str) -> object:
        worker = rpc(address, connection_args=own, timeout=5)
        try:
            return await asyncio.wait_for(worker.run(function=b"", args=b"", kwargs=b""), 10)
        finally:
            await worker.close_rpc()

    for address in addresses_of_agents(cluster):
        with pytest.raises(ValueError, match="explicitly disallowed"):
            awaited(run(address))


def test_a_second_app_is_told_that_the_machines_are_busy(cluster: LocalCluster, tmp_path: Path) -> None:
    with Client(environment(cluster, tmp_path / "first")) as first:
        until_hosts(first, "host-1", "host-2")
        with Client(environment(cluster, tmp_path / "second")) as second:
            until_status(second, lambda status: [host["refused"] for host in status["hosts"]] == ["busy", "busy"])
        assert first.status()["slots"] == 2
