"""Memory, threads and open files of the web process during an hour of use.

    python -m benchmarks.hour [--minutes 60] [--viewers 6] [--epochs 60]

Simulates a class on one server, again and again: a run is started, a few viewers watch it live (pages and their
events, without a browser), then a visitor opens every page in both languages, with recordings and that run. The goals
are a web process below 250 MB after an hour, and in two hours no growth by 5 % or more after the first ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.server import App
from benchmarks.viewers import cpu_seconds, memory_mb, threads, watch
from rnnlab.environment import Environment
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client
from rnnlab.view.page.visitor import Keys
from tests.open_files import descriptors
from tests.server.visitor import Visitor

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


def visit(port: int, page: str, query: str) -> None:
    """Open a page as a new visitor and leave when it is complete."""
    with Visitor(port) as visitor:
        visitor.open(page, query)


async def one_round(port: int, keys: Keys, run_id: str, viewers: int) -> int:
    """Watch a run with several viewers, then visit every page; return the number of points that the viewers got."""
    crowd = await watch(port, keys, run_id, viewers, WATCHED)
    for page, query in visits(run_id):
        await asyncio.to_thread(visit, port, page, query)
    return sum(viewer.points for viewer in crowd)


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
            with Client(Path(home)) as client:
                started = time.monotonic()
                rounds = points = pages = 0
                printed = -5.0
                print("minutes  rounds     points  pages   CPU s   MB RSS  threads  files", flush=True)
                while time.monotonic() < started + 60 * options.minutes:
                    config = recipe("A2").config.change(
                        num_epochs=options.epochs, pred_period=10, num_hiddens=64, random_seed=rounds
                    )
                    run_id = client.create(config, based_on="A2")
                    for event in client.follow(run_id):
                        if event.kind == "text_generated" and event.epoch == config.pred_period:
                            break
                    points += asyncio.run(one_round(app.port, Keys(Environment(Path(home))), run_id, options.viewers))
                    if client.store.run(run_id).live:
                        client.stop(run_id)
                    rounds, pages = rounds + 1, pages + len(visits(run_id)) + options.viewers
                    minutes = (time.monotonic() - started) / 60
                    if minutes >= printed + 5 or minutes >= options.minutes:
                        printed = minutes
                        print(
                            f"{minutes:7.0f} {rounds:7d} {points:10d} {pages:6d} {cpu_seconds(app.process.pid):7.0f}"
                            f" {memory_mb(app.process.pid):8.0f} {threads(app.process.pid):8d}"
                            f" {len(descriptors(app.process.pid)):6d}",
                            flush=True,
                        )
        finally:
            app.stop()


if __name__ == "__main__":
    main()
