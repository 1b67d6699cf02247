"""Cost of a viewer for the server: CPU time of the web process per refresh of a live run.

    python -m benchmarks.viewers [--viewers 1 8 40] [--seconds 20] [--recipe A2]

Starts a server with a temporary home, trains a recipe there, and lets viewers (raw web sockets, no browsers) request
the live parts of the Train page as often as the page does. CPU time is that of the web process, from ``/proc``, minus
its CPU time without viewers. Training runs in another process, with a lower priority.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from benchmarks.server import App
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client

OPENING = 60.0
"""Time limit in seconds for opening the page by all viewers at once."""


@dataclass
class Viewer:
    """A browser tab without a browser."""

    url: str
    query: str
    round_trips: list[float] = field(default_factory=list)
    received: int = 0
    refreshes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    async def watch(self, seconds: float, barrier: asyncio.Barrier) -> None:
        """Open the page, then refresh its live parts until `seconds` are over."""
        async with connect(self.url, max_size=None, subprotocols=["streamlit"]) as ws:  # type: ignore[list-item]
            first = BackMsg()
            first.rerun_script.query_string = self.query
            first.rerun_script.page_name = "train"
            await ws.send(first.SerializeToString())
            timers: dict[str, float] = {}
            async with asyncio.timeout(OPENING):  # the page may rerun before it is complete
                while not timers:
                    timers = await self.until_finished(ws)
            await barrier.wait()
            self.received = self.refreshes = 0
            self.round_trips.clear()
            end = time.monotonic() + seconds
            due = {name: time.monotonic() + interval for name, interval in timers.items()}
            while time.monotonic() < end:
                name = min(due, key=lambda fragment: due[fragment])
                await asyncio.sleep(max(0.0, due[name] - time.monotonic()))
                due[name] = max(due[name] + timers[name], time.monotonic())
                request = BackMsg()
                request.rerun_script.query_string = self.query
                request.rerun_script.fragment_id = name
                request.rerun_script.is_auto_rerun = True
                started = time.monotonic()
                await ws.send(request.SerializeToString())
                await self.until_finished(ws)
                self.round_trips.append(time.monotonic() - started)
                self.refreshes += 1
            await barrier.wait()

    async def until_finished(self, ws: object) -> dict[str, float]:
        """Receive messages until the script has finished; return the intervals of the page's fragments by id."""
        timers: dict[str, float] = {}
        while True:
            data = await ws.recv()  # type: ignore[attr-defined]
            self.received += len(data)
            message = ForwardMsg()
            message.ParseFromString(data)
            kind = message.WhichOneof("type") or ""
            self.kinds[kind] += 1
            if kind == "auto_rerun":
                timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(message.delta.new_element.exception.message)
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return timers


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def measure(port: int, pid: int, run_id: str, viewers: int, seconds: float, idle: float) -> str:
    """Let `viewers` watch for `seconds` and return a row of the table."""
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    crowd = [Viewer(url, f"run={run_id}&lang=zh") for _ in range(viewers)]
    barrier = asyncio.Barrier(viewers + 1)
    async with asyncio.TaskGroup() as group:  # a viewer that fails ends all of them
        for viewer in crowd:
            group.create_task(viewer.watch(seconds, barrier))
        await barrier.wait()
        before, started = cpu_seconds(pid), time.monotonic()
        await barrier.wait()
        used = cpu_seconds(pid) - before - idle * (time.monotonic() - started)
    refreshes = sum(viewer.refreshes for viewer in crowd)
    trips = sorted(trip for viewer in crowd for trip in viewer.round_trips)
    return (
        f"{viewers:8d} {refreshes:10d} {1000 * used / refreshes:12.1f} {100 * used / seconds:9.1f}"
        f" {1000 * statistics.median(trips):9.0f} {1000 * trips[int(len(trips) * 0.95)]:9.0f}"
        f" {sum(viewer.received for viewer in crowd) / refreshes / 1000:9.1f} {memory_mb(pid):8.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 8, 40])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--recipe", default="A2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rnnlab-viewers-") as home:
        app = App(Path(home))
        try:
            with Client(Path(home)) as client:
                # long enough for the whole table, with a history of 60 epochs at the start
                config = recipe(options.recipe).config.change(num_epochs=10_000, pred_period=50)
                run_id = client.create(config, name=options.recipe)
                for event in client.follow(run_id):
                    if event.kind == "epoch_finished" and event.epoch >= 60:
                        break
                before = cpu_seconds(app.process.pid)
                time.sleep(3)
                idle = (cpu_seconds(app.process.pid) - before) / 3
                print(f"{options.recipe}, live; {100 * idle:.1f} % CPU without viewers")
                print(" viewers  refreshes  CPU ms each     CPU %   median ms   p95 ms   kB each   MB RSS")
                for viewers in options.viewers:
                    print(
                        asyncio.run(measure(app.port, app.process.pid, run_id, viewers, options.seconds, idle)),
                        flush=True,
                    )
                print(f"epochs by then: {client.store.run(run_id).epoch}")
                client.stop(run_id)
        finally:
            app.stop()


if __name__ == "__main__":
    main()
