"""Seconds from Start to the first point, cold and with a waiting worker, and response times of controls.

python -m benchmarks.start_latency [--runs 20] [--cold 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rnnlab.config import TrainConfig
from rnnlab.runs.client import Client

CONFIG = TrainConfig.make(corpus="lyrics-zh", num_epochs=10_000, pred_period=10_000, prefixes=("分开",))


def first(client: Client, run_id: str, kind: str, cursor: int = 0) -> int:
    """Wait for an event of a kind, and return its number."""
    while True:
        version = client.store.version(run_id)
        for seq, event in client.store.events_since(run_id, cursor):
            if event.kind == kind:
                return seq
        client.wait(run_id, version)


def cold() -> dict[str, float]:
    """Measure a start without a running supervisor."""
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        started = time.perf_counter()
        client.connect()
        connected = time.perf_counter() - started
        run_id = client.create(CONFIG)
        first(client, run_id, "epoch_finished")
        seconds = time.perf_counter() - started
        client.delete(run_id)
        client.close()
    return {"supervisor up": connected, "cold: first epoch": seconds}


def warm(count: int) -> dict[str, list[float]]:
    """Measure starts with a waiting worker, and the response times of controls."""
    times: dict[str, list[float]] = {"warm: first event": [], "warm: first epoch": [], "pause": [], "one question": []}
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        while not client.ready():
            time.sleep(0.05)
        for number in range(count):
            config = CONFIG.change(random_seed=number)
            started = time.perf_counter()
            run_id = client.create(config)
            cursor = first(client, run_id, "run_started")
            times["warm: first event"].append(time.perf_counter() - started)
            first(client, run_id, "epoch_finished", cursor)
            times["warm: first epoch"].append(time.perf_counter() - started)
            started = time.perf_counter()
            client.pause(run_id)
            first(client, run_id, "run_paused", cursor)
            times["pause"].append(time.perf_counter() - started)
            started = time.perf_counter()
            client.generate(run_id, "我", 10)
            times["one question"].append(time.perf_counter() - started)
            client.delete(run_id)
        print(f"memory of supervisor and zygote: {client.status(memory=True)['memory_mb']:.0f} MB (PSS)")
        client.close()
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cold", type=int, default=3)
    options = parser.parse_args()
    times: dict[str, list[float]] = {}
    for _ in range(options.cold):
        for name, seconds in cold().items():
            times.setdefault(name, []).append(seconds)
    times |= warm(options.runs)
    print(f"{'':22}{'median ms':>10}{'worst ms':>10}")
    for name, values in times.items():
        print(f"{name:22}{1000 * statistics.median(values):10.1f}{1000 * max(values):10.1f}")


if __name__ == "__main__":
    main()
