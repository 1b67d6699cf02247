"""The agent of a machine: a worker of Dask that starts the workers of RNN Lab for the bridge of the app (Dask).

It computes nothing for Dask, and refuses what Dask would execute. What it obeys is JSON, validated by the classes of
`rnnlab.runs.protocol`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from distributed import Worker
from distributed.security import Security

from rnnlab import __version__
from rnnlab.cluster import HOLD_SECONDS, LEASE_SECONDS
from rnnlab.cluster.connections import EXECUTING, NEWS, TELL, WithoutWebServer, configure, security
from rnnlab.cluster.host import Host
from rnnlab.runs.executor import ExecutorFactory
from rnnlab.runs.protocol import (
    BRIDGE_TO_AGENT,
    AgentReply,
    Begin,
    Greet,
    Hang,
    HostFacts,
    Kill,
    Leave,
    Message,
    Relay,
    encode,
)

FACTS_SECONDS = 5.0  # between two looks at the free memory
RETRY_SECONDS = 0.5  # between two tries to reach the scheduler
KEPT_BEATS = 64

log = logging.getLogger(__name__)


class Agent:
    """Answers the bridge: it takes messages for the workers of this machine, and hands out their news.

    Args:
        name: name of this machine.
        cores: cores that it lends.
        folder: folder for jobs and blobs.
        make_executor: makes the executor of this machine.
        versions: version of RNN Lab and of torch.
        devices: accelerators of this machine.
    """

    def __init__(
        self,
        name: str,
        cores: int,
        folder: Path,
        make_executor: ExecutorFactory,
        versions: tuple[str, str],
        devices: list[str],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._name, self._cores, self._versions, self._devices = name, cores, versions, devices
        self._speed: dict[str, float] = {}
        self.warm = asyncio.Event()  # torch is loaded
        self._bridge = ""
        self._heard_at = -LEASE_SECONDS  # when the bridge last showed that it hears this agent
        self._beats: dict[int, float] = {}  # when each answer was given
        self._beat = 0
        self._outbox: deque[tuple[int, bytes, bytes]] = deque()
        self._numbered = 0
        self._more = asyncio.Event()
        self._facts_at = -FACTS_SECONDS
        self.host = Host(
            make_executor,
            folder,
            cores,
            self._add_soon,
            self._warmed_soon,
        )

    def facts(self) -> HostFacts:
        """Return the facts of this machine."""
        version, torch = self._versions
        return HostFacts(
            name=self._name,
            version=version,
            torch=torch,
            cores=self._cores,
            memory_mb=_free_memory_mb(),
            devices=self._devices,
            speed=self._speed,
        )

    def dismiss(self) -> None:
        """End all workers, and forget the bridge."""
        self.host.end_all()
        self._bridge, self._beats = "", {}
        self._outbox.clear()

    async def tell(self, bridge: str, beat: int, message: str, blobs: dict[str, bytes] | None = None) -> bytes:
        """Obey a message of the bridge; return an `AgentReply`."""
        return encode(self._obey(bridge, beat, BRIDGE_TO_AGENT.decode(message.encode()), blobs or {}))

    def _obey(self, bridge: str, beat: int, message: Message, blobs: dict[str, bytes]) -> AgentReply:
        if isinstance(message, Greet):
            return self._greet(message)
        if not self._fresh(bridge, beat):
            return AgentReply(refused="stale")
        match message:
            case Leave():
                self.dismiss()
            case Begin(job=job, order=order):
                try:
                    for name, data in blobs.items():
                        self.host.blobs.add(name, bytes(data))
                    missing = self.host.missing(order)
                    if not missing:
                        self.host.begin(job, order)
                except (ValueError, OSError) as error:
                    return AgentReply(refused=str(error))
                return AgentReply(missing=missing)
            case Relay(job=job, lines=lines):
                self.host.relay(job, lines)
            case Hang(job=job):
                self.host.hang_up(job)
            case Kill(job=job):
                self.host.kill(job)
        return AgentReply()

    def _greet(self, message: Greet) -> AgentReply:
        leased = self._bridge and time.monotonic() - self._heard_at < LEASE_SECONDS
        if leased and message.bridge != self._bridge:
            return AgentReply(refused="busy", facts=self.facts())
        if (message.version, message.torch) != self._versions:
            log.warning("%s", f"refused by the app, which has other versions: {message.version}, torch {message.torch}")
        self.dismiss()
        self._bridge, self._heard_at = message.bridge, time.monotonic()
        return AgentReply(facts=self.facts(), beat=self._next_beat())

    async def news(self, bridge: str, beat: int, taken: int) -> dict[str, Any]:
        """Return the messages after number `taken`, as soon as there are some; each call renews the lease.

        Returns:
            "refused", or "beat" (the number of this answer), "news" (number, message and bytes of each), and "facts"
            of this machine from time to time.
        """
        if not self._fresh(bridge, beat):
            return {"refused": "stale"}
        self.host.renew()
        while self._outbox and self._outbox[0][0] <= taken:
            self._outbox.popleft()
        if not self._outbox:
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), HOLD_SECONDS)
        if bridge != self._bridge:  # another was greeted meanwhile
            return {"refused": "stale"}
        answer: dict[str, Any] = {"news": list(self._outbox)}
        if time.monotonic() - self._facts_at >= FACTS_SECONDS:
            self._facts_at = time.monotonic()
            answer["facts"] = self.facts().model_dump_json()
        return answer | {"beat": self._next_beat()}

    def _fresh(self, bridge: str, beat: int) -> bool:
        """Return whether the bridge has heard from this machine within the lease, and note that it has."""
        sent_at = self._beats.get(beat)
        if bridge != self._bridge or sent_at is None or time.monotonic() - sent_at > LEASE_SECONDS:
            return False
        self._heard_at = max(self._heard_at, sent_at)
        return True

    def _next_beat(self) -> int:
        self._beat += 1
        self._beats[self._beat] = time.monotonic()
        self._beats.pop(self._beat - KEPT_BEATS, None)
        return self._beat

    # called in the thread of the host

    def _add_soon(self, message: Message, data: bytes) -> None:
        self.loop.call_soon_threadsafe(self._add, message, data)

    def _warmed_soon(self, facts: dict[str, float]) -> None:
        self.loop.call_soon_threadsafe(self._warmed, facts)

    def _add(self, message: Message, data: bytes) -> None:
        self._numbered += 1
        self._outbox.append((self._numbered, encode(message), data))
        self._more.set()

    def _warmed(self, facts: dict[str, float]) -> None:
        self._speed, self._facts_at = facts, -FACTS_SECONDS
        self.warm.set()


class _Worker(WithoutWebServer, Worker):
    """The worker of Dask without its web server."""


async def _connect(agent: Agent, address: str, secure: Security, name: str, folder: Path) -> None:
    """Serve the bridge over the scheduler at `address` until the connection ends.

    It begins when torch is loaded, so that a run that is placed here starts at once.
    """
    await agent.warm.wait()
    worker = _Worker(
        address,
        security=secure,
        name=f"{name}-{os.getpid()}",
        nthreads=1,
        memory_limit=0,
        local_directory=str(folder),
        dashboard=False,
        extensions={},
        metrics={},
        death_timeout=10,
        blocked_handlers=EXECUTING,
    )
    worker.handlers |= {TELL: agent.tell, NEWS: agent.news}
    worker.stream_handlers.pop("compute-task", None)
    async with worker:
        print(f"{name} is connected to {address}", flush=True)
        await worker.finished()  # type: ignore[no-untyped-call]


async def _serve(agent: Agent, address: str, secure: Security, name: str, folder: Path) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            agent.loop.add_signal_handler(number, told.set)
    ending = asyncio.create_task(told.wait())
    said = False
    while not told.is_set():
        connection = asyncio.create_task(_connect(agent, address, secure, name, folder))
        await asyncio.wait({connection, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not connection.done():
            connection.cancel()
        try:
            await connection
            print(f"{name} has lost the connection to {address}; it goes on trying", file=sys.stderr, flush=True)
            said = True
        except asyncio.CancelledError:
            pass
        except Exception as error:  # refused certificates, no scheduler, and whatever else Dask meets
            if not said:
                print(
                    f"{name} cannot reach {address}: {_reason(error)}; it goes on trying", file=sys.stderr, flush=True
                )
            said = True
        agent.dismiss()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), RETRY_SECONDS)
    agent.host.close()


def _reason(error: Exception) -> str:
    cause = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    return f"{type(cause).__name__}: {cause}"[:300]


def serve(
    address: str,
    certificates: Path,
    name: str,
    cores: int,
    folder: Path,
    make_executor: ExecutorFactory,
    devices: list[str],
) -> None:
    """Lend this machine to the cluster at `address` until a signal ends the process.

    Raises:
        RunError: the certificates cannot be used.
    """
    configure()
    secure = security(certificates, "agent")
    versions = (__version__, torch_version())

    async def run() -> None:
        agent = Agent(name, cores, folder, make_executor, versions, devices)
        await _serve(agent, address, secure, name, folder)

    asyncio.run(run())


def torch_version() -> str:
    """Return the version of torch, without loading it."""
    from importlib.metadata import version

    return version("torch").partition("+")[0]


def _free_memory_mb() -> float:
    with contextlib.suppress(OSError, StopIteration, ValueError), open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("MemAvailable:"))
    return 0.0
