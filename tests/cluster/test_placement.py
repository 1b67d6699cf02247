"""The choice of a machine, as a rule without any process."""

from __future__ import annotations

from rnnlab.cluster.placement import Room, choose
from rnnlab.runs.cluster import typical_speed
from rnnlab.runs.protocol import HostFacts


def room(
    name: str, cores: int = 1, training: int = 0, answering: int = 0, flops: float = 1e9, devices: tuple[str, ...] = ()
) -> Room:
    facts = HostFacts(
        name=name,
        version="1",
        torch="2",
        cores=cores,
        memory_mb=1000,
        devices=list(devices),
        speed={"flops": flops},
    )
    return Room(facts, training, answering)


def chosen(*rooms: Room, trains: bool = True, device: str = "cpu") -> str | None:
    found = choose(rooms, trains, device)
    return None if found is None else found.facts.name


def test_the_fewest_jobs_per_core_win() -> None:
    assert chosen(room("a", cores=2, training=1), room("b", cores=4, training=1)) == "b"
    assert chosen(room("a", cores=1), room("b", cores=8, training=1)) == "a"


def test_then_the_fastest_machine() -> None:
    assert chosen(room("slow"), room("fast", flops=5e9)) == "fast"


def test_a_full_machine_waits_for_runs_but_still_answers() -> None:
    assert chosen(room("a", training=1)) is None
    assert chosen(room("a", training=1), trains=False) == "a"
    assert chosen(room("a", answering=1), trains=False) is None


def test_an_accelerator_is_only_where_it_is() -> None:
    assert chosen(room("a", flops=9e9), room("b", devices=("cuda",)), device="cuda:0") == "b"
    assert chosen(room("a"), device="cuda") is None
    assert chosen(room("a"), device="auto") == "a"


def test_times_are_estimated_for_the_machine_in_the_middle() -> None:
    rates = {"slow": 1e9, "fast": 9e9, "middle": 2e9}
    machines = [room(name, cores=cores, flops=flops).facts for cores, (name, flops) in enumerate(rates.items(), 2)]
    assert typical_speed(machines) == {"flops": 2e9, "cores": 4.0}
    assert typical_speed(machines[:2]) == {"flops": 1e9, "cores": 2.0}
    assert typical_speed([]) == {}
