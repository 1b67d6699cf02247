"""Processes of ours: how they are started, with what priority, and how much memory they take."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

NICENESS = 5
"""Of every process that loads torch: the page comes first."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs one of our modules; modules in the current folder are not imported."""
    return [sys.executable, "-P", "-m", module, *arguments]


def worker_environment() -> dict[str, str]:
    """Return the environment of a process that loads torch: one thread, this package importable."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for an accelerator must not make forks unfit for it
    }


def lower_priority() -> None:
    """Lower this process's priority to `NICENESS`, where that is not done yet and the system has priorities."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(max(0, NICENESS - os.nice(0)))


def memory_pss_mb(pid: int) -> float | None:
    """Return the memory of a process in MB, shared pages counted by share; None where the system does not say."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return None
