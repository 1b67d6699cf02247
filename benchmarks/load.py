"""A class starts at once: how soon each student has a place, in which order they train, and how long they wait.

    python -m benchmarks.load [--students 100] [--within 60] [--epochs 2] [--slots 2]

Each student asks as a visitor of their own for one run of A6, at a random moment of the first `within` seconds, on a
server with the limits of a class; the runs are shortened to `epochs`. Goals: a place at once; the longest wait at most
1.2 times as long as if all runs had started in the order in which they came. A few greedy visitors ask for more.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client, ClientOf
from rnnlab.runs.protocol import LIVE, Asker

GREEDY = 0.1
"""Fraction of the students, 0 to 1, that request more runs than the limit allows."""


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--within", type=float, default=60.0)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    config = RECIPES["A6"].config.change(num_epochs=options.epochs, pred_period=options.epochs, corpus="lyrics-zh")
    os.environ["RNNLAB_SLOTS"] = str(options.slots)
    chance = random.Random(options.seed)
    moments = sorted(chance.uniform(0, options.within) for _ in range(options.students))
    with tempfile.TemporaryDirectory() as folder, Client(Environment(Path(folder), profile="class")) as client:
        while not client.ready():
            time.sleep(0.05)
        placed, asked, refused = [], {}, 0
        begun = time.monotonic()
        for number, moment in enumerate(moments):
            time.sleep(max(0.0, moment - (time.monotonic() - begun)))
            student = ClientOf(client, Asker(id=f"student {number}"))
            before = time.monotonic()
            asked[student.create(config.change(random_seed=number))] = True
            placed.append(time.monotonic() - before)
            if chance.random() < GREEDY:
                for more in range(4):
                    try:
                        asked[student.create(config.change(random_seed=1000 + more))] = False
                    except RNNLabError:
                        refused += 1
        while client.store.runs(limit=1, states=LIVE):
            time.sleep(0.5)
        runs = {run: client.store.run(run) for run in asked}
        waits = [(runs[run].started_at or 0) - runs[run].created_at for run, is_first in asked.items() if is_first]
        ideal = _first_come([run.created_at for run in runs.values()], list(runs.values()), options.slots)
        print(
            f"{options.students} students within {options.within:g} s, {options.slots} slots, {options.epochs} epochs"
        )
        rows = {
            "a place (ms)": [1000 * value for value in placed],
            "wait of a first run (s)": waits,
            "the same, first come (s)": ideal,
        }
        for name, values in rows.items():
            print(f"{name:26}mean {statistics.fmean(values):8.1f}  longest {max(values):8.1f}")
        print(f"{'more than is allowed':26}{refused} refused")
        print(f"{'longest wait':26}{max(waits) / max(ideal):.2f} of the longest of first come (goal 1.2),")
        print(f"{'':26}{max(waits) / statistics.fmean(ideal):.2f} of its mean")


def _first_come(created: list[float], runs: list[object], slots: int) -> list[float]:
    """Return the waiting times, in seconds, if all runs had started in the order of their creation."""
    free, waits = [0.0] * slots, []
    for at, run in sorted(zip(created, runs, strict=True), key=lambda pair: pair[0]):
        started, finished = getattr(run, "started_at", 0.0), getattr(run, "finished_at", 0.0)
        begin = max(at, min(free))
        free[free.index(min(free))] = begin + (finished - started)
        waits.append(begin - at)
    return waits


if __name__ == "__main__":
    main()
