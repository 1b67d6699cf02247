"""A cluster on this machine: throughput, overhead, latency, points under load, and random kills.

    python -m benchmarks.cluster [throughput] [overhead] [latency] [load] [costs] [kills] [--rounds 7]

The agents are pinned to one core each; scheduler, bridge and supervisor share these cores. Each comparison alternates
between its two sides in one run, and its figure is the median of the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from benchmarks.server import App
from benchmarks.viewers import cpu_seconds, measure
from rnnlab.cluster.local import LocalCluster
from rnnlab.config import TrainConfig
from rnnlab.recipes import recipe
from rnnlab.runs.client import Client
from tests.cluster.lab import environment, until_hosts, until_status
from tests.cluster.test_failures import descendants, workers
from tests.made import VERSE, exists, until

LONG = 10_000
KILLED = VERSE.change(num_epochs=LONG, pred_period=50, num_preds=2, num_chars=2000)
PINNED = {f"host-{number}": ("taskset", "-c", str(number - 1)) for number in (1, 2)}


def training(recipe_id: str = "A2", seed: int = 0) -> TrainConfig:
    """Return a recipe that does not end, with few texts."""
    return recipe(recipe_id).config.change(num_epochs=LONG, pred_period=1000, random_seed=seed)


@contextmanager
def started(agents: int, cores: int = 1) -> Iterator[tuple[LocalCluster, Path]]:
    """Start a cluster of pinned agents in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="rnnlab-cluster-") as folder,
        LocalCluster(Path(folder) / "cluster", agents, cores, PINNED) as cluster,
    ):
        yield cluster, Path(folder)


def rate(client: Client, runs: list[str], seconds: float) -> float:
    """Return the sum of the epochs per second of runs that train."""

    def at() -> tuple[float, int]:
        return time.monotonic(), sum(client.store.run(run).epoch for run in runs)

    before, epochs = at()
    time.sleep(seconds)
    after, more = at()
    return (more - epochs) / (after - before)


def hold(client: Client, run: str, paused: bool) -> None:
    """Pause or resume a run, and wait until it has obeyed."""
    (client.pause if paused else client.resume)(run)
    until(client, run, lambda record: record.state == ("paused" if paused else "running"))


def begin(client: Client, config: TrainConfig, epochs: int = 1) -> str:
    """Start a run, and wait until it has finished some epochs."""
    run = client.create(config)
    until(client, run, lambda record: record.epoch >= epochs)
    return run


def throughput(options: argparse.Namespace) -> None:
    """Compare two agents with one."""
    with started(2) as (cluster, folder), Client(environment(cluster, folder / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        runs = [begin(client, training(seed=seed)) for seed in range(2)]
        ratios = []
        for number in range(options.rounds):
            single = []
            for alone, other in (runs, runs[::-1]):
                hold(client, other, paused=True)
                single.append(rate(client, [alone], options.seconds))
                hold(client, other, paused=False)
            both = rate(client, runs, options.seconds)
            ratios.append(both / statistics.mean(single))
            print(f"round {number + 1}: one {statistics.mean(single):.2f}, two {both:.2f} epochs/s", flush=True)
    print(f"two agents / one: {statistics.median(ratios):.2f} (goal: at least 1.8)")


def overhead(options: argparse.Namespace) -> None:
    """Compare a run on an agent with the same run of a supervisor on this machine, both on the first core."""
    os.environ["RNNLAB_CORES"] = "1"  # a second thread on the same core would slow the run of the supervisor down
    with (
        started(1) as (cluster, folder),
        Client(environment(cluster, folder / "far")) as far,
        Client(folder / "near") as near,
    ):
        until_hosts(far, "host-1")
        while not near.ready():
            time.sleep(0.02)
        os.sched_setaffinity(near.status()["pids"][1], {0})  # the zygote, and with it its workers
        sides = {client: begin(client, training()) for client in (far, near)}
        for client, run in sides.items():
            hold(client, run, paused=True)
        ratios = []
        for number in range(2 * options.rounds):
            rates = {}
            for client in (far, near) if number % 2 else (near, far):
                hold(client, sides[client], paused=False)
                rates[client] = rate(client, [sides[client]], options.seconds)
                hold(client, sides[client], paused=True)
            ratios.append(rates[far] / rates[near])
    low, high = min(ratios), max(ratios)
    print(f"remote / local: {statistics.median(ratios):.3f}, {low:.3f} to {high:.3f} (goal: at least 0.97)")


def latency(options: argparse.Namespace) -> None:
    """Time the first event of a run, and the obedience of a run that trains."""
    config = VERSE.change(num_epochs=LONG, pred_period=LONG)
    with started(2) as (cluster, folder), Client(environment(cluster, folder / "home")) as client:
        until_hosts(client, "host-1", "host-2")
        first, obeyed = [], []
        for _ in range(4 * options.rounds):
            clicked = time.perf_counter()
            run = client.create(config)
            until(client, run, lambda record: record.state == "running")
            first.append(time.perf_counter() - clicked)
            client.stop(run)
            until(client, run, lambda record: record.state == "stopped")
        run = begin(client, training())
        for number in range(8 * options.rounds):
            clicked = time.perf_counter()
            hold(client, run, paused=number % 2 == 0)
            obeyed.append(time.perf_counter() - clicked)
    _print_times("first event (goal: 300 ms)", first)
    _print_times("pause and resume (goal: 50 ms)", obeyed)


def _print_times(what: str, seconds: list[float]) -> None:
    ordered = sorted(1000 * value for value in seconds)
    print(f"{what}: median {statistics.median(ordered):.0f} ms, 95 % {ordered[int(0.95 * len(ordered))]:.0f} ms,")
    print(f"    longest {ordered[-1]:.0f} ms")


def load(options: argparse.Namespace) -> None:
    """Train 32 runs on two agents, with 100 viewers of them: the age of a point when it arrives."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with started(2, cores=16) as (cluster, folder):
        home = folder / "home"
        os.environ |= cluster.variables()
        app = App(home)
        try:
            with Client(environment(cluster, home)) as client:
                until_hosts(client, "host-1", "host-2")
                runs = [client.create(training(seed=seed)) for seed in range(32)]
                for run in runs:
                    until(client, run, lambda record: record.epoch >= 3, patience=300.0)
                counts = [len(host["runs"]) for host in client.status()["hosts"]]
                print(f"runs on each host: {counts}; {rate(client, runs, 10):.1f} epochs/s in all")
                print(" viewers    what   points    CPU %  late ms  p95 ms  B/point   reruns ms each  MB RSS")
                print(asyncio.run(measure(app, home, runs[0], 100, True, 30.0, 0.0)), flush=True)
        finally:
            for name in cluster.variables():
                os.environ.pop(name, None)
            app.stop()


def costs(options: argparse.Namespace) -> None:
    """Measure the processor time of scheduler, bridge and supervisor, per machine and per event (docs/scale.md)."""
    idle: dict[int, dict[str, float]] = {}
    for agents in (2, 8):
        with started(agents) as (cluster, folder), Client(environment(cluster, folder / "home")) as client:
            until_hosts(client, *[f"host-{number + 1}" for number in range(agents)], patience=120.0)
            pids = dict(zip(("supervisor", "bridge"), client.status()["pids"], strict=True))
            pids |= {"scheduler": cluster.processes["scheduler"].pid, "agent": cluster.processes["host-1"].pid}
            idle[agents] = _used(pids, 10.0)
            if agents == 8:
                runs = [begin(client, KILLED.change(random_seed=seed)) for seed in range(agents)]
                before = sum(len(client.store.events_since(run)) for run in runs)
                busy = _used(pids, 20.0)
                events = (sum(len(client.store.events_since(run)) for run in runs) - before) / 20.0
    print(f"{events:.0f} events/s of 8 machines")
    print(f"{'':12}{'per machine (ms/s)':>20}{'per event (ms)':>16}")
    for name in ("supervisor", "bridge", "scheduler"):
        each = (idle[8][name] - idle[2][name]) / 6
        print(f"{name:12}{1000 * each:20.2f}{1000 * (busy[name] - idle[8][name]) / events:16.3f}")
    print(
        f"agent       {1000 * idle[8]['agent']:20.2f}{1000 * (busy['agent'] - idle[8]['agent']) / (events / 8):16.3f}"
    )


def _used(pids: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Return the processor seconds per second that each process uses."""
    before, started = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - started
    return {name: (cpu_seconds(pid) - before[name]) / elapsed for name, pid in pids.items()}


class Damage:
    """Kills processes of a cluster at random, and counts what must never happen."""

    def __init__(self, cluster: LocalCluster, home: Path, seed: int) -> None:
        self.cluster, self.environment = cluster, environment(cluster, home)
        self.chance = random.Random(seed)
        self.wrong = self.lost = self.orphans = self.seen = 0
        self.seconds: dict[str, list[float]] = {}

    def once(self) -> None:
        """Keep eight runs running, do one damage, and check everything."""
        with Client(self.environment) as client:
            until_hosts(client, "host-1", "host-2", patience=120.0)
            self._fill(client)
            status = client.status()
            runs = {run: host["facts"]["name"] for host in status["hosts"] for run in host["runs"]}
            seen = {run: client.store.events_since(run) for run in runs}
            name = self.chance.choice(("host-1", "host-2"))
            pids = [pid for host in ("host-1", "host-2") for pid in workers(self.cluster, host)]
            kinds: dict[str, Callable[[], dict[str, str]]] = {
                "worker": lambda: self._worker(client, name),
                "agent": lambda: self._agent(runs, name),
                "frozen agent": lambda: self._freeze(runs, name),
                "scheduler": lambda: self._scheduler(runs),
                "bridge": lambda: self._bridge(client, runs),
                "supervisor": lambda: self._supervisor(client, runs),
            }
            kind = self.chance.choice(list(kinds))
            began = time.monotonic()
            expected = kinds[kind]()
            for run, state in expected.items():
                record = until(client, run, lambda record: not record.live, patience=60.0)
                self.wrong += record.state != state
            self.seconds.setdefault(kind, []).append(time.monotonic() - began)
            if kind == "frozen agent":
                os.kill(self.cluster.processes[name].pid, signal.SIGCONT)
            self._restore()
            until_hosts(client, "host-1", "host-2", patience=120.0)
            for run, events in seen.items():
                self.seen += len(events)
                now = client.store.events_since(run)
                self.lost += sum(event not in now[: len(events)] for event in events)
            live = {run for host in client.status()["hosts"] for run in host["runs"]}
            if kind in ("agent", "scheduler", "supervisor", "bridge"):
                affected = pids if kind != "agent" else []
                self.orphans += sum(exists(pid) for pid in affected)
            self.wrong += any(run in live for run in expected)
            for run in runs:
                epochs = [event.epoch for _, event in client.store.events_since(run) if event.kind == "epoch_finished"]
                repeated = [now for before, now in pairwise(epochs) if now != before + 1]
                self.wrong += any(number > max(epochs) for number in repeated)

    def _fill(self, client: Client) -> None:
        runs = [record for record in client.store.runs(limit=200) if record.live]
        ended = [record for record in client.store.runs(limit=200) if record.continuable][: 8 - len(runs)]
        for record in ended:
            client.continue_run(record.id)
        for number in range(8 - len(runs) - len(ended)):
            config = KILLED.change(random_seed=number)
            client.create(config)
        until_status(client, lambda status: sum(len(host["runs"]) for host in status["hosts"]) == 8, 120.0)
        goals = {record.id: record.epoch + 10 for record in client.store.runs(limit=200) if record.live}
        for run, goal in goals.items():
            until(client, run, lambda now, goal=goal: now.epoch >= goal, patience=120.0)

    def _worker(self, client: Client, name: str) -> dict[str, str]:
        pid = self.chance.choice(workers(self.cluster, name))
        before = {record.id for record in client.store.runs(limit=200) if record.live}
        os.kill(pid, signal.SIGKILL)
        while True:
            ended = before - {record.id for record in client.store.runs(limit=200) if record.live}
            if ended:
                return dict.fromkeys(ended, "failed")
            time.sleep(0.02)

    def _agent(self, runs: dict[str, str], name: str) -> dict[str, str]:
        self.cluster.end(name, signal.SIGKILL)
        return {run: "interrupted" for run, host in runs.items() if host == name}

    def _freeze(self, runs: dict[str, str], name: str) -> dict[str, str]:
        os.kill(self.cluster.processes[name].pid, signal.SIGSTOP)
        return {run: "interrupted" for run, host in runs.items() if host == name}

    def _scheduler(self, runs: dict[str, str]) -> dict[str, str]:
        self.cluster.end("scheduler", signal.SIGKILL)
        return dict.fromkeys(runs, "interrupted")

    def _bridge(self, client: Client, runs: dict[str, str]) -> dict[str, str]:
        os.kill(client.status()["pids"][1], signal.SIGKILL)
        return dict.fromkeys(runs, "interrupted")

    def _supervisor(self, client: Client, runs: dict[str, str]) -> dict[str, str]:
        os.kill(client.status()["pid"], signal.SIGKILL)
        return dict.fromkeys(runs, "interrupted")

    def _restore(self) -> None:
        if "scheduler" not in self.cluster.processes:
            self.cluster.start_scheduler()
        for name in ("host-1", "host-2"):
            if name not in self.cluster.processes:
                self.cluster.start_agent(name)


def kills(options: argparse.Namespace) -> None:
    """Kill every kind of process at random, with eight runs."""
    with started(2, cores=4) as (cluster, folder):
        damage = Damage(cluster, folder / "home", options.seed)
        with Client(damage.environment):  # a supervisor ends with its last client
            for number in range(options.kills):
                damage.once()
                print(f"{number + 1}: {damage.wrong} wrong, {damage.lost} lost, {damage.orphans} orphans", flush=True)
        time.sleep(5)  # the supervisor ends with its last client
        left = sum(len(descendants(process.pid)) > 1 for process in cluster.processes.values())
    print(f"{options.kills} kills: {damage.wrong} wrong states, {damage.lost} of {damage.seen} events lost,")
    print(f"{damage.orphans} orphans; {left} hosts with processes left at the end")
    for kind, seconds in damage.seconds.items():
        print(f"{kind:14}{len(seconds):4} median {statistics.median(seconds):6.2f} s, longest {max(seconds):6.2f} s")


PARTS = {
    "throughput": throughput,
    "overhead": overhead,
    "latency": latency,
    "load": load,
    "costs": costs,
    "kills": kills,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], help="by default, all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.parts or PARTS:
        print(f"== {name}", flush=True)
        PARTS[name](options)


if __name__ == "__main__":
    main()
