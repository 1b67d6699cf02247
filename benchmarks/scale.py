"""A simulation of many machines and viewers: what breaks first, and where.

    python -m benchmarks.scale [--seconds 60] [--seed 0]

Every run sends events, each of which passes four processes with a single thread: the scheduler of the cluster, the
bridge, the supervisor (which writes it into the store), and the web process (which sends it to the viewers of its run).
The time that each takes was measured: `COSTS` names the commands. The simulation draws the events of all runs as
independent Poisson processes, and lets each process take them in their order. The web process takes up events of a run
once per `PACE`, as the page does, and sends what is new to all viewers. A process with a load above 100 % falls
behind, and the delay grows.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass

PACE = 0.25
"""Seconds between two messages to the viewers of a run."""
RUN_EVENTS = 4.0
"""Events per second of a run: epochs of A2 on one core, and a minibatch every half second."""


@dataclass(frozen=True)
class Costs:
    """Processor seconds, measured on the machine of docs/performance.md.

    Attributes:
        scheduler: of the scheduler of the cluster, for one event. ``benchmarks.cluster costs``
        scheduler_host: the same per second and machine, for its lease.
        bridge: of the bridge, for one event.
        bridge_host: per second and machine.
        supervisor: of the supervisor, for one event, with its share of a transaction. ``benchmarks.cluster costs``
        encode: of the web process, to read and encode the news of a run.
        send: of the web process, to send a message to one viewer. ``benchmarks.viewers``
    """

    scheduler: float
    scheduler_host: float
    bridge: float
    bridge_host: float
    supervisor: float
    encode: float
    send: float


@dataclass
class Server:
    """A process with a single thread, which takes work in its order.

    Attributes:
        background: the share of its time that it needs for other things.
        free_at: when it has done everything that has arrived.
        busy: seconds of work so far.
    """

    background: float = 0.0
    free_at: float = 0.0
    busy: float = 0.0

    def serve(self, arrived: float, seconds: float) -> float:
        """Do work that has arrived, and return when it is done."""
        slowed = seconds / max(1e-3, 1.0 - self.background)
        self.free_at = max(self.free_at, arrived) + slowed
        self.busy += seconds
        return self.free_at


@dataclass(frozen=True)
class Outcome:
    """The load of each process (1: a whole core), and the delay of the points in seconds."""

    scheduler: float
    bridge: float
    supervisor: float
    web: float
    median: float
    p95: float


def events(hosts: int, seconds: float, chance: random.Random) -> Iterator[tuple[float, int]]:
    """Yield (time, run) of the events of one run on each machine."""
    queue = [(chance.expovariate(RUN_EVENTS), run) for run in range(hosts)]
    heapq.heapify(queue)
    while queue[0][0] < seconds:
        moment, run = queue[0]
        yield moment, run
        heapq.heapreplace(queue, (moment + chance.expovariate(RUN_EVENTS), run))


def simulate(hosts: int, viewers: int, seconds: float, costs: Costs, seed: int = 0) -> Outcome:
    """Simulate runs on so many machines, one on each, whose viewers are spread evenly over them.

    Args:
        hosts: number of machines.
        viewers: number of viewers in all.
        seconds: simulated time.
        costs: the cost of each step.
        seed: random seed.
    """
    chance = random.Random(seed)
    scheduler = Server(min(1.0, hosts * costs.scheduler_host))
    bridge = Server(min(1.0, hosts * costs.bridge_host))
    supervisor, web = Server(), Server()
    watching = [viewers // hosts + (run < viewers % hosts) for run in range(hosts)]
    told_at = [-1.0] * hosts
    delays: list[float] = []
    for moment, run in events(hosts, seconds, chance):
        done = bridge.serve(scheduler.serve(moment, costs.scheduler), costs.bridge)
        done = supervisor.serve(done, costs.supervisor)
        if not watching[run]:
            continue
        if done - told_at[run] >= PACE:  # otherwise it is among the news of the message that is due
            told_at[run] = done
            done = web.serve(done, costs.encode + costs.send * watching[run])
        delays.append(done - moment)
    delays.sort()
    return Outcome(
        scheduler=scheduler.busy / seconds + scheduler.background,
        bridge=bridge.busy / seconds + bridge.background,
        supervisor=supervisor.busy / seconds,
        web=web.busy / seconds,
        median=delays[len(delays) // 2],
        p95=delays[int(0.95 * len(delays))],
    )


COSTS = Costs(
    scheduler=0.000464,
    scheduler_host=0.0020,
    bridge=0.000428,
    bridge_host=0.00083,
    supervisor=0.000535,
    encode=0.0023,
    send=0.000055,
)
"""As measured with ``python -m benchmarks.cluster costs`` and ``python -m benchmarks.viewers``."""


def main() -> None:
    """Print the table of docs/scale.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| machines | viewers | scheduler | bridge | supervisor | web process | point: median | 95 % |")
    print("|---|---|---|---|---|---|---|---|")
    for hosts in (10, 100, 1000):
        for viewers in (10, 100, 1000):
            out = simulate(hosts, viewers, options.seconds, COSTS, options.seed)
            shares = [f"{100 * load:.0f} %" for load in (out.scheduler, out.bridge, out.supervisor, out.web)]
            overloaded = max(out.scheduler, out.bridge, out.supervisor, out.web) > 1
            delays = ["grows", "grows"] if overloaded else [f"{1000 * out.median:.0f} ms", f"{1000 * out.p95:.0f} ms"]
            row = [str(hosts), str(viewers), *shares, *delays]
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
