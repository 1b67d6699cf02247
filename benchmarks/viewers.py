"""What a viewer costs the server: CPU of the web process for each refresh of a live run.

    python -m benchmarks.viewers [--viewers 1 8 40] [--seconds 20] [--recipe A2]

Starts a server on a home of its own, trains a recipe there, and lets raw viewers (web sockets, no browsers) ask for
the live parts of the Train page as often as the page itself does. CPU is the web process's own, from ``/proc``; what
it spends while nobody looks is taken off. Training runs in another process, at a lower priority.
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
"""Seconds that a page may take to open, all viewers coming at once."""


@dataclass
class Viewer:
    """One browser tab, without the browser."""

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
            async with asyncio.timeout(OPENING):  # a page may run again before it settles
                while not timers:
                    timers = await self.until_finished(ws)
            await barrier.wait()
            self.received = self.refreshes = 0
            self.round_trips.clear()
            end = time.monotonic() + seconds
            due = {name: time.monotonic() + interval for name, interval in timers.items()}
            while time.monotonic() < end:
                name = min(due, key=lambda one: due[one])
                await asyncio.sleep(max(0.0, due[name] - time.monotonic()))
                due[name] = max(due[name] + timers[name], time.monotonic())
                ask = BackMsg()
                ask.rerun_script.query_string = self.query
                ask.rerun_script.fragment_id = name
                ask.rerun_script.is_auto_rerun = True
                begun = time.monotonic()
                await ws.send(ask.SerializeToString())
                await self.until_finished(ws)
                self.round_trips.append(time.monotonic() - begun)
                self.refreshes += 1
            await barrier.wait()

    async def until_finished(self, ws: object) -> dict[str, float]:
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
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def measure(port: int, pid: int, run_id: str, viewers: int, seconds: float, idle: float) -> str:
    """Let `viewers` look for `seconds` and return one line of the table."""
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    crowd = [Viewer(url, f"run={run_id}&lang=zh") for _ in range(viewers)]
    barrier = asyncio.Barrier(viewers + 1)
    async with asyncio.TaskGroup() as group:  # one viewer that fails ends them all
        for one in crowd:
            group.create_task(one.watch(seconds, barrier))
        await barrier.wait()
        before, begun = cpu_seconds(pid), time.monotonic()
        await barrier.wait()
        used = cpu_seconds(pid) - before - idle * (time.monotonic() - begun)
    refreshes = sum(one.refreshes for one in crowd)
    trips = sorted(trip for one in crowd for trip in one.round_trips)
    return (
        f"{viewers:8d} {refreshes:10d} {1000 * used / refreshes:12.1f} {100 * used / seconds:9.1f}"
        f" {1000 * statistics.median(trips):9.0f} {1000 * trips[int(len(trips) * 0.95)]:9.0f}"
        f" {sum(one.received for one in crowd) / refreshes / 1000:9.1f} {memory_mb(pid):8.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 8, 40])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--recipe", default="A2")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rnnlab-viewers-") as home:
        app = App(Path(home))
        try:
            with Client(Path(home)) as client:
                # long enough for the whole table, and with the history of a whole run from the start
                config = recipe(asked.recipe).config.change(num_epochs=10_000, pred_period=50)
                run_id = client.create(config, name=asked.recipe)
                for event in client.follow(run_id):
                    if event.kind == "epoch_finished" and event.epoch >= 60:
                        break
                before = cpu_seconds(app.process.pid)
                time.sleep(3)
                idle = (cpu_seconds(app.process.pid) - before) / 3
                print(f"{asked.recipe}, live; {100 * idle:.1f} % CPU while nobody looks")
                print(" viewers  refreshes  CPU ms each     CPU %   median ms   p95 ms   kB each   MB RSS")
                for viewers in asked.viewers:
                    print(
                        asyncio.run(measure(app.port, app.process.pid, run_id, viewers, asked.seconds, idle)),
                        flush=True,
                    )
                print(f"epochs by then: {client.store.run(run_id).epoch}")
                client.stop(run_id)
        finally:
            app.stop()


if __name__ == "__main__":
    main()
