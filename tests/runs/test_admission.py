"""Limits, the queue and its fair share, estimates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs import admission
from rnnlab.runs.admission import fair_order
from rnnlab.runs.limits import Limits
from rnnlab.runs.protocol import Asker


def test_the_owner_with_the_fewest_runs_comes_first() -> None:
    waiting = [("a1", "ann"), ("a2", "ann"), ("b1", "bob"), ("a3", "ann"), ("c1", "cy")]
    assert fair_order(waiting, []) == ["a1", "b1", "c1", "a2", "a3"]
    assert fair_order(waiting, ["bob", "cy"]) == ["a1", "a2", "b1", "c1", "a3"]
    assert fair_order(waiting, ["ann", "ann"]) == ["b1", "c1", "a1", "a2", "a3"]


@given(st.lists(st.sampled_from("xyz")), st.lists(st.sampled_from("xyz")))
def test_every_run_is_listed_once_and_the_runs_of_an_owner_keep_their_order(
    owners: list[str], running: list[str]
) -> None:
    waiting = [(f"{number:03d}", owner) for number, owner in enumerate(owners)]
    order = fair_order(waiting, running)
    assert sorted(order) == [run for run, _ in waiting]
    for owner in "xyz":
        own = [run for run, other in waiting if other == owner]
        assert [run for run in order if run in own] == own


def test_a_visitor_has_one_turn_and_a_race_is_one() -> None:
    owners = {"a1": "ann", "a2": "ann", "b1": "bob", "r1": "cy", "r2": "cy", "c3": "cy", "m1": "", "m2": ""}
    groups = {"r1": "race", "r2": "race"}
    order = list(owners)
    assert admission.within_turns(order, owners, [], groups, 1) == ["a1", "b1", "r1", "r2", "m1", "m2"]
    running = [("a0", "ann"), ("r0", "cy")]
    assert admission.within_turns(order, owners, running, {**groups, "r0": "race"}, 1) == ["b1", "r1", "r2", "m1", "m2"]
    assert admission.within_turns(order, owners, running, groups, 2) == ["a1", "b1", "r1", "r2", "m1", "m2"]


def test_the_wait_is_that_of_the_runs_ahead() -> None:
    assert admission.expected_wait([], [], 1) == 0.0
    assert admission.expected_wait([7.0], [], 2) == 0.0
    assert admission.expected_wait([7.0, 3.0], [], 2) == 3.0
    # the first goes on the slot that is free after 3 s, until 8; the second on the one free after 7
    assert admission.expected_wait([7.0, 3.0], [5.0, 4.0], 2) == 8.0
    assert admission.expected_wait([float("inf")], [], 1) == float("inf")
    # a cluster without machines: nothing starts
    assert admission.expected_wait([], [], 0) == admission.expected_wait([7.0], [5.0], 0) == float("inf")


def test_limits_from_the_environment() -> None:
    limits = Limits.from_environment({"RNNLAB_SLOTS": "3", "RNNLAB_RUN_SECONDS": "2.5", "RNNLAB_QUEUE": "many"})
    assert (limits.slots, limits.run_seconds, limits.queue) == (3, 2.5, Limits.queue)
    assert Limits.from_environment({}).slots >= 1
    assert Limits.from_environment({"RNNLAB_SLOTS": "-1"}).slots >= 1


def test_too_little_space(tmp_path: Path) -> None:
    admission.check_space(tmp_path, Limits(slots=1, disk_floor_mb=0.001))
    with pytest.raises(RunError) as caught:
        admission.check_space(tmp_path, Limits(slots=1, disk_floor_mb=1e12))
    assert caught.value.code == "disk_low"
    assert caught.value.params["needed_mb"] == 1e12


def test_a_full_queue() -> None:
    admission.check_queue(1, Limits(slots=1, queue=2))
    with pytest.raises(RunError, match="2 runs are already waiting"):
        admission.check_queue(2, Limits(slots=1, queue=2))


def test_a_run_that_exceeds_the_memory_is_refused() -> None:
    largest = TrainConfig.make(num_hiddens=1024, num_layers=8, bidirectional=True, batch_size=1024, num_steps=512)
    with pytest.raises(RunError) as caught:
        admission.check_memory(largest, 1000, 1, Limits(slots=1))
    assert caught.value.code == "run_too_large"
    admission.check_memory(TrainConfig(), 1000, 9, Limits(slots=1))


def test_only_the_owner_controls_a_run() -> None:
    admission.check_owner("ann", Asker(id="ann"))
    admission.check_owner("ann", None)  # the shell belongs to the owner of the machine
    admission.check_owner("ann", Asker(id="t", teacher=True))
    # what the owner of the machine has started belongs to no visitor, and nothing to one without an identity
    for owner, visitor in (("ann", "bob"), ("", "bob"), ("ann", ""), ("", "")):
        with pytest.raises(RunError) as caught:
            admission.check_owner(owner, Asker(id=visitor))
        assert caught.value.code == "run_not_yours"


@pytest.mark.parametrize(("num_epochs", "pred_period", "every"), [(250, 50, 50), (10_000, 1, 256), (40, 1, 1)])
def test_how_many_checkpoints_are_kept(num_epochs: int, pred_period: int, every: int) -> None:
    config = TrainConfig.make(num_epochs=num_epochs, pred_period=pred_period)
    assert admission.checkpoint_epochs(config) == every
    assert num_epochs // every <= admission.MAX_CHECKPOINTS


@pytest.mark.parametrize(
    "changed",
    [
        {"num_hiddens": 16},
        {"residual": True},
        {"layer_norm": True},
        {"objective": "cloze"},
        {"computation": "as_written"},
    ],
)
def test_the_shape_of_the_cost(changed: dict[str, Any]) -> None:
    config = TrainConfig.make(num_layers=2, bidirectional=True)
    assert admission.cost_shape(config) == admission.cost_shape(config.change(learning_rate=1, random_seed=5))
    assert admission.cost_shape(config) != admission.cost_shape(config.change(**changed))


def test_a_new_setting_does_not_change_the_shape_of_older_runs() -> None:
    assert json.loads(admission.cost_shape(TrainConfig())) == {}
    assert json.loads(admission.cost_shape(TrainConfig.make(cell="gru", num_epochs=3))) == {"cell": "gru"}


def test_more_work_takes_longer() -> None:
    def seconds(**settings: object) -> float:
        return admission.estimate_epoch(TrainConfig.make(**settings), 1000, flops=1e10, op_seconds=1e-6)

    assert seconds(num_hiddens=512) > seconds(num_hiddens=64) > 0
    assert seconds(num_layers=2) > seconds(num_layers=1)
    assert seconds(implementation="library") < seconds(implementation="scratch")
    assert seconds(computation="as_written") > seconds()
