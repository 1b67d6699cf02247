"""Events survive JSON and contain only values that JSON can represent."""

from __future__ import annotations

import json
import math
from typing import get_args

import pytest
from pydantic import ValidationError

from rnnlab import events

EPOCH = events.EpochFinished(
    epoch=3,
    loss=5.83,
    perplexity=341.2,
    seconds=0.31,
    num_tokens=8960,
    learning_rate=100.0,
    clip_norm=None,
    grad_norm=0.2,
    grad_norm_max=0.4,
    clipped_share=1.0,
    grad_norm_by_layer=(0.1, 0.2),
)
ALL: list[events.Event] = [
    events.RunStarted(
        num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu", versions={"torch": "2"}
    ),
    events.MinibatchFinished(
        epoch=1, minibatch=1, num_minibatches=8, loss=6.9, grad_norm=0.1, clipped=True, seconds=0.1, memory_mb=None
    ),
    EPOCH,
    events.TextGenerated(epoch=3, prefix="分开", text='分开 "<b>'),
    events.SettingChanged(epoch=3, minibatch=2, name="clip_norm", value=None),
    events.RunPaused(epoch=3, minibatch=2),
    events.RunResumed(epoch=3, minibatch=2),
    events.CheckpointSaved(epoch=3, minibatch=0, name="3-0.safetensors"),
    events.Probed(
        epoch=3,
        diagnosis=events.Diagnosis(
            perplexity=1.07,
            honest_perplexity=9.66,
            unigram_perplexity=270.4,
            kl_to_unigram=1.5,
            sensitivity=0.9,
            held_out_perplexity=None,
            held_out_chars=0,
            held_out_unknown=0,
            loss_by_position=(0.1, 0.2),
            outputs=((" ", 0.2, 0.14),),
            grad_norm_by_layer=(0.1, 0.2),
            denormal_share_by_layer=(0.0, 0.0),
        ),
    ),
    events.RunFinished(reason="stopped", epoch=3, minibatch=2),
    events.RunDiverged(epoch=3, minibatch=2, grad_norm=1e30),
    events.RunFailed(code="run_killed", message="The run was killed (signal 9).", params={"signal": 9}),
]


def test_all_kinds_are_here() -> None:
    union = get_args(events.Event)[0]
    assert {type(event) for event in ALL} == set(get_args(union))
    assert len({event.kind for event in ALL}) == len(ALL)


@pytest.mark.parametrize("event", ALL, ids=lambda event: str(event.kind))
def test_json_and_back(event: events.Event) -> None:
    line = event.to_json()
    assert "\n" not in line
    assert events.event_from_json(line) == event
    assert events.event_from_dict(json.loads(line)) == event
    assert type(events.event_from_json(line)) is type(event)


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "exec"}', '{"kind": "run_paused"}', "[]"])
def test_invalid_events_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        events.event_from_json(text)


def test_an_event_with_an_additional_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        events.event_from_dict({"kind": "run_paused", "epoch": 1, "minibatch": 1, "and": 1})


def test_perplexity_is_the_exponential_until_it_overflows() -> None:
    assert events.perplexity_of(0.0) == 1.0
    assert events.perplexity_of(math.log(1027)) == pytest.approx(1027)
    assert events.perplexity_of(1e3) is None
    assert events.perplexity_of(math.inf) is None
    assert events.perplexity_of(math.nan) is None


def test_an_infinite_perplexity_is_null_beside_the_finite_loss() -> None:
    line = EPOCH.model_copy(update={"loss": 1e3, "perplexity": events.perplexity_of(1e3)}).to_json()
    data = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["perplexity"] is None
    assert data["loss"] == 1e3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_do_not_become_words(value: float) -> None:
    line = EPOCH.model_copy(update={"grad_norm_max": value}).to_json()
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_a_network_with_twice_the_perplexity_on_prefixes_reads_the_answer() -> None:
    (probed,) = (event for event in ALL if isinstance(event, events.Probed))
    assert probed.diagnosis.leak_ratio == pytest.approx(9.03, abs=0.01)
    assert probed.diagnosis.reads_the_answer
    assert not probed.diagnosis.model_copy(update={"honest_perplexity": 1.1}).reads_the_answer
    assert probed.diagnosis.model_copy(update={"honest_perplexity": None}).reads_the_answer


def test_the_verdict_follows_from_the_numbers_and_not_from_the_file() -> None:
    (probed,) = (event for event in ALL if isinstance(event, events.Probed))
    numbers = {"perplexity": 263.2, "unigram_perplexity": 262.6, "kl_to_unigram": 0.006, "sensitivity": 0.001}
    for sensitivity, stuck in ((0.001, True), (0.009, False)):
        found = probed.diagnosis.model_copy(update={**numbers, "sensitivity": sensitivity})
        assert found.stuck is stuck
        event = probed.model_copy(update={"diagnosis": found})
        written = json.loads(event.to_json())
        assert written["diagnosis"]["stuck"] is stuck  # for readers of the file
        for verdict in ({"stuck": True}, {"stuck": False}, {}):
            without = {name: value for name, value in written["diagnosis"].items() if name != "stuck"}
            read = events.event_from_json(json.dumps({**written, "diagnosis": {**without, **verdict}}))
            assert read == event
            assert isinstance(read, events.Probed)
            assert read.diagnosis.stuck is stuck
    with pytest.raises(ValidationError):
        events.event_from_dict({**written, "diagnosis": {**written["diagnosis"], "quiet": True}})
