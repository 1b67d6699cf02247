"""Answers of checkpoints, through supervisor and worker as for a page, and their storage."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest

from rnnlab.engine.cloze import fill_gap, gaps
from rnnlab.engine.diagnosis import diagnose
from rnnlab.engine.model import build_model
from rnnlab.errors import ConfigError, CorpusError, PrefixError, RunError
from rnnlab.events import Diagnosis
from rnnlab.runs.checkpoints import restore
from rnnlab.runs.client import Client
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab
from tests.runs.lab import LONG, TINY, until_event, until_state

TEXT = "the sea and the"


@pytest.fixture(scope="module")
def trained(shared: Client) -> str:
    """Return a finished run of two layers."""
    run_id = shared.create(TINY.change(cell="lstm", num_layers=2, num_epochs=4))
    until_state(shared, run_id, "finished")
    return run_id


def kinds(client: Client, run_id: str) -> list[str]:
    return sorted(question["kind"] for question, _ in client.store.answers(run_id))


def test_a_diagnosis_has_its_epoch_and_is_stored(client: Client, trained: str) -> None:
    epoch, newest = client.diagnose(trained)
    assert epoch == 4
    assert isinstance(newest, Diagnosis)
    assert newest.perplexity is not None
    assert newest.honest_perplexity == pytest.approx(newest.perplexity)  # the network has one direction
    assert newest.held_out_chars > 0
    before = client.diagnose(trained, epoch=2)
    assert before[0] == 2
    assert before[1] != newest
    assert kinds(client, trained).count("diagnose") == 2
    assert client.diagnose(trained) == (4, newest)
    assert kinds(client, trained).count("diagnose") == 2


def test_states_and_predictions(client: Client, trained: str) -> None:
    seen = client.inspect(trained, TEXT, layer=2)
    assert {name: seen[name] for name in ("epoch", "minibatch", "text", "layer", "num_layers", "num_hiddens")} == {
        "epoch": 4, "minibatch": 0, "text": TEXT, "layer": 2, "num_layers": 2, "num_hiddens": 8,
    }  # fmt: skip
    assert {entry["name"] for entry in seen["states"]} == {
        "H", "C", "input_gate", "forget_gate", "output_gate", "candidate",
    }  # fmt: skip
    for entry in seen["states"]:
        values = np.frombuffer(base64.b64decode(entry["values"]), "<f2").reshape(len(TEXT), 8)
        assert entry["direction"] == "forward"
        assert np.isfinite(values).all()
    assert len(seen["next"]) == len(TEXT)
    for here in seen["next"]:
        assert len(here["top"]) == 5
        assert 0 < sum(probability for _, probability in here["top"]) <= 1 + 1e-6
        assert here["entropy"] > 0
    assert [here["surprise"] is None for here in seen["next"]] == [False] * (len(TEXT) - 1) + [True]
    assert client.inspect(trained, TEXT, layer=1)["states"] != seen["states"]
    assert "inspect" not in kinds(client, trained)  # large, and quickly computed again


def test_dependence(client: Client, trained: str) -> None:
    found = client.dependence(trained, TEXT, 6)
    assert found["position"] == 6
    assert len(found["weights"]) == 7
    assert all(math.isfinite(weight) and weight >= 0 for weight in found["weights"])
    assert found["predicted"] == client.inspect(trained, TEXT[:7])["next"][6]["top"][0][0]


def test_gaps_and_a_gap(client: Client, trained: str) -> None:
    one_way = client.fill_gap(trained, "the se", " and")
    assert one_way["sees_after"] is False
    assert one_way["top"] == client.fill_gap(trained, "the se", "t")["top"]
    cloze = client.create(TINY.change(bidirectional=True, objective="cloze", cell="gru"))
    until_state(client, cloze, "finished")
    both = client.fill_gap(cloze, "the se", " and")
    assert both["sees_after"] is True
    assert both["top"] != client.fill_gap(cloze, "the se", "t")["top"]
    assert client.fill_gap(cloze, "", "he")["top"]
    mine, other = client.gaps(trained, 50), client.gaps(cloze, 50)
    for shares in (mine["train"], mine["held_out"], other["train"]):
        assert shares["num"] == 50
        assert 0 <= shares["accuracy"] <= shares["top5"] <= 1


def test_scratch_and_library_are_the_same_function(client: Client) -> None:
    same = client.parity(TINY.change(cell="lstm"))
    assert same["comparable"] is True
    assert same["logits_difference"] < 1e-5
    assert same["gradient_difference"] < 1e-5
    assert {"loss_scratch", "loss_library"} <= set(same)
    assert client.parity(TINY, {"cell": "gru"})["comparable"] is False
    with pytest.raises(ConfigError):
        client.parity(TINY, {"num_hiddens": 10**9})
    with pytest.raises(ConfigError):
        client.parity(TINY, {"nonsense": 1})
    with pytest.raises(CorpusError):  # long enough for random sampling, but not for a consecutive minibatch
        client.parity(TINY, {"sampling": "random", "num_chars": 42, "prefixes": ["t"]})


def test_an_impossible_question_is_refused_with_the_reason(client: Client, trained: str) -> None:
    for wrong in (
        lambda: client.inspect(trained, "the 分"),
        lambda: client.dependence(trained, "分", 0),
        lambda: client.fill_gap(trained, "the", "分"),
    ):
        with pytest.raises(PrefixError) as caught:
            wrong()
        assert caught.value.params["character"] == "分"
    with pytest.raises(RunError) as refused:
        client.inspect(trained, TEXT, layer=3)
    assert refused.value.code == "question_number"
    assert (refused.value.params["low"], refused.value.params["high"]) == (1, 2)
    with pytest.raises(RunError) as refused:
        client.inspect(trained, "a" * 201)
    assert refused.value.code == "question_text"
    with pytest.raises(RunError) as refused:
        client.diagnose(trained, epoch=3)
    assert refused.value.code == "checkpoint_unknown"


def test_a_run_that_trains_answers_from_its_newest_checkpoint(client: Client) -> None:
    run_id = client.create(LONG.change(pred_period=1))
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.epoch >= 1)
    epoch, _ = client.diagnose(run_id)
    assert epoch >= 1
    assert client.store.run(run_id).state == "running"
    for _ in range(8):  # the newest checkpoint is soon replaced
        assert client.inspect(run_id, TEXT)["epoch"] >= epoch


def test_a_run_that_carries_its_state_is_diagnosed_from_that_state(shared: Client) -> None:
    config = TINY.change(cell="gru", initialization="uniform", carry_state=True, clip_norm=None, num_epochs=40,
                         optimizer="adam", learning_rate=0.03, num_hiddens=32)  # fmt: skip
    run_id = shared.create(config)
    until_state(shared, run_id, "finished")
    _, _, path = shared.store.checkpoints(run_id)[-1]
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars)
    vocab = Vocab(text.train)
    state = restore(build_model(config, len(vocab)), config, path)
    assert state.hidden is not None
    indices = vocab.encode(text.train)
    own, from_zero = (
        diagnose(state.model, config, vocab, indices, text.held_out, hidden) for hidden in (state.hidden, None)
    )
    found = shared.diagnose(run_id)[1]
    assert found.perplexity == pytest.approx(own.perplexity, rel=1e-4)
    assert found.perplexity != pytest.approx(from_zero.perplexity, rel=1e-4)
    found_gaps = shared.gaps(run_id, 50)
    assert found_gaps["train"] == gaps(state.model, vocab, indices, text.held_out, 50, state.hidden)["train"]
    top = fill_gap(state.model, vocab, "a", "", state.hidden)["top"]
    assert shared.fill_gap(run_id, "a", "")["top"][0][0] == top[0][0]
    assert shared.fill_gap(run_id, "a", "")["top"][0][1] == pytest.approx(top[0][1], rel=1e-4)
    assert top[0][1] != pytest.approx(fill_gap(state.model, vocab, "a", "")["top"][0][1], rel=1e-4)
