"""The life of a run through the client: start, control, continue, ask, delete."""

from __future__ import annotations

import dataclasses
import json
import math
import queue
import shutil
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from rnnlab.engine.device import available_devices
from rnnlab.errors import ConfigError, CorpusError, PrefixError, RNNLabError, RunError
from rnnlab.runs import schema
from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.protocol import SUPERVISOR_TO_CLIENT, Lines, Refusal, Result, Welcome
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
    visitor,
)


def refusal(code: str) -> pytest.RaisesExc[RNNLabError]:
    return pytest.RaisesExc(RNNLabError, check=lambda error: error.code == code)


def test_a_run_from_start_to_end(client: Client) -> None:
    run_id = visitor(client, "ann").create(TINY, name="A6", language="en")
    followed = list(client.follow(run_id))
    record = client.store.run(run_id)
    assert (record.state, record.epoch, record.name, record.owner) == ("finished", 3, "A6", "ann")
    assert record.started_at is not None
    assert record.finished_at is not None
    kinds = [event.kind for event in followed]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert kinds.count("epoch_finished") == 3
    assert [event.text[:3] for event in followed if event.kind == "text_generated"] == ["the"] * 4
    assert [event.epoch for event in followed if event.kind == "text_generated"] == [0, 1, 2, 3]
    # all events were stored in order
    assert events(client, run_id) == followed
    # each run has its own process, which ends with the run
    pid = client.status()["runs"].get(run_id)
    assert pid is None or has_ended(pid)


def test_the_same_seed_gives_the_same_curve(client: Client) -> None:
    runs = [client.create(TINY.change(random_seed=seed)) for seed in (1, 1, 2)]
    for run_id in runs:
        until_state(client, run_id, "finished")
    first, again, other = (curve(client, run_id) for run_id in runs)
    assert first == again
    assert first != other


def test_pause_step_resume_stop(client: Client) -> None:
    run_id = client.create(LONG)
    until(client, run_id, lambda record: record.epoch >= 1)
    pause(client, run_id)
    seq, paused = until_event(client, run_id, lambda event: event.kind == "run_paused")
    # a pause saves a checkpoint at its position
    seq, saved = until_event(client, run_id, lambda event: event.kind == "checkpoint_saved", seq)
    assert (saved.epoch, saved.minibatch) == (paused.epoch, paused.minibatch)

    # its position, in minibatches
    total = events(client, run_id, "run_started")[0].num_minibatches
    client.step(run_id, "minibatch")
    seq, stepped = until_event(client, run_id, lambda event: event.kind == "run_paused", seq)
    assert stepped.epoch * total + stepped.minibatch == paused.epoch * total + paused.minibatch + 1
    # every minibatch is reported when stepping
    _, minibatch = [item for item in client.store.events_since(run_id) if item[1].kind == "minibatch_finished"][-1]
    assert minibatch.minibatch == (stepped.minibatch or total)

    client.step(run_id, "epoch")
    _, stepped = until_event(client, run_id, lambda event: event.kind == "run_paused", seq)
    assert stepped.minibatch == 0

    client.resume(run_id)
    until(client, run_id, lambda record: record.state == "running" and record.epoch > stepped.epoch + 1)
    client.stop(run_id)
    record = until_state(client, run_id, "stopped")
    assert record.continuable
    # the last checkpoint is at the position of the stop
    ended = events(client, run_id, "run_finished")[-1]
    assert client.store.checkpoints(run_id)[-1][:2] == (ended.epoch, ended.minibatch)


def test_a_command_for_a_state_that_is_already_there_changes_nothing(client: Client) -> None:
    """Two tabs, or a double click: the second pause, resume or stop is accepted and has no effect."""

    def count(kind: str) -> int:
        return len(events(client, run_id, kind))

    run_id = client.create(LONG)
    until_state(client, run_id, "running")
    client.resume(run_id)
    client.pause(run_id)
    pause(client, run_id)
    client.pause(run_id)
    # the worker has read the second pause before the step, and has reported one pause for each wait
    client.step(run_id, "minibatch")
    until(client, run_id, lambda record: record.state == "paused" and count("run_paused") == 2)
    assert count("run_resumed") == 1

    client.resume(run_id)
    client.resume(run_id)
    until_state(client, run_id, "running")
    pause(client, run_id)
    assert (count("run_resumed"), count("run_paused")) == (2, 3)

    client.stop(run_id)
    client.stop(run_id)
    version = until_state(client, run_id, "stopped").version
    client.stop(run_id)
    assert client.store.version(run_id) == version
    assert count("run_finished") == 1


def test_the_last_of_several_quick_commands_counts(client: Client) -> None:
    """A pause right after a resume is carried out, although the store does not show the resume yet."""
    run_id = client.create(LONG)
    until_state(client, run_id, "running")
    pause(client, run_id)
    cursor = 0
    for _ in range(5):
        client.resume(run_id)
        client.pause(run_id)
        client.set(run_id, "learning_rate", 0.5)  # its event shows that the worker has read the earlier messages
        cursor, _ = until_event(client, run_id, lambda event: event.kind == "setting_changed", cursor)
        until_state(client, run_id, "paused")


def test_settings_change_between_two_minibatches(client: Client) -> None:
    run_id = client.create(LONG)
    until(client, run_id, lambda record: record.epoch >= 1)
    client.set(run_id, "learning_rate", 0.25)
    client.set(run_id, "clip_norm", None)
    seq, changed = until_event(client, run_id, lambda event: event.kind == "setting_changed")
    assert (changed.name, changed.value) == ("learning_rate", 0.25)
    _, changed = until_event(client, run_id, lambda event: event.kind == "setting_changed", seq)
    assert (changed.name, changed.value) == ("clip_norm", None)
    after = changed.epoch + 2
    until_event(client, run_id, lambda event: event.kind == "epoch_finished" and event.epoch >= after)
    last = events(client, run_id, "epoch_finished")[-1]
    assert (last.learning_rate, last.clip_norm) == (0.25, None)
    with pytest.raises(ConfigError):
        client.set(run_id, "learning_rate", -1.0)
    with refusal("setting_fixed"):
        client.set(run_id, "num_hiddens", 3)


def test_few_minibatches_are_reported_and_the_latest_checkpoint_is_kept(client: Client) -> None:
    run_id = client.create(LONG)
    until(client, run_id, lambda record: record.epoch >= 40)
    pause(client, run_id)
    minibatches = len(events(client, run_id, "minibatch_finished"))
    assert minibatches < 40
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.epoch > 0)
    checkpoints = client.store.checkpoints(run_id)
    assert checkpoints[0][:2] == (0, 0)
    assert len(checkpoints) == 2
    folder = checkpoints[0][2].parent
    assert {path for _, _, path in checkpoints} == set(folder.iterdir())


def test_every_minibatch_is_reported_without_detaching(client: Client) -> None:
    run_id = client.create(TINY.change(detach=False, num_epochs=1))
    followed = list(client.follow(run_id))
    minibatches = [event for event in followed if event.kind == "minibatch_finished"]
    assert [event.minibatch for event in minibatches] == list(range(1, minibatches[0].num_minibatches + 1))
    assert all(event.seconds > 0 for event in minibatches)
    # memory of the whole process, which includes torch; known only on Linux
    if sys.platform == "linux":
        assert all(event.memory_mb is not None and event.memory_mb > 10 for event in minibatches)


def test_a_stopped_run_continues_as_if_it_had_not_stopped(client: Client) -> None:
    config = TINY.change(num_epochs=150, sampling="random", optimizer="adam", learning_rate=0.01, pred_period=1000)
    whole = client.create(config)
    until_state(client, whole, "finished")
    run_id = client.create(config)
    until_event(client, run_id, lambda event: event.kind == "run_started")
    pause(client, run_id)
    step(client, run_id, "epoch")
    client.step(run_id, "minibatch")  # into the middle of an epoch
    client.stop(run_id)
    stopped = until_state(client, run_id, "stopped", "finished")
    assert stopped.state == "stopped"
    client.continue_run(run_id)
    record = until_state(client, run_id, "finished")
    assert record.error is None
    assert len(events(client, run_id, "run_started")) == 2
    assert curve(client, run_id) == curve(client, whole)
    assert texts(client, run_id) == texts(client, whole) == [0, 1, 2, 5, 10, 20, 150]


def test_a_finished_run_continues_for_more_epochs(client: Client) -> None:
    longer = client.create(TINY.change(num_epochs=5))
    run_id = client.create(TINY)
    until_state(client, run_id, "finished")
    with refusal("run_complete"):
        client.continue_run(run_id)
    client.continue_run(run_id, 2)
    record = until(client, run_id, lambda record: record.state == "finished" and record.epoch == 5)
    assert (record.num_epochs, record.config.num_epochs) == (5, 5)
    until_state(client, longer, "finished")
    assert curve(client, run_id) == curve(client, longer)
    with refusal("config_value"):
        client.continue_run(run_id, 100_000)


def texts(client: Client, run_id: str) -> list[int]:
    return [event.epoch for event in events(client, run_id, "text_generated")]


def test_the_first_checkpoint_comes_after_the_text_of_the_untrained_network(client: Client) -> None:
    run_id = client.create(TINY)
    until_state(client, run_id, "finished")
    first = [event.kind for event in events(client, run_id) if event.kind != "minibatch_finished"][:3]
    assert first == ["run_started", "text_generated", "checkpoint_saved"]
    assert texts(client, run_id) == [0, 1, 2, 3]


def test_a_run_that_goes_on_from_epoch_0_does_not_write_again_without_training(client: Client) -> None:
    run_id = client.create(TINY.change(num_epochs=0))
    until_state(client, run_id, "finished")
    assert texts(client, run_id) == [0]
    client.continue_run(run_id, 3)
    until(client, run_id, lambda record: record.state == "finished" and record.epoch == 3)
    assert [event.epoch for event in events(client, run_id, "run_started")] == [0, 0]
    assert texts(client, run_id) == [0, 1, 2, 3]


def test_early_texts_keep_no_checkpoints(client: Client) -> None:
    run_id = client.create(TINY.change(num_epochs=9, pred_period=4))
    until_state(client, run_id, "finished")
    assert texts(client, run_id) == [0, 1, 2, 4, 5, 8, 9]
    assert [epoch for epoch, *_ in client.store.checkpoints(run_id)] == [0, 4, 8, 9]


def test_commands_that_the_state_does_not_allow_are_refused(client: Client) -> None:
    run_id = client.create(TINY)
    until_state(client, run_id, "finished")
    for command in (client.pause, client.resume, client.stop, client.step):
        with refusal("run_state"):
            command(run_id)
    running = client.create(LONG)
    until_state(client, running, "running")
    with refusal("run_state"):
        client.continue_run(running)
    with refusal("step_unknown"):
        client.step(running, "century")
    with refusal("run_unknown"):
        client.pause("nothing")


TOO_LARGE = {
    "cell": "lstm",
    "num_hiddens": 1024,
    "num_layers": 8,
    "bidirectional": True,
    "optimizer": "adam",
    "precision": "float64",
}


@pytest.mark.parametrize(
    ("settings", "error", "code"),
    [
        ({"num_chars": 20}, CorpusError, "corpus_too_short"),
        ({"corpus": "no-such-corpus"}, CorpusError, "corpus_unknown"),
        ({"corpus": "text-0123456789abcdef"}, CorpusError, "corpus_text_gone"),
        ({"prefixes": ("分开",)}, PrefixError, "prefix_character"),
        (TOO_LARGE, RunError, "run_too_large"),
    ],
)
def test_a_run_that_cannot_be_trained_is_refused_at_once(
    client: Client, settings: dict[str, object], error: type[RNNLabError], code: str
) -> None:
    before = len(client.store.runs())
    with pytest.raises(error) as caught:
        client.create(TINY.change(**settings))
    assert caught.value.code == code
    assert len(client.store.runs()) == before


def test_a_run_that_diverges_keeps_everything_before(client: Client) -> None:
    run_id = client.create(TINY.change(learning_rate=1e4, clip_norm=None, activation="relu", num_epochs=200))
    record = until_state(client, run_id, "diverged", "finished")
    assert record.state == "diverged"
    assert not record.continuable
    assert events(client, run_id)[-1].kind == "run_diverged"
    with refusal("run_not_continuable"):
        client.continue_run(run_id)


def test_a_run_that_exceeds_its_memory_limit_fails_with_that_reason(tmp_path: Path) -> None:
    # only the worker can decide: torch has 190 MB before a run begins, and this run needs another 100 for its weights
    # and their gradients, while the next one needs almost nothing
    from tests.runs.lab import opened, warm

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RNNLAB_MEMORY_MB", "230")
        with opened(tmp_path / "home") as client:
            warm(client)
            config = TINY.change(num_hiddens=1024, num_layers=2, cell="lstm", num_chars=600)
            run_id = client.create(config)
            record = until_state(client, run_id, "failed", "finished")
            assert record.error is not None
            assert record.error["code"] == "run_out_of_memory"
            # other runs are not affected, nor is the next run
            assert until_state(client, client.create(TINY), "finished", "failed").state == "finished"


def test_questions_to_checkpoints(client: Client) -> None:
    run_id = client.create(TINY.change(num_epochs=4))
    until_state(client, run_id, "finished")
    texts = {event.epoch: event.text for event in events(client, run_id, "text_generated")}
    # decoding again from a checkpoint gives the text of the run
    assert client.generate(run_id, "the", 4, epoch=2) == texts[2]
    assert client.generate(run_id, "the", 4) == texts[4]
    warm = client.generate(run_id, "the", 40, "temperature", 5.0, seed=1)
    assert len(warm) == 43
    assert warm == client.generate(run_id, "the", 40, "temperature", 5.0, seed=1)
    assert warm != client.generate(run_id, "the", 40, "temperature", 5.0, seed=2)
    # the answers are stored with the run
    kept = [(question["prefix"], answer["text"]) for question, answer in client.store.answers(run_id)]
    assert ("the", warm) in kept
    assert len(kept) == 4
    with refusal("prefix_character"):
        client.generate(run_id, "分", 4)
    with refusal("config_value"):
        client.generate(run_id, "the", 10**9)
    with pytest.raises(RunError) as caught:
        client.generate(run_id, "the", 4, epoch=1)
    assert caught.value.code == "checkpoint_unknown"
    assert caught.value.params["allowed"] == "0, 2, 4"


def test_questions_are_answered_while_all_slots_train(client: Client) -> None:
    slots = client.status()["slots"]
    runs = [client.create(LONG) for _ in range(slots + 1)]
    for run_id in runs[:slots]:
        until_state(client, run_id, "running")
    assert client.store.run(runs[-1]).state == "queued"
    until_event(client, runs[0], lambda event: event.kind == "checkpoint_saved")
    assert client.generate(runs[0], "the", 3).startswith("the")
    assert client.store.run(runs[-1]).state == "queued"
    # it starts when another run ends
    client.stop(runs[0])
    until_state(client, runs[-1], "running")


def test_the_queue_is_shared_fairly(client: Client) -> None:
    slots = client.status()["slots"]
    by_ann, by_bob = visitor(client, "ann"), visitor(client, "bob")
    ann = [by_ann.create(LONG) for _ in range(slots)]
    for run_id in ann:
        until_state(client, run_id, "running")
    ann += [by_ann.create(LONG) for _ in range(2)]
    bob = by_bob.create(LONG)
    assert client.store.run(bob).queue_position == 1
    assert client.store.run(ann[-1]).queue_position == 3
    client.stop(ann[0])
    until_state(client, bob, "running")
    assert client.store.run(ann[-1]).state == "queued"
    # waiting runs can be stopped
    client.stop(ann[-1])
    assert client.store.run(ann[-1]).state == "stopped"
    # only the owner of a run can control it
    with refusal("run_not_yours"):
        by_ann.stop(bob)
    by_bob.stop(bob)


def test_deleting_a_run_that_trains(client: Client) -> None:
    run_id = client.create(LONG)
    pid = pid_of(client, run_id)
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
    assert client.delete(run_id) > 60
    with refusal("run_unknown"):
        client.store.run(run_id)
    assert client.store.events_since(run_id) == []
    assert has_ended(pid)
    # followers are notified
    with refusal("run_unknown"):
        list(client.follow(run_id))
    # it comes back as if its worker had been killed
    client.restore(run_id)
    record = client.store.run(run_id)
    assert (record.state, record.continuable) == ("interrupted", True)
    client.continue_run(run_id)
    until(client, run_id, lambda run: run.epoch > record.epoch)


def test_a_deleted_run_is_restored_with_its_weights(client: Client) -> None:
    run_id = visitor(client, "ann").create(TINY, name="A2")
    until_state(client, run_id, "finished")
    before, text = client.store.run(run_id), client.generate(run_id, "the", 8, "temperature", seed=3)
    events_before, files = client.store.events_since(run_id), client.store.checkpoints(run_id)
    with refusal("run_not_yours"):
        visitor(client, "bob").delete(run_id)
    client.delete(run_id)
    for ask in (lambda: client.generate(run_id, "the", 8), lambda: client.continue_run(run_id, 1)):
        with refusal("run_unknown"):
            ask()
    with refusal("run_not_yours"):
        visitor(client, "bob").restore(run_id)
    client.restore(run_id)
    after = client.store.run(run_id)
    assert dataclasses.replace(after, version=0) == dataclasses.replace(before, version=0)
    assert client.store.events_since(run_id) == events_before
    assert client.store.checkpoints(run_id) == files
    assert all(file.is_file() for _, _, file in files)
    assert client.generate(run_id, "the", 8, "temperature", seed=3) == text
    with refusal("run_unknown"):
        client.restore(run_id)  # it is not deleted
    client.continue_run(run_id, 1)
    assert until_state(client, run_id, "finished").epoch == before.epoch + 1


def test_a_waiting_run_that_was_deleted_waits_again(client: Client) -> None:
    slots = client.status()["slots"]
    runs = [client.create(LONG) for _ in range(slots + 1)]
    until_state(client, runs[0], "running")
    client.delete(runs[-1])
    client.restore(runs[-1])
    assert client.store.run(runs[-1]).state == "queued"
    client.delete(runs[0])
    until_state(client, runs[-1], "running")


def test_a_deleted_run_and_its_files_go_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as client:
        kept, gone = (client.create(TINY) for _ in range(2))
        for run_id in (kept, gone):
            until_state(client, run_id, "finished")
            client.delete(run_id)
    with closing(schema.connect_writer(tmp_path / schema.DATABASE)) as connection:
        connection.execute("update deleted_runs set deleted_at = deleted_at - 3600 where id = ?", [gone])
    with opened(tmp_path) as client:
        folders = tmp_path / "checkpoints"
        deadline = time.monotonic() + PATIENCE
        while (folders / gone).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [run.id for run in client.store.deleted()] == [kept]
        client.restore(kept)
        assert client.generate(kept, "the", 3)
        # a disk with little space keeps nothing
        monkeypatch.setenv("RNNLAB_DISK_FLOOR_MB", "1e12")
    with opened(tmp_path) as client:
        assert client.delete(kept) == 0
        assert client.store.deleted() == []
        assert not (folders / kept).exists()


def test_starring(client: Client) -> None:
    run_id = client.create(TINY)
    client.star(run_id, True)
    assert client.store.run(run_id).starred
    client.star(run_id, False)
    assert not client.store.run(run_id).starred


def test_a_run_can_be_given_a_title(client: Client) -> None:
    run_id = visitor(client, "ann").create(TINY)
    assert client.store.run(run_id).title == ""
    version = client.store.version(run_id)
    visitor(client, "ann").rename(run_id, "  第一次\n<b>尝试</b> ")
    assert client.store.run(run_id).title == "第一次 <b>尝试</b>"  # one line, plain text
    assert client.store.version(run_id) > version
    with refusal("run_not_yours"):
        visitor(client, "bob").rename(run_id, "mine")
    for bad in ("x" * 81, "a\x00b", "a\u202eb"):
        with refusal("title_invalid"):
            client.rename(run_id, bad)
    client.rename(run_id, "")
    assert client.store.run(run_id).title == ""


def test_an_uploaded_text(client: Client) -> None:
    name = client.add_text("to be or not to be, that is the question. " * 20, "hamlet.txt")
    assert client.store.text_title(name) == "hamlet.txt"
    run_id = client.create(TINY.change(corpus=name))
    until_state(client, run_id, "finished")
    with pytest.raises(CorpusError):
        client.add_text(" \n ", "nothing")
    with pytest.raises(CorpusError):
        client.add_text("x" * (2**21 + 2**20), "too large")
    with refusal("corpus_one_character"):
        client.add_text("a" * 3000 + "\n", "one.txt")


def test_two_threads_share_a_client(client: Client) -> None:
    runs: dict[int, str] = {}

    def work(number: int) -> None:
        run_id = client.create(TINY.change(random_seed=number))
        list(client.follow(run_id))
        runs[number] = client.store.run(run_id).state

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs == dict.fromkeys(range(4), "finished")


def test_how_long_an_epoch_takes(client: Client) -> None:
    unseen = TINY.change(num_hiddens=11)
    estimate = client.seconds_per_epoch(unseen)  # from the speed of this machine
    assert estimate is not None
    assert 1e-5 < estimate < 1
    run_id = client.create(unseen)
    until_state(client, run_id, "finished")
    seconds = sorted(event.seconds for event in events(client, run_id, "epoch_finished"))
    assert client.seconds_per_epoch(unseen) == seconds[1]
    assert client.seconds_per_epoch(TINY.change(corpus="no-such-corpus")) is None


def test_the_status_of_the_supervisor(client: Client) -> None:
    status = client.status(memory=True)
    assert status["ready"]
    assert status["slots"] >= 1
    assert status["memory_mb"] > 20


def test_a_command_that_cannot_be_read(client: Client) -> None:
    """It is refused with its id, and the connection stays open; a line that is not a request closes the connection."""
    endpoint = Endpoint.read(client.home)
    assert endpoint is not None
    with endpoint.dial() as connection:
        connection.settimeout(PATIENCE)
        lines, replies = Lines(), queue.SimpleQueue[bytes]()

        def ask(command: str) -> Welcome | Result | Refusal:
            connection.sendall(b'{"kind":"request","id":7,"command":%s}\n' % command.encode())
            return receive()

        def receive() -> Welcome | Result | Refusal:
            while replies.empty():
                for line in lines.feed(connection.recv(1 << 16)):
                    replies.put(line)
            return SUPERVISOR_TO_CLIENT.decode(replies.get())

        assert isinstance(receive(), Welcome)
        for command, code in (
            ('{"kind":"pause_run"}', "command_invalid"),
            ('{"kind":"pause_run","run":3}', "command_invalid"),
            ('{"kind":"pause_run","run":"x","surplus":1}', "command_invalid"),
            ('{"kind":"_nonsense"}', "command_unknown"),
            ('{"kind":"hello","token":"x"}', "command_unknown"),
            ('{"kind":"wait_for_change","run":"x","version":"y"}', "command_invalid"),
            ('{"kind":"wait_for_change","run":"x","version":Infinity}', "command_invalid"),
            ('{"kind":"pause_run","run":"x"}', "run_unknown"),
        ):
            reply = ask(command)
            assert isinstance(reply, Refusal)
            assert (reply.id, reply.error.code) == (7, code)
        connection.sendall(b'{"kind":"request"}\n')
        assert connection.recv(100) == b""
    assert client.ready()


def test_a_field_of_the_wrong_type_is_refused_before_it_is_sent(client: Client) -> None:
    with refusal("command_invalid"):
        client.pause(7)  # type: ignore[arg-type]
    with refusal("command_invalid"):
        client.rename("x", None)  # type: ignore[arg-type]
    assert client.ready()


def test_a_number_that_the_store_cannot_hold_is_refused(client: Client) -> None:
    numbers = ("loss", "perplexity", "seconds", "num_tokens", "learning_rate", "grad_norm", "grad_norm_max")
    epoch = {"kind": "epoch_finished", "epoch": 10**30, "clip_norm": None, "clipped_share": 0} | dict.fromkeys(
        numbers, 1
    )
    made = {"format": "rnnlab-run", "version": 1, "config": {}, "made": {}, "corpus": {"name": "x", "vocab_size": 3}}
    before = client.status()["pid"], len(client.store.runs())
    with pytest.raises(RunError) as caught:
        client.import_run(json.dumps({**made, "events": [epoch]}))
    assert caught.value.code == "import_invalid"
    assert (client.status()["pid"], len(client.store.runs())) == before


def test_export_and_import(client: Client) -> None:
    from rnnlab.runs.export import export_run, import_run, to_json

    run_id = client.create(TINY, name="A6", language="en")
    until_state(client, run_id, "finished")
    client.continue_run(run_id, 1)
    until(client, run_id, lambda record: record.state == "finished" and record.epoch == 4)
    data = export_run(client.store, run_id)
    assert data["corpus"]["name"] == "verse-en"
    assert data["corpus"]["ladder"]["0"] == data["corpus"]["vocab_size"]
    assert data["made"]["versions"]["torch"]
    kinds = [event["kind"] for event in data["events"]]
    assert not {"minibatch_finished", "checkpoint_saved"} & set(kinds)
    assert kinds.count("run_finished") == 1
    text = to_json(data)
    assert json.loads(text) == data
    recording = import_run(text)
    assert recording.config == TINY.change(num_epochs=4)
    again = visitor(client, "ann").import_run(text)
    record = client.store.run(again)
    assert (record.state, record.epoch, record.owner, record.continuable) == ("finished", 4, "ann", False)
    assert export_run(client.store, again)["events"] == data["events"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"version": 10**40},
        {"events": [{"kind": "nonsense"}]},
        {"config": {"num_hiddens": 10**9}},
        {"config": {"unknown": 1}},
        {"surplus": 1},
        {"events": 3},
        {"events": [{"kind": "run_diverged", "epoch": 1, "minibatch": 1, "grad_norm": math.inf}]},
    ],
)
def test_a_file_that_is_not_an_exported_run_is_refused(change: dict[str, object]) -> None:
    from rnnlab.runs.export import import_run

    good: dict[str, object] = {
        "format": "rnnlab-run",
        "version": 1,
        "config": {},
        "made": {},
        "corpus": {"name": "verse-en", "vocab_size": 3},
        "events": [],
    }
    import_run(json.dumps(good))
    with pytest.raises(RunError) as caught:
        import_run(json.dumps({**good, **change}))
    assert caught.value.code == ("import_format" if {"format", "version"} & set(change) else "import_invalid")


def test_an_export_that_is_not_text_or_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.runs import export

    for data in (b"\xff\x00", b"", b"[]", b"{"):
        with pytest.raises(RunError):
            export.import_run(data)
    monkeypatch.setattr(export, "MAX_BYTES", 10)
    with pytest.raises(RunError) as caught:
        export.import_run(b"x" * 11)
    assert caught.value.code == "import_too_large"


def test_a_continued_run_keeps_its_device_whatever_auto_would_choose_now(client: Client, tmp_path: Path) -> None:
    run_id = client.create(TINY.change(device="auto"))
    until_state(client, run_id, "finished")
    device = events(client, run_id, "run_started")[0].device
    assert client.store.device(run_id) == device
    client.continue_run(run_id, 1)
    until(client, run_id, lambda record: record.state == "finished" and record.epoch == 4)
    assert [event.device for event in events(client, run_id, "run_started")] == [device, device]
    # a copy of the home on a machine with other devices than the run started on
    missing = next(name for name in ("mps", "cuda") if name not in available_devices(TINY))
    shutil.copytree(client.home / "checkpoints" / run_id, tmp_path / "checkpoints" / run_id)
    databases = (sqlite3.connect(home / schema.DATABASE) for home in (client.home, tmp_path))
    with closing(next(databases)) as source, closing(next(databases)) as copy:
        source.backup(copy)
    with closing(schema.connect_writer(tmp_path / schema.DATABASE)) as connection:
        connection.execute(
            "update events set body = json_set(body, '$.device', ?) where kind = 'run_started'", [missing]
        )
    with opened(tmp_path) as other:
        # an answer on another device differs only by rounding
        assert other.generate(run_id, "the", 3)
        other.continue_run(run_id, 1)
        record = until_state(other, run_id, "failed")
        assert record.error is not None
        assert (record.error["code"], record.error["params"]["value"]) == ("device_missing", missing)
        assert record.continuable
