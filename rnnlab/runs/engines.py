"""The choice of the executor: on this machine, or on the machines of a cluster."""

from __future__ import annotations

import sys
from functools import partial

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
        RunError: ``cluster_without_certificates``.
    """
    if not environment.cluster:
        return local_executor(environment.engine)
    if environment.tls is None:
        raise RunError("cluster_without_certificates", "Set RNNLAB_TLS to the folder with the cluster's certificates.")
    return partial(ClusterExecutor, address=environment.cluster, tls=str(environment.tls))


def local_executor(engine: str) -> ExecutorFactory:
    """Return the executor of a single machine: `engine` ("fork" or "spawn") if possible, by default forking on Linux.

    Forking is not safe on macOS once torch, Accelerate and Metal are loaded.
    """
    method = engine or ("fork" if sys.platform == "linux" else "spawn")
    return ForkingExecutor if method == "fork" and forking.available() else SpawningExecutor
