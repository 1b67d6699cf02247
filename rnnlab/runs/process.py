"""Processes of this package: command line, environment, priority, memory and log."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from rnnlab.runs.loop import Loop

NICENESS = 5
"""Niceness of every process that loads torch, so that the page has priority."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module of this package; modules in the current folder are not imported."""
    return [sys.executable, "-P", "-m", module, *arguments]


SPIN = {"GOMP_SPINCOUNT": "10000"}
"""Variables by which a thread without work waits actively for a fraction of a millisecond, then leaves its core.

By default it does so for milliseconds, longer than the time between two products, so that it would never leave it.
"""


HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Setting of the C library by which memory comes in pages of 2 MB where Linux offers them (`madvise`).

The matrices of a minibatch are a hundred times as large as what the processor finds in memory at once with pages of
4 kB, so that it looks up one page after the other.
"""


def module_environment() -> dict[str, str]:
    """Return the environment of a process that runs a module of this package: with this package on the path."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def worker_environment() -> dict[str, str]:
    """Return the environment of a process that loads torch: a single thread, with this package on the path."""
    tunables = [setting for setting in os.environ.get("GLIBC_TUNABLES", "").split(":") if setting]
    return {
        **SPIN,
        **module_environment(),
        "GLIBC_TUNABLES": ":".join(dict.fromkeys([*tunables, HUGE_PAGES])),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # the check for an accelerator must not make it unusable in forks
    }


def end_child(loop: Loop, connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Kill a child process, wait for its end, and close the connection to it."""
    loop.unwatch(connection)
    connection.close()
    process.kill()
    process.wait()


def lower_priority() -> None:
    """Lower the priority of this process to `NICENESS`, if the system has priorities and it is not lower already."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(max(0, NICENESS - os.nice(0)))


def leave_endings_to_the_supervisor() -> None:
    """Ignore SIGTERM, SIGINT and SIGHUP, which service managers send to all processes of a service.

    The supervisor gets them too, saves its runs, and ends its workers. Call this in the main thread.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def memory_pss_mb(pid: int) -> float | None:
    """Return the memory of a process in MB, with shared pages counted proportionally (PSS); None if unknown."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return None


class Sparing(logging.Filter):
    """Passes a message at most once in `seconds`, regardless of its parameters, so that the log cannot be flooded."""

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._passed: dict[tuple[str, str], float] = {}  # when each message passed last

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        now, key = time.monotonic(), (record.name, str(record.msg))
        if now - self._passed.get(key, -self._seconds) < self._seconds:
            return False
        self._passed[key] = now
        return True


def log_to_stderr() -> None:
    """Write the warnings of this process to standard error, each with its time."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    handler.addFilter(Sparing())
    logging.getLogger().addHandler(handler)
