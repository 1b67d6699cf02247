"""Memory and answers of the app on a small host: one core, with the settings of deploy/community-cloud.toml.

    python -m benchmarks.small_host [--seconds 60] [--viewers 10]

Starts the app on one core, opens every page, trains A2 and then A9 while viewers watch, and asks their networks
something on Inspect. Prints the memory of all its processes together (proportional set size), at most, in each part.
To see that 1 GB is enough, start it in a group of processes with that limit:

    systemd-run --user --scope -p MemoryMax=1G -p MemorySwapMax=0 .venv/bin/python -m benchmarks.small_host

The benchmark itself, which plays the viewers, then needs some of that memory too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.hour import visit, visits
from benchmarks.viewers import watch
from rnnlab.environment import Environment
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client
from rnnlab.view.page.visitor import Keys
from tests.browser.server import ROOT, Server

SETTINGS = ROOT / "deploy" / "community-cloud.toml"
BETWEEN = 0.2
"""Seconds between two looks at the memory."""


def memory_mb(pids: list[int]) -> float:
    """Return the memory of these processes and their children together; pages that several share count once."""
    total, seen = 0, set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in [process, *process.children(recursive=True)]:
                if each.pid not in seen:
                    seen.add(each.pid)
                    with contextlib.suppress(psutil.Error):
                        total += each.memory_full_info().pss
    return total / 2**20


@contextmanager
def peak(part: str, server: Server, client: Client) -> Iterator[None]:
    """Print the highest memory of the app during the block."""
    end, highest = threading.Event(), [0.0]

    def look() -> None:
        while not end.wait(BETWEEN):
            highest[0] = max(highest[0], memory_mb([server.process.pid, *client.status()["pids"]]))

    thread = threading.Thread(target=look)
    thread.start()
    begun = time.monotonic()
    try:
        yield
    finally:
        end.set()
        thread.join()
        print(f"{part:44} {highest[0]:7.0f} {time.monotonic() - begun:8.1f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--viewers", type=int, default=10)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="rnnlab-small-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder) / "home", secrets=SETTINGS)
        try:
            environment = Environment(server.home, profile="class")
            keys = Keys(environment)
            print("part                                              MB     seconds", flush=True)
            visit(server.port, "train", "lang=en")  # starts the supervisor
            with Client(environment) as client:
                with peak("every page, in both languages", server, client):
                    for page, query in visits("none"):
                        visit(server.port, page, query)
                for name in ("A2", "A9"):
                    with peak(f"{name} trains, {options.viewers} viewers", server, client):
                        run_id = client.create(recipe(name).config.change(pred_period=5), based_on=name)
                        crowd = asyncio.run(watch(server.port, keys, run_id, options.viewers, options.seconds))
                    reruns = [seconds for viewer in crowd for seconds in viewer.reruns]
                    record = client.store.run(run_id)
                    answered = f"{1000 * statistics.median(reruns):.0f} ms" if reruns else "none"
                    print(f"  {record.state} at epoch {record.epoch}; a page with new texts, in the median: {answered}")
                    with peak(f"Inspect and Diagnose ask {name}", server, client):
                        visit(server.port, "inspect", f"lang=en&run={run_id}")
                        visit(server.port, "diagnose", f"lang=en&run={run_id}")
                        time.sleep(options.seconds / 4)
                    if client.store.run(run_id).live:
                        client.stop(run_id)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
