"""Kill workers, zygote and supervisor repeatedly, and count wrong states, lost events and orphaned processes.

python -m benchmarks.kills [--workers 30] [--zygotes 3] [--supervisors 5]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from rnnlab.runs.client import Client
from tests.made import VERSE, exists, until

CONFIG = VERSE.change(num_epochs=10_000, pred_period=50, num_preds=2)


class Score:
    """The counts for one kind of killed process."""

    def __init__(self) -> None:
        self.kills = self.wrong = self.lost = self.seen = self.orphans = 0
        self.seconds: list[float] = []

    def line(self, name: str) -> str:
        """Return one row of the table."""
        slowest = f"{1000 * statistics.median(self.seconds):8.0f}{1000 * max(self.seconds):8.0f}"
        return f"{name:14}{self.kills:7}{self.wrong:7}{self.lost:7}{self.seen:8}{self.orphans:9}{slowest}"


def reach(client: Client, run_id: str, states: set[str], epochs: int = 0) -> str:
    """Wait until a run is in one of `states` and has finished `epochs` epochs; return its state."""
    return until(client, run_id, lambda run: run.state in states and run.epoch >= epochs, patience=300.0).state


def kill(client: Client, victim: str, expected: str, score: Score) -> None:
    """Start two runs, kill the process `victim`, and count the consequences."""
    while not client.ready():
        time.sleep(0.02)
    runs = [client.create(CONFIG.change(random_seed=number)) for number in range(2)]
    for run_id in runs:
        reach(client, run_id, {"running"}, 30)
    status = client.status()
    pids = {"worker": status["runs"][runs[0]], "zygote": status["pids"][1], "supervisor": status["pid"]}
    affected = runs[:1] if victim == "worker" else runs
    counts = {run_id: len(client.store.events_since(run_id)) for run_id in runs}
    workers = [status["runs"][run_id] for run_id in affected]
    started = time.perf_counter()
    os.kill(pids[victim], signal.SIGKILL)
    for run_id in affected:
        state = reach(client, run_id, {"failed", "interrupted", "finished", "stopped", "diverged"})
        score.wrong += state != expected
        score.seconds.append(time.perf_counter() - started)
    time.sleep(0.2)
    score.kills += 1
    score.orphans += sum(exists(pid) for pid in workers)
    for run_id in runs:
        events = client.store.events_since(run_id)
        score.seen += counts[run_id]
        score.lost += max(0, counts[run_id] - len(events))
        # the stored events have no gap
        score.lost += sum(seq != number for number, (seq, _) in enumerate(events, start=1))
    if victim == "worker":
        score.wrong += client.store.run(runs[1]).state != "running"
    for run_id in runs:
        client.delete(run_id)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("workers", 30), ("zygotes", 3), ("supervisors", 5)):
        parser.add_argument(f"--{name}", type=int, default=count)
    options = parser.parse_args()
    os.environ.setdefault("RNNLAB_SLOTS", "2")
    print(f"{'killed':14}{'kills':>7}{'wrong':>7}{'lost':>7}{'events':>8}{'orphans':>9}{'median':>8}{'worst':>8} (ms)")
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        for victim, expected, count in (
            ("worker", "failed", options.workers),
            ("zygote", "failed", options.zygotes),
            ("supervisor", "interrupted", options.supervisors),
        ):
            score = Score()
            for _ in range(count):
                kill(client, victim, expected, score)
            if count:
                print(score.line(victim), flush=True)
        client.close()


if __name__ == "__main__":
    main()
