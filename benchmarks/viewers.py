"""Cost of viewers for the server: CPU time of the web process, and how late a point arrives.

    python -m benchmarks.viewers [--viewers 1 40 100] [--listeners 1000] [--seconds 20] [--recipe A2] [--period 50]

Starts a server with a temporary home, trains a recipe there, and lets viewers watch it: each opens the Train page by a
raw web socket, reads the run's events as the chart does, and reruns the live part of the page when an event asks for
it. A listener only reads the events. CPU time is that of the web process, from ``/proc``, minus its CPU time without
viewers; a point is late by the seconds between its transaction in the store and its arrival. Training runs in another
process, with a lower priority.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.server import App
from rnnlab.environment import Environment
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client
from rnnlab.view.page.visitor import COOKIE, Keys

Rerun = Callable[[], Coroutine[Any, Any, None]]

OPENING = 60.0
"""Time limit in seconds for opening the page by a viewer."""
READING = 1.0
"""Seconds between two reruns that a browser asks for because of new texts."""


@dataclass
class Viewer:
    """A browser tab without a browser.

    Attributes:
        port: the port of the server.
        run_id: the run.
        page: whether to open the page too, or only to listen.
        cookie: the identity of the visitor, each another one, as connections of one visitor are limited.
        received: bytes of all events.
        points: number of points.
        arrivals: time at which the point of each epoch arrived.
        reruns: seconds that each rerun of the live part of the page took.
    """

    port: int
    run_id: str
    page: bool
    cookie: str
    received: int = 0
    points: int = 0
    arrivals: dict[int, float] = field(default_factory=dict)
    reruns: list[float] = field(default_factory=list)

    async def watch(self, ready: asyncio.Barrier, end: asyncio.Event) -> None:
        """Watch the run from when all are `ready` until the `end`."""
        if not self.page:
            await self._listen(None, ready, end)
            return
        url = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        async with connect(url, max_size=None, subprotocols=["streamlit"]) as ws:  # type: ignore[list-item]
            first = BackMsg()
            first.rerun_script.query_string = f"run={self.run_id}&lang=zh"
            first.rerun_script.page_name = "train"
            await ws.send(first.SerializeToString())
            fragment = ""
            async with asyncio.timeout(OPENING):  # the page may rerun before it is complete
                while not fragment:
                    fragment = await until_finished(ws)
            await self._listen(lambda: self._rerun(ws, fragment), ready, end)

    async def _listen(
        self, rerun: Callable[[], Coroutine[Any, Any, None]] | None, ready: asyncio.Barrier, end: asyncio.Event
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        path = f"/lab/live/{self.run_id}?lang=zh&after=0"
        cookie = f"{COOKIE}={self.cookie}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await ready.wait()
        closing = asyncio.create_task(self._close(writer, end))
        asked, phase, kind, spread, due = 0.0, "", "", 0.0, 0.0
        task: asyncio.Task[None] | None = None
        async for line in reader:
            self.received += len(line)
            if line.startswith(b"event: "):
                kind = line[7:].decode().strip()
            elif line.startswith(b"data: ") and kind == "point":
                self.points += 1
                now = time.monotonic()
                for epoch in json.loads(line[6:])["add"].get("curve", {"epoch": []})["epoch"]:
                    self.arrivals[int(epoch)] = now
            elif line.startswith(b"data: ") and kind == "page":
                phase = line.decode()
                due = due or max(time.monotonic(), asked + READING) + random.random() * spread
            elif line.startswith(b"data: ") and kind == "spread":
                spread = float(line[6:])
            if phase and rerun is not None and time.monotonic() >= due and (task is None or task.done()):
                asked, phase, due = time.monotonic(), "", 0.0
                task = asyncio.create_task(rerun())
        if task is not None:
            await task
        await closing

    async def _close(self, writer: asyncio.StreamWriter, end: asyncio.Event) -> None:
        await end.wait()
        writer.close()

    async def _rerun(self, ws: ClientConnection, fragment: str) -> None:
        request = BackMsg()
        request.rerun_script.query_string = f"run={self.run_id}&lang=zh"
        request.rerun_script.fragment_id = fragment
        started = time.monotonic()
        await ws.send(request.SerializeToString())
        await until_finished(ws)
        self.reruns.append(time.monotonic() - started)


async def until_finished(ws: ClientConnection) -> str:
    """Receive messages until the script has finished; return the id of the fragment with the chart."""
    fragment = ""
    while True:
        message = ForwardMsg()
        message.ParseFromString(await ws.recv())  # type: ignore[arg-type]
        kind = message.WhichOneof("type")
        if kind == "delta":
            element = message.delta.new_element
            if element.WhichOneof("type") == "exception":
                raise RuntimeError(element.exception.message)
            if element.WhichOneof("type") == "bidi_component" and message.delta.fragment_id:
                fragment = message.delta.fragment_id
        if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return fragment


async def watch(port: int, keys: Keys, run_id: str, viewers: int, seconds: float) -> list[Viewer]:
    """Let viewers watch a run for some seconds, counted from when all have opened it; return them."""
    crowd = [Viewer(port, run_id, True, keys.issue()) for _ in range(viewers)]
    ready, end = asyncio.Barrier(viewers + 1), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for viewer in crowd:
            group.create_task(viewer.watch(ready, end))
        await ready.wait()
        await asyncio.sleep(seconds)
        end.set()
    return crowd


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def threads(pid: int) -> int:
    """Return the number of threads of a process."""
    return len(os.listdir(f"/proc/{pid}/task"))


@contextmanager
def stored(home: Path, run_id: str) -> Iterator[dict[int, float]]:
    """Record the time at which each epoch of a run is in the store, by another connection to the supervisor."""
    times: dict[int, float] = {}
    stop = threading.Event()

    def follow() -> None:
        with Client(home) as client:
            version = -1
            while not stop.is_set():
                version = client.wait(run_id, version, timeout=0.5)
                times.setdefault(client.store.run(run_id).epoch, time.monotonic())

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield times
    finally:
        stop.set()
        thread.join()


async def measure(app: App, home: Path, run_id: str, count: int, page: bool, seconds: float, idle: float) -> str:
    """Let `count` viewers watch for `seconds` and return a row of the table."""
    pid = app.process.pid
    keys = Keys(Environment(home))
    crowd = [Viewer(app.port, run_id, page, keys.issue()) for _ in range(count)]
    ready, end = asyncio.Barrier(count + 1), asyncio.Event()
    async with asyncio.TaskGroup() as group:  # a viewer that fails ends all of them
        for viewer in crowd:
            group.create_task(viewer.watch(ready, end))
        await ready.wait()
        await asyncio.sleep(1.0)  # what they lacked has been sent
        for viewer in crowd:
            viewer.received = viewer.points = 0
            viewer.arrivals.clear()
            viewer.reruns.clear()
        with stored(home, run_id) as times:
            before, started = cpu_seconds(pid), time.monotonic()
            await asyncio.sleep(seconds)
            elapsed = time.monotonic() - started
            used = cpu_seconds(pid) - before - idle * elapsed
        end.set()
    late = sorted(
        max(0.0, arrived - times[epoch])
        for viewer in crowd
        for epoch, arrived in viewer.arrivals.items()
        if epoch in times
    )
    points = sum(viewer.points for viewer in crowd)
    reruns = [seconds for viewer in crowd for seconds in viewer.reruns]
    return (
        f"{count:8d} {'page' if page else 'events':>7s} {points:8d} {100 * used / elapsed:8.1f}"
        f" {1000 * statistics.median(late):9.0f} {1000 * late[int(len(late) * 0.95)]:7.0f}"
        f" {sum(viewer.received for viewer in crowd) / points:8.0f} {len(reruns):8d}"
        f" {1000 * statistics.median(reruns) if reruns else 0:8.0f} {memory_mb(pid):7.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, nargs="*", default=[1, 40, 100])
    parser.add_argument("--listeners", type=int, nargs="*", default=[1000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--recipe", default="A2")
    parser.add_argument("--period", type=int, default=50, help="epochs between two texts")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is a file, here and in the server
    with tempfile.TemporaryDirectory(prefix="rnnlab-viewers-") as folder:
        home = Path(folder)
        app = App(home)
        try:
            with Client(home) as client:
                # long enough for the whole table, with a history of 60 epochs at the start
                config = recipe(options.recipe).config.change(num_epochs=10_000, pred_period=options.period)
                run_id = client.create(config, name=options.recipe)
                for event in client.follow(run_id):
                    if event.kind == "epoch_finished" and event.epoch >= 60:
                        break
                before = cpu_seconds(app.process.pid)
                time.sleep(3)
                idle = (cpu_seconds(app.process.pid) - before) / 3
                print(f"{options.recipe}, live; {100 * idle:.1f} % CPU without viewers")
                print(" viewers    what   points    CPU %  late ms  p95 ms  B/point   reruns ms each  MB RSS")
                for count in options.viewers:
                    print(asyncio.run(measure(app, home, run_id, count, True, options.seconds, idle)), flush=True)
                for count in options.listeners:
                    print(asyncio.run(measure(app, home, run_id, count, False, options.seconds, idle)), flush=True)
        finally:
            app.stop()


if __name__ == "__main__":
    main()
