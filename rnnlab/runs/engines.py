"""The choice of the executor: on this machine, or on the machines of a cluster."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec

from rnnlab.environment import Environment
from rnnlab.errors import RunError
from rnnlab.runs import forking
from rnnlab.runs.cluster import ClusterExecutor
from rnnlab.runs.executor import ExecutorFactory
from rnnlab.runs.forking import ForkingExecutor
from rnnlab.runs.spawning import SpawningExecutor


def choose_executor(environment: Environment) -> ExecutorFactory:
    """Return the executor for workers in a cluster, if the environment names one, or on this machine.

    Raises:
        RunError: ``cluster_without_certificates`` or ``cluster_not_installed``.
    """
    if not environment.cluster:
        return local_executor(environment.engine)
    if environment.tls is None:
        raise RunError("cluster_without_certificates", "Set RNNLAB_TLS to the folder with the cluster's certificates.")
    check_cluster_installed()
    return partial(ClusterExecutor, address=environment.cluster, tls=str(environment.tls))


def check_cluster_installed() -> None:
    """Check that Dask is installed.

    Raises:
        RunError: ``cluster_not_installed``.
    """
    if find_spec("distributed") is None:
        raise RunError("cluster_not_installed", "Install Dask first: pip install -r requirements-cluster.txt")


def local_executor(engine: str) -> ExecutorFactory:
    """Return the executor of a single machine: `engine` ("fork" or "spawn") if possible, by default forking on Linux.

    Forking is not safe on macOS once torch, Accelerate and Metal are loaded.
    """
    method = engine or ("fork" if sys.platform == "linux" else "spawn")
    return ForkingExecutor if method == "fork" and forking.available() else SpawningExecutor
