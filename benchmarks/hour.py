"""Memory of the web process during an hour of use.

    python -m benchmarks.hour [--minutes 60] [--viewers 6] [--epochs 60]

Simulates a class on one server, again and again: a run is started, a few viewers watch it live (raw web sockets that
refresh as the page does), then a visitor opens every page in both languages, with recordings and that run. The goal is
a web process below 250 MB after an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect

from benchmarks.server import App
from benchmarks.viewers import Viewer, cpu_seconds, memory_mb
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client

WATCHED = 12.0
"""Seconds for which each run is watched."""


def visits(run_id: str) -> list[tuple[str, str]]:
    """Return the pages that a visitor opens after a run, each with its parameters, in both languages."""
    pages = [
        ("home", "recording=A6"),
        ("train", "recipe=A9"),
        ("train", f"run={run_id}"),
        ("compare", f"pins=recorded:A6,recorded:A7,{run_id}"),
        ("diagnose", "topic=layers"),
        ("diagnose", "topic=directions"),
        ("inspect", f"run={run_id}"),
        ("lessons", ""),
        ("lessons", "lesson=lstm"),
        ("runs", ""),
    ]
    return [(page, f"lang={lang}&{query}") for lang in ("zh", "en") for page, query in pages]


async def visit(url: str, page: str, query: str) -> None:
    """Open a page as a new visitor and leave when it is complete."""
    viewer = Viewer(url, query)
    async with connect(url, max_size=None, subprotocols=["streamlit"]) as ws:  # type: ignore[list-item]
        first = BackMsg()
        first.rerun_script.query_string = query
        first.rerun_script.page_name = "" if page == "home" else page
        await ws.send(first.SerializeToString())
        async with asyncio.timeout(120):
            await viewer.until_finished(ws)


async def one_round(url: str, run_id: str, viewers: int) -> int:
    """Watch a run with several viewers, then visit every page; return the number of refreshes."""
    crowd = [Viewer(url, f"run={run_id}&lang=zh") for _ in range(viewers)]
    barrier = asyncio.Barrier(viewers + 1)
    async with asyncio.TaskGroup() as group:
        for viewer in crowd:
            group.create_task(viewer.watch(WATCHED, barrier))
        await barrier.wait()
        await barrier.wait()
    for page, query in visits(run_id):
        await visit(url, page, query)
    return sum(viewer.refreshes for viewer in crowd)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--viewers", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rnnlab-hour-") as home:
        app = App(Path(home))
        try:
            url = f"ws://127.0.0.1:{app.port}/_stcore/stream"
            with Client(Path(home)) as client:
                started = time.monotonic()
                rounds = refreshes = pages = 0
                printed = -5.0
                print("minutes  rounds  refreshes  pages   CPU s   MB RSS", flush=True)
                while time.monotonic() < started + 60 * options.minutes:
                    config = recipe("A2").config.change(
                        num_epochs=options.epochs, pred_period=10, num_hiddens=64, random_seed=rounds
                    )
                    run_id = client.create(config, based_on="A2")
                    for event in client.follow(run_id):
                        if event.kind == "text_generated" and event.epoch == config.pred_period:
                            break
                    refreshes += asyncio.run(one_round(url, run_id, options.viewers))
                    if client.store.run(run_id).live:
                        client.stop(run_id)
                    rounds, pages = rounds + 1, pages + len(visits(run_id)) + options.viewers
                    minutes = (time.monotonic() - started) / 60
                    if minutes >= printed + 5 or minutes >= options.minutes:
                        printed = minutes
                        print(
                            f"{minutes:7.0f} {rounds:7d} {refreshes:10d} {pages:6d} {cpu_seconds(app.process.pid):7.0f}"
                            f" {memory_mb(app.process.pid):8.0f}",
                            flush=True,
                        )
        finally:
            app.stop()


if __name__ == "__main__":
    main()
