"""Supervisors that are told to end, or end because nobody is left: which runs go on, from where, and when."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs import client as clients
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from tests.runs.lab import (
    LONG,
    PATIENCE,
    TINY,
    curve,
    events,
    has_ended,
    opened,
    pause,
    pid_of,
    step,
    until,
    until_event,
    until_state,
    warm,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd: Linux only")

WHOLE = TINY.change(num_epochs=150, sampling="random", optimizer="adam", learning_rate=0.01, pred_period=25)


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Let the next supervisor start soon after one that was told to end, and train three runs at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "RESTART_DELAY", 0.1)
        patch.setenv("RNNLAB_SLOTS", "3")
        yield


@pytest.fixture(scope="module")
def shared(_quick: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a home for the tests here, as torch is loaded anew after each end of its supervisor."""
    with opened(tmp_path_factory.mktemp("home")) as client:
        yield warm(client)


@pytest.fixture(scope="module")
def undisturbed() -> dict[TrainConfig, str]:
    """The runs of the shared home that trained without a restart, by their configurations."""
    return {}


def replaced(client: Client, pid: int) -> None:
    """Wait until a supervisor has ended and the client has another."""
    assert has_ended(pid)
    deadline = time.monotonic() + PATIENCE
    found = pid
    while found == pid:
        assert time.monotonic() < deadline
        with contextlib.suppress(RunError):  # supervisor_lost, if it was asked while it ended
            found = client.status()["pid"]


def tell(client: Client, number: int = signal.SIGTERM) -> None:
    """Tell the supervisor of a client to end, and wait until the next one is there."""
    pid = client.status()["pid"]
    os.kill(pid, number)
    replaced(client, pid)


def positions(client: Client, run_id: str) -> list[tuple[int, int]]:
    return [(event.epoch, event.minibatch) for event in events(client, run_id, "run_started")]


def check_whole(client: Client, run_id: str, config: TrainConfig, undisturbed: dict[TrainConfig, str]) -> None:
    """Check that a run which was continued is the same, bit for bit, as one that was not, and that nothing is twice."""
    if config not in undisturbed:
        undisturbed[config] = client.create(config)
    whole = undisturbed[config]
    for one in (run_id, whole):
        assert until_state(client, one, "finished", "failed").state == "finished"
    assert curve(client, run_id) == curve(client, whole)
    epochs = [event.epoch for event in events(client, run_id, "epoch_finished")]
    assert epochs == list(range(1, config.num_epochs + 1)), "no epoch is trained twice"
    texts, as_usual = (
        [(event.epoch, event.text) for event in events(client, one, "text_generated")] for one in (run_id, whole)
    )
    assert texts == as_usual


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_end_it_saves_its_runs_which_go_on_to_the_same_curve(
    client: Client, undisturbed: dict[TrainConfig, str], number: signal.Signals
) -> None:
    run_id = client.create(WHOLE)
    until(client, run_id, lambda record: record.epoch >= 3)
    tell(client, number)
    record = client.store.run(run_id)
    assert record.state in ("queued", "running", "finished"), "nobody has to continue it"
    check_whole(client, run_id, WHOLE, undisturbed)
    (_, again) = positions(client, run_id)
    saved = events(client, run_id, "checkpoint_saved")
    assert again in [(event.epoch, event.minibatch) for event in saved]
    assert client.store.parked() == {}


def test_they_may_be_told_to_end_again_and_again(client: Client, undisturbed: dict[TrainConfig, str]) -> None:
    """Runs with a carried state, with sampled texts, and with a gradient that is not cut off, through the same ends."""
    whole = WHOLE.change(num_epochs=40)
    configs = [
        whole.change(cell="lstm", sampling="consecutive", carry_state=True),
        whole.change(cell="gru", num_layers=2, optimizer="sgd", num_preds=40, decoding="temperature"),
        whole.change(detach=False, sampling="consecutive"),
    ]
    runs = [client.create(config) for config in configs]
    for run_id in runs:  # none has ended before all have begun
        until(client, run_id, lambda record: record.epoch >= 1)
        pause(client, run_id)
    for run_id in runs:
        client.resume(run_id)
    tell(client)
    for _ in range(2):
        before = {run_id: client.store.run(run_id).epoch for run_id in runs}
        for run_id, epoch in before.items():
            until(client, run_id, lambda record, epoch=epoch: record.epoch > epoch or not record.live)  # type: ignore[misc]
        tell(client)
    for run_id, config in zip(runs, configs, strict=True):
        assert len(positions(client, run_id)) > 1
        check_whole(client, run_id, config, undisturbed)


def test_a_paused_run_is_paused_afterwards_and_goes_on_with_the_next_minibatch(
    client: Client, undisturbed: dict[TrainConfig, str]
) -> None:
    run_id = client.create(WHOLE)
    until(client, run_id, lambda record: record.epoch >= 1)
    pause(client, run_id)
    paused = step(client, run_id, "minibatch")
    if not events(client, run_id, "run_paused")[-1].minibatch:  # that was the last minibatch of an epoch
        paused = step(client, run_id, "minibatch")
    last = events(client, run_id, "run_paused")[-1]
    assert last.minibatch, "in the middle of an epoch"
    tell(client)
    assert client.store.run(run_id).state == "paused"
    assert client.status()["runs"] == {}
    assert client.store.run(run_id).epoch == paused.epoch
    client.pause(run_id)  # no effect
    assert client.store.run(run_id).state == "paused"
    client.resume(run_id)
    check_whole(client, run_id, WHOLE, undisturbed)
    assert positions(client, run_id) == [(0, 0), (last.epoch, last.minibatch)]


def test_a_run_that_cannot_go_on_within_an_epoch_goes_on_from_its_start(
    client: Client, undisturbed: dict[TrainConfig, str]
) -> None:
    config = WHOLE.change(num_epochs=5, detach=False, sampling="consecutive")
    run_id = client.create(config)
    until_state(client, run_id, "running")
    pause(client, run_id)
    step(client, run_id, "epoch")
    step(client, run_id, "minibatch")
    last = events(client, run_id, "run_paused")[-1]
    assert last.minibatch
    tell(client)
    client.resume(run_id)
    check_whole(client, run_id, config, undisturbed)
    assert positions(client, run_id) == [(0, 0), (last.epoch, 0)]


def test_what_is_asked_of_a_parked_run_is_done_by_its_next_worker(client: Client) -> None:
    runs = [client.create(LONG) for _ in range(3)]
    stopped, stepped, changed = runs
    for run_id in runs:
        until_state(client, run_id, "running")
        pause(client, run_id)
        step(client, run_id, "minibatch")
    tell(client)
    assert {client.store.run(run_id).state for run_id in runs} == {"paused"}
    # stop
    client.stop(stopped)
    client.stop(stopped)
    record = client.store.run(stopped)
    assert (record.state, record.continuable) == ("stopped", True)
    end = events(client, stopped)[-1]
    assert (end.kind, end.epoch, end.minibatch) == ("run_finished", *client.store.checkpoints(stopped)[-1][:2])
    client.continue_run(stopped)
    until_state(client, stopped, "running")
    # step
    epoch, seq = client.store.run(stepped).epoch, client.store.events_since(stepped)[-1][0]
    client.step(stepped, "epoch")
    _, there = until_event(client, stepped, lambda event: event.kind == "run_paused", seq)
    assert (there.epoch, there.minibatch) == (epoch + 1, 0)
    # settings; the last of each counts
    for rate in (0.5, 0.25):
        client.set(changed, "learning_rate", rate)
    client.set(changed, "clip_norm", None)
    client.resume(changed)
    client.pause(changed)
    client.resume(changed)
    epoch = client.store.run(changed).epoch
    until(client, changed, lambda record: record.epoch > epoch + 1)
    done = [(event.name, event.value) for event in events(client, changed, "setting_changed")]
    assert done == [("learning_rate", 0.25), ("clip_norm", None)]
    assert events(client, changed, "epoch_finished")[-1].learning_rate == 0.25
    client.delete(stepped)


def test_a_step_that_was_interrupted_is_taken_to_its_end(client: Client) -> None:
    config = LONG.change(pred_period=150)
    run_id = client.create(config)
    until_state(client, run_id, "running")
    pause(client, run_id)
    cursor = client.store.events_since(run_id)[-1][0]
    client.step(run_id, "period")
    until(client, run_id, lambda record: record.epoch >= 3)
    tell(client)
    _, there = until_event(client, run_id, lambda event: event.kind == "run_paused", cursor)
    assert (there.epoch, there.minibatch) == (150, 0)
    assert len(positions(client, run_id)) == 2, "it was in the middle of the step"


def test_queued_runs_start_by_themselves_after_those_that_had_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "1")
    with opened(tmp_path) as client:
        runs = [client.create(TINY.change(num_epochs=150, pred_period=150)), *(client.create(TINY) for _ in range(3))]
        until(client, runs[0], lambda record: record.epoch >= 1)
        tell(client)
        for run_id in runs:
            assert until_state(client, run_id, "finished", "failed", "interrupted").state == "finished"
        started = [client.store.run(run_id).started_at or 0.0 for run_id in runs]
        assert started == sorted(started)
        finished = [client.store.run(run_id).finished_at or 0.0 for run_id in runs]
        assert finished == sorted(finished), "it has kept its place"


def test_queued_runs_start_by_themselves_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "1")
    with opened(tmp_path) as client:
        running, *waiting = [client.create(LONG), *(client.create(TINY) for _ in range(3))]
        until_event(client, running, lambda event: event.kind == "checkpoint_saved")
        os.kill(client.status()["pid"], signal.SIGKILL)
        for run_id in waiting:
            assert until_state(client, run_id, "finished", "failed", "interrupted").state == "finished"
        record = client.store.run(running)
        assert (record.state, record.continuable) == ("interrupted", True)


def test_a_worker_that_does_not_answer_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "2")
    monkeypatch.setenv("RNNLAB_STOP_SECONDS", "0.5")
    with opened(tmp_path) as client:
        stuck, good = client.create(LONG), client.create(LONG)
        pid = pid_of(client, stuck)
        for run_id in (stuck, good):
            until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        os.kill(pid, signal.SIGSTOP)
        tell(client)
        assert has_ended(pid)
        record = client.store.run(stuck)
        assert (record.state, record.continuable) == ("interrupted", True)
        until_state(client, good, "running")


def test_told_twice_it_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_STOP_SECONDS", "1000")
    with opened(tmp_path) as client:
        run_id = client.create(LONG)
        worker, supervisor = pid_of(client, run_id), client.status()["pid"]
        until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        os.kill(worker, signal.SIGSTOP)
        os.kill(supervisor, signal.SIGTERM)
        # it still serves its clients while it waits
        assert client.status()["pid"] == supervisor
        waiting = client.create(TINY)
        assert not has_ended(supervisor, 0.3)
        assert client.store.run(waiting).state == "queued"
        os.kill(supervisor, signal.SIGTERM)
        assert has_ended(supervisor)
        assert has_ended(worker)
        assert until_state(client, run_id, "interrupted").continuable
        assert until_state(client, waiting, "finished", "interrupted").state == "finished"


def test_a_service_that_is_stopped_as_a_whole_goes_on_when_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its processes get the signal, and nothing is started in the meantime."""
    monkeypatch.setattr(clients, "RESTART_DELAY", 1e6)
    with Client(tmp_path) as client:
        warm(client)
        run_id, paused = client.create(WHOLE.change(num_epochs=2000)), client.create(LONG)
        until_state(client, paused, "running")
        pause(client, paused)
        until(client, run_id, lambda record: record.epoch >= 1)
        pids = {*client.status()["pids"], *client.status()["runs"].values()}
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        assert all(has_ended(pid) for pid in pids)
        assert Endpoint.read(tmp_path) is None
        assert client.store.run(run_id).state == "queued"
        assert client.store.run(paused).state == "paused"
    assert Endpoint.read(tmp_path) is None, "who closes need not wait"
    with opened(tmp_path) as client:
        epoch = client.store.run(run_id).epoch
        until(client, run_id, lambda record: record.epoch > epoch)
        assert client.store.run(paused).state == "paused"
        client.resume(paused)
        until_state(client, paused, "running")


def test_what_waited_when_nobody_was_left_waits_for_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "1")
    with opened(tmp_path) as client:
        running = client.create(LONG)
        until_event(client, running, lambda event: event.kind == "checkpoint_saved")
        waiting = [client.create(LONG) for _ in range(3)]
    with Store(tmp_path / DATABASE) as store:
        assert store.run(running).state == "interrupted"
        assert {store.run(run_id).state for run_id in waiting} == {"queued"}
    # a command has a supervisor of its own, which trains what the command asks for
    with opened(tmp_path) as client:
        own = client.create(TINY)
        assert client.store.run(own).queue_position in (1, None)
        assert until_state(client, own, "finished", "failed").state == "finished"
        assert {client.store.run(run_id).state for run_id in waiting} == {"queued"}
        # or what it continues
        client.continue_run(waiting[1])
        until_state(client, waiting[1], "running")
        client.stop(waiting[1])
        until_state(client, waiting[1], "stopped")
        assert {client.store.run(run_id).state for run_id in waiting} == {"queued", "stopped"}
        # and a server of pages that comes later lets them all start, in their turn
        with Client(tmp_path, resumes=True):
            until_state(client, waiting[0], "running")
            assert client.store.run(waiting[2]).queue_position == 1
            client.stop(waiting[0])
            until_state(client, waiting[2], "running")


def test_after_a_kill_a_command_still_does_not_start_what_waited_for_a_server(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        slots = client.status()["slots"]
        waiting = [client.create(LONG) for _ in range(slots + 1)][-1]
    with opened(tmp_path) as client:
        pid = client.status()["pid"]
        os.kill(pid, signal.SIGKILL)
        replaced(client, pid)
        own = client.create(TINY)
        assert until_state(client, own, "finished").state == "finished"
        assert client.store.run(waiting).state == "queued"


def test_an_end_while_torch_is_still_loading_leaves_the_run_queued(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        run_id = client.create(TINY)
        tell(client)
        assert until_state(client, run_id, "finished", "failed", "interrupted").state == "finished"
        assert positions(client, run_id) == [(0, 0)]
