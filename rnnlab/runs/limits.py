"""All limits of runs and visitors: a set for a laptop, and one for a class.

The server of the pages limits connections and new identities beside what it counts: `rnnlab/view/watch/stream.py`,
`rnnlab/server/identity.py`, `rnnlab/server/sign_in.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of a run and of the whole server."""

    slots: int  # runs that train at the same time
    cores: int = 1  # processor cores that running jobs share
    queue: int = 200  # runs that wait
    run_seconds: float = 24 * 3600  # training time of a run, without pauses
    answer_seconds: float = 60  # time for an answer
    pause_seconds: float = 60  # pause after which a run gives its slot back if another run waits
    stop_seconds: float = 20  # time for all runs to be saved when the supervisor is told to end
    memory_mb: int = 4096  # data of a worker
    checkpoints_mb: int = 512  # kept checkpoints of a run
    disk_floor_mb: float = 64  # free space below which no run starts
    home_mb: float = 0  # the store and all checkpoints, beyond which nothing new is taken; 0: any size
    visitor_running: int = 0  # runs of a visitor that train at the same time; 0: any number, here and below
    visitor_waiting: int = 0  # runs of a visitor that wait
    visitor_mb: float = 0  # texts, runs and checkpoints of a visitor
    keep_days: float = 0  # after which runs without a star, and texts without runs, are deleted; 0: never
    starts: str = ""  # how often a visitor may start, continue or import runs; "": any number, here and below
    texts: str = ""  # how often a visitor may upload a text
    links: str = ""  # how often a visitor may shorten a link
    addresses: str = ""  # how often a page of a visitor may shorten its address
    questions: str = ""  # how often a visitor may ask a network

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Return the limits in the environment variables, and defaults for missing or invalid values.

        `CLASS` has the defaults where ``RNNLAB_PROFILE`` is "class".

        The variables are ``RNNLAB_SLOTS``, ``RNNLAB_QUEUE``, ``RNNLAB_RUN_SECONDS``, ``RNNLAB_ANSWER_SECONDS``,
        ``RNNLAB_PAUSE_SECONDS``, ``RNNLAB_STOP_SECONDS``, ``RNNLAB_MEMORY_MB``, ``RNNLAB_CHECKPOINTS_MB``,
        ``RNNLAB_DISK_FLOOR_MB`` and ``RNNLAB_CORES``. By default, the slots are the processor cores, and a worker may
        use at most three quarters of the memory of this machine.
        """

        def number(name: str, default: float) -> float:
            try:
                value = float(environment.get(name, ""))
            except ValueError:
                return default
            return value if value > 0 else default

        base = CLASS if environment.get("RNNLAB_PROFILE") == "class" else cls(1)
        return replace(
            base,
            slots=max(1, int(number("RNNLAB_SLOTS", cores_of_this_process()))),
            cores=max(1, int(number("RNNLAB_CORES", cores_of_this_process()))),
            queue=max(1, int(number("RNNLAB_QUEUE", base.queue))),
            run_seconds=number("RNNLAB_RUN_SECONDS", base.run_seconds),
            answer_seconds=number("RNNLAB_ANSWER_SECONDS", base.answer_seconds),
            pause_seconds=number("RNNLAB_PAUSE_SECONDS", base.pause_seconds),
            stop_seconds=number("RNNLAB_STOP_SECONDS", base.stop_seconds),
            memory_mb=max(1, int(number("RNNLAB_MEMORY_MB", min(base.memory_mb, _memory_mb() * 3 / 4)))),
            checkpoints_mb=max(1, int(number("RNNLAB_CHECKPOINTS_MB", base.checkpoints_mb))),
            disk_floor_mb=number("RNNLAB_DISK_FLOOR_MB", base.disk_floor_mb),
            home_mb=number("RNNLAB_HOME_MB", base.home_mb),
            visitor_running=int(number("RNNLAB_VISITOR_RUNNING", base.visitor_running)),
            visitor_waiting=int(number("RNNLAB_VISITOR_WAITING", base.visitor_waiting)),
            visitor_mb=number("RNNLAB_VISITOR_MB", base.visitor_mb),
            keep_days=number("RNNLAB_KEEP_DAYS", base.keep_days),
        )


CLASS = Limits(
    slots=1,
    run_seconds=3600,
    checkpoints_mb=128,
    home_mb=20_000,
    visitor_running=1,
    visitor_waiting=2,
    visitor_mb=200,
    keep_days=14,
    starts="40/10 minutes",
    texts="20/10 minutes",
    links="60/10 minutes",
    addresses="240/10 minutes",
    questions="120/minute",
)
"""The limits of a server for a class; the slots are those of the machine."""
RATES = ("starts", "texts", "links", "addresses", "questions")
"""Names of the limits that are rates."""
CHECKPOINT_MB = 64
"""Largest size of a checkpoint file that is imported."""
PAGE_UPLOADS_MB = 128
"""Largest size of all uploaded files that the web process holds for one page of a visitor."""
UPLOADS_MB = 512
"""Largest size of all uploaded files that the web process holds for all pages together."""
LARGEST_BATCH = 6
"""Maximum number of runs in a batch, which counts as one run for the limits of a visitor."""


def cores_of_this_process() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_mb() -> float:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    except (AttributeError, OSError, ValueError):
        return 4 * Limits.memory_mb
