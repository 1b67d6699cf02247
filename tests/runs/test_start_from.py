"""Runs that start from trained weights, in real processes: from another run, from a shipped network, and refusals."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from safetensors.numpy import load

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.runs.script import starting_weights
from tests.made import finish
from tests.runs.lab import LONG, TINY, curve, events, opened, until_state, visitor

LEARNT = TINY.change(num_hiddens=32, optimizer="adam", learning_rate=0.01, clip_norm=None, num_epochs=30)
SHIPPED = RECIPES["A3"].config.change(num_epochs=1, pred_period=1, num_preds=4)


@pytest.fixture(scope="module")
def source(shared: Client) -> str:
    return finish(shared, shared.create(LEARNT))


def first_loss(client: Client, run_id: str) -> float:
    return events(client, run_id, "epoch_finished")[0].loss


def test_a_run_goes_on_where_the_other_ended(client: Client, source: str) -> None:
    last = events(client, source, "epoch_finished")[-1].loss
    config = LEARNT.change(start_from=f"{source}@30", num_epochs=2)
    run_id = finish(client, client.create(config))
    assert first_loss(client, run_id) < last + 0.1
    # the untrained text is that of the trained network, and Adam starts anew
    assert events(client, run_id, "text_generated")[0].text == events(client, source, "text_generated")[-1].text
    random = finish(client, client.create(config.change(start_from="")))
    assert first_loss(client, random) > last + 1
    assert curve(client, finish(client, client.create(config))) == curve(client, run_id)


def test_it_goes_on_with_another_text_and_no_longer_needs_its_origin(client: Client, source: str) -> None:
    copied = finish(client, client.create(LEARNT))
    config = LEARNT.change(start_from=f"{copied}@30", num_epochs=3, preprocessing="second_edition", num_chars=900)
    run_id = finish(client, client.create(config))
    random = finish(client, client.create(config.change(start_from="")))
    assert first_loss(client, run_id) < first_loss(client, random) - 0.5
    client.delete(copied)
    client.continue_run(run_id, 1)
    finish(client, run_id)
    assert client.store.run(run_id).epoch == 4
    with pytest.raises(RunError) as caught:
        client.create(config)
    assert caught.value.code == "start_none"


def test_a_network_that_ships_with_the_app_trains_further(client: Client) -> None:
    run_id = finish(client, client.create(SHIPPED.change(start_from="A3@250")))
    # after a step of Adam, from half precision: near its perplexity of 1.02
    assert math.exp(first_loss(client, run_id)) < 1.2


@pytest.mark.parametrize(
    ("start_from", "settings", "code", "words"),
    [
        ("A3@17", {}, "start_unknown", "A3@50, A3@100, A3@250"),
        ("A9@160", {}, "start_none", "A9@160"),
        ("nowhere1@3", {}, "start_none", "nowhere1@3"),
        ("A3@250", {"num_hiddens": 64}, "start_unlike", "num_hiddens"),
        ("A3@250", {"implementation": "scratch"}, "start_unlike", "implementation"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_run_is_created(
    client: Client, start_from: str, settings: dict[str, object], code: str, words: str
) -> None:
    before = len(client.store.runs())
    with pytest.raises(RunError) as caught:
        client.create(SHIPPED.change(start_from=start_from, **settings))
    assert caught.value.code == code
    assert words in str(caught.value)
    assert len(client.store.runs()) == before


@pytest.mark.parametrize("value", ["A3", "@3", "A3@", "A3@x", "../../etc@1", "a@1@2", "A3@250 "])
def test_other_texts_are_refused(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.make(start_from=value)
    assert "RUN@EPOCH" in str(caught.value)


def test_a_queued_run_starts_though_its_origin_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_SLOTS", "1")
    with opened(tmp_path) as client:
        copied = finish(client, client.create(LEARNT))
        last = events(client, copied, "epoch_finished")[-1].loss
        running = client.create(LONG)
        until_state(client, running, "running")
        run_id = client.create(LEARNT.change(start_from=f"{copied}@30", num_epochs=1))
        assert client.store.run(run_id).state == "queued"
        client.delete(copied)
        client.stop(running)
        finish(client, run_id)
        assert first_loss(client, run_id) < last + 0.1
        # from its own checkpoints on, it needs the copy no longer
        client.status()  # files are removed after the end is written, and before the next command
        folder = tmp_path / "checkpoints" / run_id
        assert not [path for path in folder.iterdir() if path.name.startswith("start")]


def test_the_starting_weights_of_a_run_are_exported(client: Client, source: str) -> None:
    run_id = finish(client, client.create(LEARNT.change(start_from=f"{source}@30", num_epochs=1)))
    tensors = load(starting_weights(client.store, run_id))
    path = next(path for epoch, _, path in client.store.checkpoints(source) if epoch == 30)
    expected = {name: tensor for name, tensor in load(path.read_bytes()).items() if name.startswith("model.")}
    assert expected
    assert all((tensors[name] == tensor).all() for name, tensor in expected.items())
    with pytest.raises(RunError) as caught:
        starting_weights(client.store, "nowhere1")
    assert caught.value.code == "run_unknown"


def test_a_visitor_starts_only_from_runs_of_their_own(client: Client, source: str) -> None:
    config = LEARNT.change(start_from=f"{source}@30", num_epochs=1)
    ann, bob = visitor(client, "ann"), visitor(client, "bob")
    with pytest.raises(RunError) as caught:
        ann.create(config)
    assert caught.value.code == "start_not_yours"
    mine = finish(client, ann.create(LEARNT.change(num_epochs=2)))
    own = config.change(start_from=f"{mine}@2")
    finish(client, ann.create(own))
    with pytest.raises(RunError) as caught:
        bob.create(own)
    assert caught.value.code == "start_not_yours"
    finish(client, bob.create(SHIPPED.change(start_from="A3@50")))
