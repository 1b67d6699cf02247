"""The scheduler of Dask, which connects the agents of the machines and the bridge of the app (Dask).

It holds no runs: when it is started anew, agents and bridge find it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

from distributed import Scheduler
from distributed.security import Security

from rnnlab.cluster.connections import EXECUTING, WithoutWebServer, configure, security


def serve(address: str, folder: Path) -> None:
    """Serve at `address` (``tls://HOST:PORT``) with the certificates of `folder`, until a signal ends the process.

    Raises:
        RunError: the certificates cannot be used.
        OSError: the address cannot be listened at.
    """
    configure()
    asyncio.run(_serve(address, security(folder, "scheduler")))


class _Scheduler(WithoutWebServer, Scheduler):
    """The scheduler of Dask without its web server."""


async def _serve(address: str, secure: Security) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    async with _Scheduler(host=address, security=secure, dashboard=False, blocked_handlers=EXECUTING) as scheduler:
        print(f"The scheduler of the cluster listens at {scheduler.address}", flush=True)
        await ended.wait()
