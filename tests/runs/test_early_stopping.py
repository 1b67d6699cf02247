"""Early stopping in real processes: the best checkpoint is kept, and a run that was killed ends where it would have."""

from __future__ import annotations

import os
import signal

import pytest

from rnnlab.errors import CorpusError
from rnnlab.events import CheckpointSaved, RunFinished
from rnnlab.runs.client import Client
from tests.made import PATIENT
from tests.runs.lab import curve, events, pause, pid_of, step, until, until_event, until_state


def ending(client: Client, run_id: str) -> RunFinished:
    until_state(client, run_id, "finished")
    (*_, last) = events(client, run_id)
    assert isinstance(last, RunFinished)
    return last


def test_the_best_checkpoint_is_kept_and_answers(client: Client) -> None:
    run_id = client.create(PATIENT)
    end = ending(client, run_id)
    assert end.best_epoch is not None
    assert 0 < end.best_epoch < end.epoch < PATIENT.num_epochs
    held_out = {e.epoch: e.held_out_perplexity for e in events(client, run_id, "epoch_finished")}
    measured = {epoch: value for epoch, value in held_out.items() if value is not None}
    assert end.best_epoch == min(measured, key=measured.__getitem__) == client.store.best_epoch(run_id)
    kept = [epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0]
    assert kept == [0, end.best_epoch, end.epoch]  # of the best, only the last is kept
    assert all(path.exists() for _, _, path in client.store.checkpoints(run_id))
    best, newest = (client.generate(run_id, "the", 60, epoch=epoch) for epoch in (end.best_epoch, None))
    assert best != newest
    # trained further, it counts anew from the last epoch, and ends at the latest where it was told to
    client.continue_run(run_id, 4)
    until(client, run_id, lambda record: record.state == "finished" and record.epoch == end.epoch + 4)
    assert client.store.run(run_id).num_epochs == end.epoch + 4


def test_a_run_that_was_killed_ends_at_the_same_epoch(client: Client) -> None:
    whole = client.create(PATIENT)
    end = ending(client, whole)
    run_id = client.create(PATIENT)
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.best)
    client.pause(run_id)
    until_state(client, run_id, "paused")
    os.kill(pid_of(client, run_id), signal.SIGKILL)
    until_state(client, run_id, "failed")
    client.continue_run(run_id)
    assert ending(client, run_id) == end
    assert curve(client, run_id) == curve(client, whole)
    assert client.store.best_epoch(run_id) == end.best_epoch


def test_without_detaching_the_best_checkpoint_keeps_its_mark(client: Client) -> None:
    run_id = client.create(PATIENT.change(detach=False, num_epochs=9, held_out_period=1, early_stopping=8))
    _, saved = until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.best)
    assert isinstance(saved, CheckpointSaved)
    pause(client, run_id)
    # within an epoch, the state of its beginning is saved again after a change of the learning rate
    step(client, run_id, "minibatch")
    best = client.store.best_epoch(run_id)
    client.set(run_id, "learning_rate", 0.001)
    client.stop(run_id)
    until_state(client, run_id, "stopped")
    reports = [event for event in events(client, run_id, "checkpoint_saved") if event.epoch == best]
    assert len(reports) > 1
    assert all(report.best for report in reports)
    assert client.store.best_epoch(run_id) == best


def test_a_text_without_held_out_characters_is_refused_before_the_run_is_created(client: Client) -> None:
    before = client.store.runs()
    with pytest.raises(CorpusError) as caught:
        client.create(PATIENT.change(num_chars=2_000_000))
    assert caught.value.code == "corpus_no_held_out"
    assert client.store.runs() == before
