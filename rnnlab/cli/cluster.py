"""The commands of a cluster: certificates, scheduler, agent, a demonstration on this machine, and the list of hosts."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import click

from rnnlab.cli import terminal
from rnnlab.cli.group import Command, Group
from rnnlab.environment import Environment
from rnnlab.errors import RunError
from rnnlab.runs.engines import check_cluster_installed, local_executor

SCHEDULER_PORT = 8786
CERTIFICATES = click.Path(file_okay=False, path_type=Path)


@click.group(cls=Group)
def cluster() -> None:
    """Train on several machines: docs/cluster.md has the steps. Needs requirements-cluster.txt."""


@cluster.command(cls=Command)
@click.argument("folder", metavar="DIR", type=CERTIFICATES)
def certificates(folder: Path) -> None:
    """Make the authority of a cluster, and certificates for its scheduler, its agents and the app, in DIR.

    Every machine needs authority.pem and the two files of its role; authority-key.pem stays here.
    """
    check_cluster_installed()
    from rnnlab.cluster import certificates as made

    for path in made.make(folder):
        click.echo(path)


@cluster.command(cls=Command)
@click.option("--tls", type=CERTIFICATES, required=True, help="The folder with the certificates.")
@click.option(
    "--address",
    default=f"tls://0.0.0.0:{SCHEDULER_PORT}",
    show_default=True,
    help="Where to listen; clients need a certificate of the authority.",
)
def scheduler(tls: Path, address: str) -> None:
    """Connect the machines of a cluster with the app. Run one for each cluster."""
    check_cluster_installed()
    from rnnlab.cluster import hub

    _check_address(address)
    try:
        hub.serve(address, tls)
    except OSError as error:
        raise RunError(
            "address_unusable", f"Nothing can listen at {address}: {error}.", address=address, reason=str(error)
        ) from error


@cluster.command(cls=Command)
@click.option("--scheduler", "address", metavar="tls://HOST:PORT", required=True, help="Address of the scheduler.")
@click.option("--tls", type=CERTIFICATES, required=True, help="The folder with the certificates.")
@click.option("--name", default=socket.gethostname, help="Name of this machine.  [default: its host name]")
@click.option("--cores", type=click.IntRange(min=1), help="Cores to lend.  [default: all that this process may use]")
@click.option("--folder", type=CERTIFICATES, help="For jobs and texts.  [default: cluster/NAME in the home]")
@click.pass_obj
def agent(environment: Environment, address: str, tls: Path, name: str, cores: int | None, folder: Path | None) -> None:
    """Lend this machine to a cluster: runs that wait there train here."""
    check_cluster_installed()
    _check_address(address)
    if not name or len(name) > 60 or not all(part.isalnum() for part in name.replace(".", "-").split("-")):
        raise click.BadParameter(f"{name!r}: allowed are up to 60 letters, digits, '.' and '-'.", param_hint="--name")
    from rnnlab import private
    from rnnlab.cluster import agent as agents
    from rnnlab.runs.limits import cores_of_this_process
    from rnnlab.runs.process import log_to_stderr

    log_to_stderr()
    os.umask(private.UMASK)
    folder = folder or environment.home / "cluster" / name
    agents.serve(
        address,
        tls,
        name,
        cores or cores_of_this_process(),
        folder,
        local_executor(environment.engine),
        _accelerators(),
    )


@cluster.command(cls=Command)
@click.option("--agents", type=click.IntRange(min=1, max=16), default=2, show_default=True)
@click.option("--cores", type=click.IntRange(min=1), default=1, show_default=True, help="Cores that each agent lends.")
@click.argument("command", nargs=-1, required=True)
@click.pass_obj
def demonstrate(environment: Environment, agents: int, cores: int, command: tuple[str, ...]) -> None:
    """Run COMMAND with a scheduler and agents on this machine, which end with it (make cluster)."""
    check_cluster_installed()
    from rnnlab.cluster.local import LocalCluster

    with LocalCluster(environment.home / "cluster", agents, cores) as local:
        click.echo(f"The scheduler listens at {local.address}; {agents} agents lend {cores} core(s) each.", err=True)
        sys.exit(local.run(list(command)))


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
@click.pass_obj
def hosts(environment: Environment, as_json: bool) -> None:
    """List the machines of the cluster of a running app, their load, and what each trains."""
    from rnnlab.runs.client import Client

    with Client(environment) as client:
        status = client.status()
    if status["cluster"] is None:
        raise RunError("no_cluster", "The app trains on this machine only; RNNLAB_CLUSTER names a cluster.")
    if as_json:
        terminal.print_json(status["hosts"])
        return
    if not status["cluster"]:
        why = ": its certificates and ours differ in their authority" if status["cluster_mistrusted"] else ""
        click.echo(f"The scheduler of the cluster does not answer{why}.", err=True)
    terminal.print_table(
        ["host", "cores", "free MB", "GFLOP/s a core", "accelerators", "runs"], [_row(host) for host in status["hosts"]]
    )


def _row(host: dict[str, Any]) -> list[str]:
    facts = host["facts"]
    speed = facts["speed"].get("flops")
    return [
        facts["name"],
        str(facts["cores"]),
        f"{facts['memory_mb']:.0f}",
        f"{speed / 1e9:.1f}" if speed else "",
        " ".join(facts["devices"]),
        f"refused: {host['refused']}" if host["refused"] else " ".join(host["runs"]),
    ]


def _check_address(address: str) -> None:
    host, _, port = address.removeprefix("tls://").rpartition(":")
    if not address.startswith("tls://") or not host or not port.isdecimal():
        raise click.BadParameter(f"{address!r}: allowed are addresses like tls://HOST:{SCHEDULER_PORT}.")


def _accelerators() -> list[str]:
    """Return the kinds of accelerators of this machine, without loading torch."""
    if sys.platform == "linux":
        return ["cuda"] if Path("/dev/nvidia0").exists() else []
    return ["mps"] if sys.platform == "darwin" and os.uname().machine == "arm64" else []


COMMANDS = (cluster, hosts)
