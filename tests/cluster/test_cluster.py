"""Runs on a cluster of real processes: they train, obey, answer and go on as on a single machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from rnnlab.cluster.local import LocalCluster
from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.runs.store import checkpoint_folder
from tests.cluster.lab import host_of, names, until_status
from tests.runs.lab import LONG, TINY, curve, events, opened, pause, step, until_event, until_state

FOUR = TINY.change(num_epochs=4, pred_period=2)
OLD = ("-c", "import rnnlab; rnnlab.__version__ = '0.0.1'; from rnnlab.cli.main import main; main()")


def blobs(cluster: LocalCluster, name: str) -> dict[str, int]:
    """Return the texts and files that a machine keeps, with the number of each file, which a new file would change."""
    return {path.name: path.stat().st_ino for path in (cluster.folder / name / "blobs").iterdir()}


@pytest.mark.parametrize(
    "config", [FOUR, RECIPES["A2"].config.change(num_epochs=2, pred_period=2)], ids=["small", "A2"]
)
def test_a_run_gives_the_curve_of_a_single_machine_bit_for_bit(
    client: Client, tmp_path: Path, config: TrainConfig
) -> None:
    run = client.create(config)
    until_state(client, run, "finished")
    with opened(tmp_path / "alone") as alone:
        same = alone.create(config)
        until_state(alone, same, "finished")
        assert curve(client, run) == curve(alone, same)
        for kind in ("text_generated", "checkpoint_saved"):
            mine, theirs = events(client, run, kind), events(alone, same, kind)
            assert [event.model_dump(exclude={"seconds"}) for event in mine] == [
                event.model_dump(exclude={"seconds"}) for event in theirs
            ]
        kept, here = (sorted(checkpoint_folder(c.home, r).iterdir()) for c, r in ((client, run), (alone, same)))
        assert [path.name for path in kept] == [path.name for path in here]
        for mine, theirs in zip(kept, here, strict=True):
            tensors, others = load_file(mine), load_file(theirs)
            assert all((tensors[name] == other).all() for name, other in others.items())
            assert tensors.keys() == others.keys()
    assert host_of(client, run) in ("host-1", "host-2")


def test_runs_are_spread_over_the_machines_and_the_rest_waits(client: Client) -> None:
    runs = [client.create(LONG) for _ in range(3)]
    for run in runs[:2]:
        until_state(client, run, "running")
    assert {host_of(client, run) for run in runs[:2]} == {"host-1", "host-2"}
    assert client.store.run(runs[2]).state == "queued"
    client.stop(runs[0])
    until_state(client, runs[2], "running")
    assert host_of(client, runs[2]) == host_of(client, runs[0])


def test_a_run_obeys(client: Client) -> None:
    run = client.create(LONG)
    until_state(client, run, "running")
    pause(client, run)
    epoch = step(client, run).epoch
    assert step(client, run).epoch == epoch + 1
    client.set(run, "learning_rate", 3.0)
    client.resume(run)
    _, event = until_event(client, run, lambda event: event.kind == "setting_changed")
    assert event.value == 3.0
    client.stop(run)
    assert until_state(client, run, "stopped").continuable


def test_a_run_continues_on_another_machine_bit_for_bit(client: Client, cluster: LocalCluster, tmp_path: Path) -> None:
    first = client.create(FOUR)
    until_state(client, first, "finished")
    cluster.end(host_of(client, first))
    before = host_of(client, first)
    client.continue_run(first, more_epochs=3)
    until_state(client, first, "finished")
    assert host_of(client, first) != before
    whole = client.create(FOUR.change(num_epochs=7))
    until_state(client, whole, "finished")
    assert curve(client, first) == curve(client, whole)


def test_a_question_is_answered(client: Client, tmp_path: Path) -> None:
    run = client.create(FOUR)
    until_state(client, run, "finished")
    text = client.generate(run, "the", 10)
    with opened(tmp_path / "alone") as alone:
        same = alone.create(FOUR)
        until_state(alone, same, "finished")
        assert text == alone.generate(same, "the", 10)


def test_a_text_travels_once_to_a_machine(client: Client, cluster: LocalCluster) -> None:
    arrived: dict[str, dict[str, int]] = {}
    for _ in range(2):
        runs = [client.create(LONG), client.create(LONG)]
        for run in runs:
            until_state(client, run, "running")
        kept = {name: blobs(cluster, name) for name in ("host-1", "host-2")}
        assert kept == (arrived or kept)
        arrived = kept
        for run in runs:
            client.stop(run)
            until_state(client, run, "stopped")
    assert all(arrived.values())


def test_a_machine_that_joins_takes_the_runs_that_wait(client: Client, cluster: LocalCluster) -> None:
    runs = [client.create(LONG) for _ in range(3)]
    for run in runs[:2]:
        until_state(client, run, "running")
    cluster.start_agent("host-3")
    until_status(client, lambda status: "host-3" in {host["facts"]["name"] for host in status["hosts"]})
    joined = time.monotonic()
    until_state(client, runs[2], "running")
    assert host_of(client, runs[2]) == "host-3"
    assert time.monotonic() - joined < 5  # about 0.1 s on a quiet machine


def test_a_machine_with_another_version_is_refused(client: Client, cluster: LocalCluster) -> None:
    cluster.start_agent("old", program=OLD)
    until_status(client, lambda status: any(host["refused"] for host in status["hosts"]))
    (refused,) = (host for host in client.status()["hosts"] if host["refused"])
    assert refused["facts"]["name"] == "old"
    assert "0.0.1" in refused["refused"]
    assert names(client.status()) == {"host-1", "host-2"}


@pytest.mark.parametrize("gone", ["agent", "scheduler"])
def test_without_machines_runs_wait(client: Client, cluster: LocalCluster, gone: str) -> None:
    for name in ["scheduler"] if gone == "scheduler" else ["host-1", "host-2"]:
        cluster.end(name)
    until_status(client, lambda status: status["slots"] == 0)
    run = client.create(TINY)
    assert client.store.run(run).state == "queued"
    if gone == "scheduler":
        cluster.start_scheduler()
    else:
        cluster.start_agent("host-1")
    until_state(client, run, "finished")
