"""The bridge: the process beside the supervisor that speaks to the machines of a cluster (Dask).

``python -m rnnlab.cluster.bridge FD ADDRESS CERTIFICATES``, started by `rnnlab.runs.cluster` with one end of a socket.
It places each job on a machine, passes on what supervisor and worker say to each other, and writes the checkpoints
that arrive into the home, each before the event that names it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from distributed.core import rpc

from rnnlab import __version__, private
from rnnlab.cluster import HOLD_SECONDS, LEASE_SECONDS, LOST_SECONDS, WORKER_SECONDS
from rnnlab.cluster.agent import torch_version
from rnnlab.cluster.blobs import detached
from rnnlab.cluster.connections import NEWS, TELL, configure, mistrusted, security
from rnnlab.cluster.placement import Room, choose
from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.events import RunFailed
from rnnlab.runs.process import leave_endings_to_the_supervisor, log_to_stderr
from rnnlab.runs.protocol import (
    AGENT_TO_BRIDGE,
    SUPERVISOR_TO_BRIDGE,
    SUPERVISOR_TO_WORKER,
    AgentReply,
    AnswerFailure,
    AnswerOrder,
    Begin,
    ClusterState,
    ErrorData,
    EventReport,
    Exited,
    FileSaved,
    Greet,
    Hang,
    HostFacts,
    HostState,
    Kill,
    Leave,
    Lines,
    Message,
    Placed,
    Relay,
    TrainOrder,
    Vanished,
    encode,
)
from rnnlab.runs.store import PARTIAL

LOOK_SECONDS = 0.25  # between two looks for agents that came or left
UNREACHABLE_SECONDS = 2.0  # silence of the scheduler after which the machines are given up
RETRY_SECONDS = 0.1  # between two tries to reach an agent
BUSY_SECONDS = 1.0  # between two greetings of a machine that is refused or works for another app
CALL_SECONDS = 60.0  # longest call of an agent, with the blobs of an order
LEAVE_SECONDS = 0.5  # for telling the machines that the bridge ends
_KILLED = -9

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Machine:
    """An agent, as far as the bridge knows it."""

    address: str
    facts: HostFacts | None = None  # None: it has not answered yet
    refused: str = ""
    beat: int = 0  # the number of its last answer
    taken: int = 0  # the number of the last message that was taken from it
    heard_at: float = 0.0  # when its last answer arrived
    jobs: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)  # blobs that it has
    task: asyncio.Task[None] | None = None  # follows it

    @property
    def accepted(self) -> bool:
        """Whether it takes jobs."""
        return self.facts is not None and not self.refused and self.beat > 0


@dataclass(eq=False)
class _Work:
    """A job: its order, and what is to be passed on to its worker."""

    order: TrainOrder | AnswerOrder | None = None  # None: it has not arrived yet
    outgoing: asyncio.Queue[Relay | Hang | Kill] = field(default_factory=asyncio.Queue)
    machine: _Machine | None = None
    task: asyncio.Task[None] | None = None

    @property
    def run(self) -> str:
        """The run that it trains; "" for a question."""
        return self.order.run if isinstance(self.order, TrainOrder) else ""

    @property
    def device(self) -> str:
        """The device that its run started on, or asks for."""
        assert self.order is not None
        return self.order.device or TrainConfig.from_json(self.order.config).device


class Bridge:
    """Passes on the messages between the supervisor and the agents.

    Args:
        connection: socket to the supervisor; when it closes, the process ends.
        scheduler: the scheduler of the cluster.
        mistrusts: whether certificates are the reason why the scheduler does not answer.
        versions: version of RNN Lab and of torch.
    """

    def __init__(
        self,
        connection: socket.socket,
        scheduler: Any,
        mistrusts: Callable[[], Awaitable[bool]],
        versions: tuple[str, str],
    ) -> None:
        self._connection, self._scheduler, self._mistrusts, self._versions = connection, scheduler, mistrusts, versions
        self._mistrusted = False
        self._name = secrets.token_hex(8)
        self._machines: dict[str, _Machine] = {}
        self._following: set[asyncio.Task[None]] = set()
        self._addresses: frozenset[str] = frozenset()
        self._reached_at = time.monotonic()  # when the scheduler last answered
        self._jobs: dict[str, _Work] = {}
        self._fences: dict[str, float] = {}  # for each run of a lost machine, the time before which it may not start
        self._changed = asyncio.Condition()  # machines came or left, or jobs ended
        self._told: ClusterState | None = None

    async def run(self) -> NoReturn:
        """Serve until the supervisor is gone."""
        self._connection.setblocking(True)
        reader, self._writer = await asyncio.open_connection(sock=self._connection, limit=1 << 20)
        watching = asyncio.create_task(self._watch())
        lines = Lines()
        with contextlib.suppress(OSError):  # the supervisor was killed
            while data := await reader.read(1 << 18):
                for line in lines.feed(data):
                    self._receive(SUPERVISOR_TO_BRIDGE.decode(line))
        watching.cancel()
        accepted = [machine for machine in self._machines.values() if machine.accepted]
        with contextlib.suppress(TimeoutError):
            leaving = [self._tell(machine, Leave()) for machine in accepted]
            await asyncio.wait_for(asyncio.gather(*leaving, return_exceptions=True), LEAVE_SECONDS)
        os._exit(0)

    def _say(self, message: Message) -> None:
        self._writer.write(encode(message))

    # from the supervisor

    def _receive(self, message: Relay | Hang | Kill) -> None:
        work = self._jobs.get(message.job)
        if work is None:
            if not isinstance(message, Relay):  # it has ended
                return
            work = self._jobs[message.job] = _Work()
            first, _, rest = message.lines.partition("\n")
            order = SUPERVISOR_TO_WORKER.decode(first.encode())
            if not isinstance(order, TrainOrder | AnswerOrder):
                raise ValueError("the first message to a worker must be its order")
            work.order = order
            if rest:
                work.outgoing.put_nowait(Relay(job=message.job, lines=rest))
            work.task = asyncio.create_task(self._drive(message.job, work))
        elif work.machine is None and not isinstance(message, Relay):  # it still waits for a machine
            assert work.task is not None
            work.task.cancel()
            self._forget(message.job)
            self._say(Exited(job=message.job, status=_KILLED))
        else:
            work.outgoing.put_nowait(message)

    async def _drive(self, job: str, work: _Work) -> None:
        """Place a job, and pass on the messages to its worker in their order."""
        assert work.order is not None
        try:
            order, blobs = await asyncio.to_thread(detached, work.order)
        except OSError as error:
            self._fail(job, work, Path(str(error.filename)).name)
            return
        if isinstance(order, TrainOrder):
            order = order.model_copy(update={"folder": ""})  # the machine has its own
        machine = work.machine = await self._place(job, work)
        try:
            await self._begin(machine, Begin(job=job, order=order), blobs)
            self._say(Placed(job=job, host=_name(machine)))
            self._tell_state()
            while True:
                await self._tell(machine, await work.outgoing.get())
        except OSError as error:
            # what arrived is not known, so that all its workers are ended: the next greeting does that
            log.warning("%s", f"{_name(machine)} cannot be told something: {error}")
            machine.beat = 0
            self._lose_jobs(machine)

    async def _begin(self, machine: _Machine, begin: Begin, blobs: Mapping[str, bytes]) -> None:
        """Let a machine start a job, with the blobs that it lacks.

        Raises:
            OSError: it cannot be reached, or refuses.
        """
        lacking = [name for name in blobs if name not in machine.known]
        for _ in range(2):
            reply = await self._tell(machine, begin, {name: blobs[name] for name in lacking})
            lacking = [name for name in reply.missing if name in blobs]
            if not lacking:
                break
        if reply.refused or reply.missing:
            raise OSError(reply.refused or "blobs are missing")
        machine.known |= set(blobs)

    async def _place(self, job: str, work: _Work) -> _Machine:
        """Return the machine for a job, as soon as one has room."""
        async with self._changed:
            while True:
                wait = self._fences.get(work.run, 0.0) - time.monotonic() if work.run else 0.0
                if wait <= 0.0:
                    self._fences.pop(work.run, None)
                    rooms = {self._room(machine): machine for machine in self._machines.values() if machine.accepted}
                    chosen = choose(rooms, work.run != "", work.device)
                    if chosen is not None:
                        rooms[chosen].jobs.add(job)
                        return rooms[chosen]
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait if wait > 0 else None)

    def _room(self, machine: _Machine) -> Room:
        assert machine.facts is not None
        training = sum(self._jobs[job].run != "" for job in machine.jobs if job in self._jobs)
        return Room(machine.facts, training, len(machine.jobs) - training)

    def _fail(self, job: str, work: _Work, name: str) -> None:
        """End a job whose checkpoint cannot be read here."""
        message = f"The checkpoint {name} is missing or damaged; the run can only be started again from the beginning."
        error = RunError("checkpoint_unreadable", message, name=name)
        report: Message = AnswerFailure(error=ErrorData.of(error))
        if isinstance(work.order, TrainOrder):
            report = EventReport(event=RunFailed(code=error.code, message=message, params=error.params))
        self._say(Relay(job=job, lines=encode(report).decode()))
        self._say(Exited(job=job, status=1))
        self._forget(job)

    def _forget(self, job: str) -> None:
        work = self._jobs.pop(job, None)
        if work is not None and work.machine is not None:
            work.machine.jobs.discard(job)
        self._wake()

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.create_task(notify())
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    # the machines

    async def _watch(self) -> NoReturn:
        """Look for agents that came or left."""
        while True:
            try:
                identity = await asyncio.wait_for(self._scheduler.identity(n_workers=-1), UNREACHABLE_SECONDS)
                self._addresses = frozenset(identity["workers"])
                self._reached_at = time.monotonic()
                self._mistrusted = False
            except (OSError, TimeoutError):
                if self._unreachable:
                    self._addresses = frozenset()
                    self._mistrusted = await self._mistrusts()
            for address in self._addresses - self._machines.keys():
                machine = self._machines[address] = _Machine(address)
                machine.task = asyncio.create_task(self._follow(machine))
            for machine in [self._machines[address] for address in self._machines.keys() - self._addresses]:
                self._lose(machine)
            self._tell_state()
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def _unreachable(self) -> bool:
        return time.monotonic() - self._reached_at > UNREACHABLE_SECONDS

    async def _follow(self, machine: _Machine) -> None:
        """Greet an agent, and take its news until it is gone."""
        machine.heard_at = time.monotonic()
        while time.monotonic() - machine.heard_at <= LOST_SECONDS:
            try:
                if machine.beat == 0 or machine.refused:
                    await self._greet(machine)
                else:
                    await self._take_news(machine)
            except (OSError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)
        self._lose(machine)

    async def _greet(self, machine: _Machine) -> None:
        version, torch = self._versions
        reply = await self._tell(machine, Greet(bridge=self._name, version=version, torch=torch))
        machine.heard_at = time.monotonic()
        if reply.facts is not None:
            machine.facts = reply.facts
            machine.refused = reply.refused or self._difference(reply.facts)
        if machine.refused:
            await asyncio.sleep(BUSY_SECONDS)
        else:
            machine.beat, machine.taken = reply.beat, 0
            self._wake()

    def _difference(self, facts: HostFacts) -> str:
        """Return the versions of a machine and of the app if they differ, otherwise ""."""
        own = f"RNN Lab {self._versions[0]}, torch {self._versions[1]}"
        other = f"RNN Lab {facts.version}, torch {facts.torch}"
        return "" if own == other else f"{other}; {own}"

    async def _take_news(self, machine: _Machine) -> None:
        answer = await self._call(
            machine,
            HOLD_SECONDS + LOST_SECONDS,
            op=NEWS,
            bridge=self._name,
            beat=machine.beat,
            taken=machine.taken,
        )
        if "refused" in answer:
            # it has forgotten this bridge, or was silent beyond its lease: its workers have ended, or are about to
            self._lose_jobs(machine)
            machine.beat = 0
            return
        for number, line, data in answer["news"]:
            if number > machine.taken:
                await self._take(AGENT_TO_BRIDGE.decode(bytes(line)), data)
                machine.taken = number
        machine.beat, machine.heard_at = answer["beat"], time.monotonic()
        if "facts" in answer:
            machine.facts = HostFacts.model_validate_json(answer["facts"])
            self._wake()

    async def _take(self, message: Message, data: bytes) -> None:
        """Pass on a message of a worker, or keep a checkpoint of it."""
        match message:
            case Relay(job=job) if job in self._jobs:
                self._say(message)
                await self._writer.drain()
            case FileSaved(job=job, name=name) if job in self._jobs:
                work = self._jobs[job]
                assert isinstance(work.order, TrainOrder)
                try:
                    await asyncio.to_thread(_write, Path(work.order.folder), name, bytes(data))
                except OSError:
                    full = RunFailed(
                        code="disk_full", message="The disk is full: free some space, then continue the run."
                    )
                    self._say(Relay(job=job, lines=encode(EventReport(event=full)).decode()))
                    work.outgoing.put_nowait(Kill(job=job))
            case Exited(job=job) if job in self._jobs:
                work = self._jobs[job]
                self._forget(job)
                if work.task is not None:
                    work.task.cancel()
                self._say(message)
                self._tell_state()
            case _:
                pass

    def _lose(self, machine: _Machine) -> None:
        """Give a machine up; an agent that is only silent is met again."""
        self._machines.pop(machine.address, None)
        if machine.task is not None:
            machine.task.cancel()
        self._lose_jobs(machine)
        self._tell_state()

    def _lose_jobs(self, machine: _Machine) -> None:
        jobs = sorted(job for job in machine.jobs if job in self._jobs)
        for job in jobs:
            work = self._jobs[job]
            self._fence(work, machine)
            if work.task is not None:
                work.task.cancel()
            self._forget(job)
        machine.jobs.clear()
        if jobs:
            self._say(Vanished(host=_name(machine), jobs=jobs))

    def _fence(self, work: _Work, machine: _Machine) -> None:
        """Note when the worker of a lost job has ended for certain."""
        if work.run:
            self._fences[work.run] = machine.heard_at + LEASE_SECONDS + WORKER_SECONDS + 1.0

    async def _tell(self, machine: _Machine, message: Message, blobs: Mapping[str, bytes] | None = None) -> AgentReply:
        line = await self._call(
            machine,
            CALL_SECONDS if blobs else LOST_SECONDS,
            op=TELL,
            bridge=self._name,
            beat=machine.beat,
            message=encode(message).decode(),
            blobs=dict(blobs or {}),
        )
        reply = AGENT_TO_BRIDGE.decode(bytes(line))
        if not isinstance(reply, AgentReply):
            raise OSError("an agent answered with something else")
        return reply

    async def _call(self, machine: _Machine, seconds: float, **message: Any) -> Any:
        """Call an agent over the scheduler.

        Raises:
            OSError: it cannot be reached, or does not know the call.
            TimeoutError: it did not answer.
        """
        try:
            return await asyncio.wait_for(self._scheduler.proxy(msg=message, worker=machine.address), seconds)
        except (OSError, TimeoutError):
            raise
        except Exception as error:  # what the handler of an agent raised, as the scheduler passes it on
            raise OSError(f"{type(error).__name__}: {error}"[:300]) from error

    def _tell_state(self) -> None:
        """Tell the supervisor which machines there are, if that has changed."""
        hosts = [
            HostState(
                facts=machine.facts,
                runs=sorted(self._jobs[job].run for job in machine.jobs if job in self._jobs and self._jobs[job].run),
                refused=machine.refused,
            )
            for machine in sorted(self._machines.values(), key=_name)
            if machine.facts is not None
        ]
        state = ClusterState(connected=not self._unreachable, hosts=hosts, mistrusted=self._mistrusted)
        if state != self._told:
            self._told = state
            self._say(state)


def _name(machine: _Machine) -> str:
    return machine.facts.name if machine.facts is not None else machine.address


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a checkpoint atomically, even if the power fails."""
    private.make_folder(folder)
    temporary = folder / f"{name}.{os.getpid()}{PARTIAL}"
    try:
        with open(temporary, "wb", opener=private.opener) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def main(descriptor: int, address: str, certificates: str) -> NoReturn:
    """Serve the supervisor at the other end of a socket."""
    log_to_stderr()
    leave_endings_to_the_supervisor()
    os.umask(private.UMASK)
    configure()
    connection = socket.socket(fileno=descriptor)
    secure = security(Path(certificates), "app")

    async def serve() -> None:
        arguments = secure.get_connection_args("client")  # type: ignore[no-untyped-call]
        scheduler = rpc(address, connection_args=arguments)  # type: ignore[no-untyped-call]
        mistrusts = partial(mistrusted, address, secure)
        await Bridge(connection, scheduler, mistrusts, (__version__, torch_version())).run()

    asyncio.run(serve())
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
