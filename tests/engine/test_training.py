"""The training loop: its events, its control, its reproducibility, and its continuation."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine.control import Control
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.errors import ConfigError, CorpusError, PrefixError
from rnnlab.events import (
    EpochFinished,
    Event,
    MinibatchFinished,
    RunDiverged,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
    TextGenerated,
)
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny


def begin(config: TrainConfig, vocab: Vocab) -> TrainingState:
    return TrainingState.begin(build_model(config, len(vocab)), config)


def comparable(event: Event) -> dict[str, Any]:
    return {key: value for key, value in event.model_dump().items() if key != "seconds"}


def run(config: TrainConfig, vocab: Vocab, indices: Tensor, control: Control | None = None) -> list[Event]:
    return list(train(begin(config, vocab), vocab, indices, control))


def test_seconds_are_those_of_the_clock_that_is_given(vocab: Vocab, indices: Tensor) -> None:
    events = list(train(begin(tiny(), vocab), vocab, indices, clock=count(step=0.5).__next__))
    assert {event.seconds for event in events if isinstance(event, MinibatchFinished)} == {0.5}
    per_epoch = next(event.num_minibatches for event in events if isinstance(event, RunStarted))
    assert {event.seconds for event in events if isinstance(event, EpochFinished)} == {0.5 * per_epoch}


def test_a_run_yields_its_events_in_order(vocab: Vocab, indices: Tensor) -> None:
    events = run(tiny(), vocab, indices)
    assert isinstance(events[0], RunStarted)
    per_epoch = events[0].num_minibatches
    assert per_epoch == (len(indices) // 4 - 1) // 5
    kinds = [(e.kind, e.epoch) for e in events if e.kind != "minibatch_finished"]
    assert kinds == [
        ("run_started", 0),
        ("text_generated", 0),
        ("text_generated", 0),
        ("epoch_finished", 1),
        ("text_generated", 1),
        ("text_generated", 1),
        ("epoch_finished", 2),
        ("text_generated", 2),
        ("text_generated", 2),
        ("epoch_finished", 3),
        ("text_generated", 3),
        ("text_generated", 3),
        ("run_finished", 3),
    ]
    batches = [e for e in events if isinstance(e, MinibatchFinished)]
    assert [(e.epoch, e.minibatch) for e in batches] == [(i, j + 1) for i in (1, 2, 3) for j in range(per_epoch)]
    epochs = [e for e in events if isinstance(e, EpochFinished)]
    for epoch in epochs:
        losses = [b.loss for b in batches if b.epoch == epoch.epoch]
        assert epoch.loss == pytest.approx(sum(losses) / len(losses))
        assert epoch.perplexity == pytest.approx(math.exp(epoch.loss))
        assert epoch.num_tokens == per_epoch * 20
        assert len(epoch.grad_norm_by_layer) == 2
    assert epochs[-1].loss < epochs[0].loss
    texts = [e for e in events if isinstance(e, TextGenerated)]
    assert [e.prefix for e in texts[:2]] == ["the", "fox"]
    assert all(e.text.startswith(e.prefix) and len(e.text) == 9 for e in texts)


def test_an_untrained_network_generates_texts_and_ends(vocab: Vocab, indices: Tensor) -> None:
    kinds = [e.kind for e in run(tiny(num_epochs=0), vocab, indices)]
    assert kinds == ["run_started", "text_generated", "text_generated", "run_finished"]


def written(events: list[Event]) -> dict[int, int]:
    """Return the number of texts by epoch."""
    return dict(Counter(event.epoch for event in events if isinstance(event, TextGenerated)))


@pytest.mark.parametrize(
    ("epochs", "period", "expected"),
    [
        (25, 50, [0, 1, 2, 5, 10, 20, 25]),
        (30, 4, [0, 1, 2, 4, 5, 8, 10, 12, 16, 20, 24, 28, 30]),
        (4, 1, [0, 1, 2, 3, 4]),
        (3, 2, [0, 1, 2, 3]),
        (0, 50, [0]),
    ],
)
def test_texts_come_early_then_at_each_period_and_at_the_end(
    epochs: int, period: int, expected: list[int], vocab: Vocab, indices: Tensor
) -> None:
    events = run(tiny(num_epochs=epochs, pred_period=period, num_preds=1), vocab, indices)
    assert written(events) == dict.fromkeys(expected, 2)
    for position, event in enumerate(events):  # right after their epoch, that of the untrained network after the start
        if isinstance(event, TextGenerated) and not isinstance(events[position - 1], TextGenerated):
            before = events[position - 1]
            assert isinstance(before, EpochFinished if event.epoch else RunStarted)
            assert before.epoch == event.epoch


def test_early_texts_are_short_so_that_the_first_epoch_does_not_wait(vocab: Vocab, indices: Tensor) -> None:
    events = run(tiny(num_epochs=6, pred_period=2, num_preds=200, prefixes=("the",)), vocab, indices)
    lengths = {event.epoch: len(event.text) - len("the") for event in events if isinstance(event, TextGenerated)}
    assert lengths == {0: 50, 1: 50, 2: 200, 4: 200, 5: 50, 6: 200}
    (untrained,) = [
        event
        for event in run(tiny(num_epochs=0, num_preds=200, prefixes=("the",)), vocab, indices)
        if isinstance(event, TextGenerated)
    ]
    assert len(untrained.text) == 203


@pytest.mark.parametrize(
    "settings",
    [
        {"sampling": "random"},
        {"offset": "random", "carry_state": True, "cell": "gru", "optimizer": "adam", "learning_rate": 0.01},
        {"implementation": "library", "cell": "lstm", "num_layers": 2, "bidirectional": True},
        {"decoding": "temperature", "temperature": 2.0, "sampling": "random", "computation": "as_written"},
    ],
)
def test_texts_do_not_change_the_training(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    def trained(**generation: Any) -> list[dict[str, Any]]:
        events = run(tiny(num_epochs=6, **settings, **generation), vocab, indices)
        return [comparable(event) for event in events if isinstance(event, MinibatchFinished | EpochFinished)]

    # a prefix of one character and no more of them: the network is not asked once
    nothing = trained(num_preds=0, prefixes=("t",), pred_period=6)
    assert trained(num_preds=40, prefixes=("the", "fox", "a"), pred_period=6) == nothing
    assert trained(num_preds=40, prefixes=("the", "fox", "a"), pred_period=1) == nothing


@pytest.mark.parametrize("done", [0, 3, 5])
def test_a_continued_run_does_not_write_the_same_texts_again(done: int, vocab: Vocab, indices: Tensor) -> None:
    config = tiny(num_epochs=7, pred_period=50, sampling="random", offset="random")
    state = begin(config, vocab)
    events: list[Event] = []
    for event in train(state, vocab, indices):
        events.append(event)
        if isinstance(event, MinibatchFinished) and (event.epoch, event.minibatch) == (done + 1, 1):
            file, metadata = save(state.tensors()), state.metadata()
            cut = len(events)
    restored = TrainingState.restore(build_model(config, len(vocab)), config, load(file), metadata)
    again = list(train(restored, vocab, indices))
    assert list(map(comparable, again[1:])) == list(map(comparable, events[cut:]))
    assert written(again) == {epoch: 2 for epoch in (1, 2, 5, 7) if epoch > done}


def test_a_checkpoint_of_an_older_version_has_no_text_of_epoch_0(vocab: Vocab, indices: Tensor) -> None:
    state = begin(tiny(), vocab)
    older = state.metadata() | {"texts_due": "false"}  # at the start of a run with epochs
    restored = TrainingState.restore(build_model(tiny(), len(vocab)), tiny(), state.tensors(), older)
    assert written(list(train(restored, vocab, indices))) == {1: 2, 2: 2, 3: 2}


@pytest.mark.parametrize(
    "settings",
    [
        {"sampling": "random"},
        {"offset": "random", "carry_state": True},
        {"implementation": "library", "optimizer": "adam", "learning_rate": 0.01, "bidirectional": True},
        {"cell": "lstm", "decoding": "temperature"},
    ],
)
def test_same_seed_same_curve_bit_for_bit(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    first, second = (list(map(comparable, run(tiny(**settings), vocab, indices))) for _ in range(2))
    assert first == second
    other = list(map(comparable, run(tiny(**settings, random_seed=1), vocab, indices)))
    assert first != other


RESUMABLE = [
    {"sampling": "random"},
    {"sampling": "random", "optimizer": "adam", "learning_rate": 0.01},
    {"sampling": "consecutive", "offset": "random"},
    {"sampling": "consecutive", "offset": "random", "optimizer": "adam", "learning_rate": 0.01},
    {"cell": "lstm", "implementation": "library", "num_layers": 2, "optimizer": "adam", "learning_rate": 0.01,
     "carry_state": True, "clip_norm": None},
    {"cell": "gru", "bidirectional": True, "carry_state": True},
    {"cell": "lstm", "implementation": "library", "num_layers": 3, "residual": True, "layer_norm": True,
     "forget_bias": 1.0, "optimizer": "adam", "learning_rate": 0.01},
    {"cell": "gru", "bidirectional": True, "objective": "cloze", "carry_state": True, "num_layers": 2,
     "residual": True},
    {"dropout": 0.5, "cell": "gru", "num_layers": 2, "bidirectional": True, "objective": "cloze"},
    {"dropout": 0.2, "weight_decay": 1e-3, "schedule": "cosine", "warmup_epochs": 1, "implementation": "library",
     "num_layers": 2, "optimizer": "adam", "learning_rate": 0.01},
]  # fmt: skip


@cache
def whole_run(
    config: TrainConfig, vocab: Vocab, indices: Tensor
) -> tuple[list[Event], list[tuple[bytes, dict[str, str]]]]:
    """Return the events of a run, and the checkpoint after each, converted to bytes while the run continues."""
    state = begin(config, vocab)
    events, checkpoints = [], []
    for event in train(state, vocab, indices):
        events.append(event)
        checkpoints.append((save(state.tensors()), state.metadata()))
    return events, checkpoints


@pytest.mark.parametrize("settings", RESUMABLE)
@pytest.mark.parametrize("cut", [1, 2, 3, 11, 27, 28, 29, 30])
def test_a_restored_run_continues_bit_for_bit(
    settings: dict[str, Any], cut: int, vocab: Vocab, indices: Tensor
) -> None:
    config = tiny(**settings)
    events, checkpoints = whole_run(config, vocab, indices)
    file, metadata = checkpoints[cut - 1]
    model = build_model(config.change(random_seed=99), len(vocab))
    restored = TrainingState.restore(model, config, load(file), metadata)
    assert (restored.epoch, restored.minibatch) == _position(events[:cut])
    again = [comparable(e) for e in train(restored, vocab, indices)][1:]
    rest = [comparable(e) for e in events[cut:]]
    if isinstance(events[cut - 1], TextGenerated):  # interrupted between texts: they are generated again
        rest = again[: len(again) - len(rest)] + rest
        assert all(e["kind"] == "text_generated" for e in again[: len(again) - len(events[cut:])])
    assert again == rest


def _position(events: list[Event]) -> tuple[int, int]:
    epochs = [e.epoch for e in events if isinstance(e, EpochFinished)]
    done = epochs[-1] if epochs else 0
    return done, sum(isinstance(e, MinibatchFinished) and e.epoch > done for e in events)


def test_a_finished_run_continues_for_more_epochs(vocab: Vocab, indices: Tensor) -> None:
    short, long = tiny(num_epochs=2), tiny(num_epochs=4)
    state = begin(short, vocab)
    list(train(state, vocab, indices))
    restored = TrainingState.restore(build_model(long, len(vocab)), long, state.tensors(), state.metadata())
    more = [comparable(e) for e in train(restored, vocab, indices) if isinstance(e, EpochFinished)]
    whole = [comparable(e) for e in run(long, vocab, indices) if isinstance(e, EpochFinished)]
    assert more == whole[2:]


def test_settings_change_from_the_next_minibatch_on(vocab: Vocab, indices: Tensor) -> None:
    control = Control()
    events = train(begin(tiny(clip_norm=None), vocab), vocab, indices, control)
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if isinstance(event, MinibatchFinished) and (event.epoch, event.minibatch) == (1, 3):
            control.set("learning_rate", 0.25)
            control.set("clip_norm", 1e-6)
    changes = [e for e in seen if isinstance(e, SettingChanged)]
    assert [(e.name, e.value, e.epoch, e.minibatch) for e in changes] == [
        ("learning_rate", 0.25, 0, 3),
        ("clip_norm", 1e-6, 0, 3),
    ]
    clipped = [e.clipped for e in seen if isinstance(e, MinibatchFinished)]
    assert clipped[:3] == [False] * 3
    assert all(clipped[3:])
    assert {e.learning_rate for e in seen if isinstance(e, EpochFinished)} == {0.25}
    with pytest.raises(ConfigError):
        control.set("learning_rate", -1)
    with pytest.raises(ConfigError):
        control.set("learning_rate", None)


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 100.0), ("adam", 0.01)])
def test_a_clipped_sgd_step_has_the_length_learning_rate_times_theta(
    optimizer: str, rate: float, vocab: Vocab, indices: Tensor
) -> None:
    config = tiny(learning_rate=rate, clip_norm=0.01, optimizer=optimizer, initialization="uniform")
    state = begin(config, vocab)
    before = [p.detach().clone() for p in state.model.parameters()]
    event = next(e for e in train(state, vocab, indices) if isinstance(e, MinibatchFinished))
    assert event.clipped
    assert event.grad_norm is not None
    assert event.grad_norm > 0.01
    moved = math.hypot(*[(p.detach() - b).norm().item() for p, b in zip(state.model.parameters(), before, strict=True)])
    if optimizer == "sgd":
        assert moved == pytest.approx(1.0, rel=1e-4)
    gradient = math.hypot(*[p.grad.norm().item() for p in state.model.parameters() if p.grad is not None])
    if optimizer == "adam":
        assert gradient == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_an_epoch_reports_the_norm_before_and_after_clipping(optimizer: str, vocab: Vocab, indices: Tensor) -> None:
    free = run(tiny(optimizer=optimizer, clip_norm=None, learning_rate=1e-3), vocab, indices)
    norms = [event.grad_norm for event in free if isinstance(event, MinibatchFinished) and event.grad_norm is not None]
    θ = sorted(norms)[len(norms) // 2]  # about half of the norms are larger
    seen = run(tiny(optimizer=optimizer, clip_norm=θ, learning_rate=1e-3), vocab, indices)
    epochs = [epoch for epoch in seen if isinstance(epoch, EpochFinished)]
    assert any(0 < epoch.clipped_share < 1 for epoch in epochs)
    for epoch in epochs:
        lengths = [
            event.grad_norm or 0.0
            for event in seen
            if isinstance(event, MinibatchFinished) and event.epoch == epoch.epoch
        ]
        after = epoch.after_clipping()
        assert after is not None
        assert epoch.grad_norm == pytest.approx(sum(lengths) / len(lengths))
        assert after[0] == pytest.approx(sum(min(length, θ) for length in lengths) / len(lengths))
        shares = [new / old for new, old in zip(after[1], epoch.grad_norm_by_layer, strict=True)]
        assert max(shares) <= 1.0
        assert (min(shares) < 1.0) == (epoch.clipped_share > 0)
    for event in free:
        if isinstance(event, EpochFinished):
            assert event.after_clipping() == (event.grad_norm, event.grad_norm_by_layer)


def test_pause_steps_and_resume(vocab: Vocab, indices: Tensor) -> None:
    wishes: list[Callable[[], None]] = []
    waits: list[int] = []

    def poll(timeout: float | None) -> None:
        if timeout is None:  # paused: send the next request
            waits.append(len(seen))
            wishes.pop(0)()

    control = Control(poll)
    control.pause()
    wishes += [
        lambda: control.step("minibatch"),
        lambda: control.step("epoch"),
        lambda: control.step("period"),
        lambda: control.step("period"),
        control.resume,
    ]
    seen: list[Event] = []
    for event in train(begin(tiny(num_epochs=9, pred_period=4), vocab), vocab, indices, control):
        seen.append(event)
    stops = [(e.epoch, e.minibatch) for e in seen if isinstance(e, RunPaused)]
    assert stops == [(0, 0), (0, 1), (1, 0), (4, 0), (8, 0)]  # a period does not end with an early text
    assert [(e.epoch, e.minibatch) for e in seen if isinstance(e, RunResumed)] == stops
    assert isinstance(seen[-1], RunFinished)
    assert isinstance(
        seen[seen.index(next(e for e in seen if isinstance(e, RunPaused) and e.epoch == 4)) - 1], TextGenerated
    )
    assert not wishes


def test_another_thread_resumes_a_paused_run(vocab: Vocab, indices: Tensor) -> None:
    control = Control()
    control.pause()
    threads = []
    finished = False
    for event in train(begin(tiny(), vocab), vocab, indices, control):
        if isinstance(event, RunPaused):
            threads.append(threading.Thread(target=control.resume))
            threads[-1].start()
        finished = isinstance(event, RunFinished) and event.reason == "finished"
    threads[0].join()
    assert finished


def test_stop_ends_before_the_next_minibatch(vocab: Vocab, indices: Tensor) -> None:
    control = Control()
    seen: list[Event] = []
    for event in train(begin(tiny(), vocab), vocab, indices, control):
        seen.append(event)
        if isinstance(event, MinibatchFinished) and event.minibatch == 2:
            control.stop()
    assert seen[-1] == RunFinished(reason="stopped", epoch=0, minibatch=2)
    assert sum(isinstance(e, MinibatchFinished) for e in seen) == 2


def test_a_loss_that_is_no_longer_finite_ends_the_run(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(clip_norm=None, learning_rate=100.0, activation="relu", initialization="orthogonal", num_steps=20)
    events = run(config, vocab, indices)
    last = events[-1]
    assert isinstance(last, RunDiverged)
    assert last.grad_norm is not None
    assert math.isfinite(last.grad_norm)
    batches = [e for e in events if isinstance(e, MinibatchFinished)]
    assert batches
    assert all(math.isfinite(e.loss) for e in batches)
    assert not any(isinstance(e, RunFinished) for e in events)
    assert '"Infinity"' not in "".join(e.to_json() for e in events)


@pytest.mark.parametrize("decoding", ["greedy", "temperature", "top_k"])
def test_non_finite_weights_after_an_epoch_end_the_run_before_it_generates_text(
    decoding: str, vocab: Vocab, indices: Tensor
) -> None:
    state = begin(tiny(decoding=decoding, pred_period=1), vocab)
    events: list[Event] = []
    for event in train(state, vocab, indices):
        events.append(event)
        if isinstance(event, EpochFinished):
            with torch.no_grad():
                next(state.model.parameters()).fill_(float("nan"))
    assert [e.kind for e in events if not isinstance(e, MinibatchFinished)] == [
        "run_started",
        *["text_generated"] * 2,
        "epoch_finished",
        "run_diverged",
    ]


def test_a_perplexity_that_overflows_is_null_beside_a_finite_loss(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(clip_norm=None, learning_rate=3000.0, num_epochs=1)
    (epoch,) = [e for e in run(config, vocab, indices) if isinstance(e, EpochFinished)]
    assert epoch.perplexity is None
    assert math.isfinite(epoch.loss)
    assert '"perplexity":null' in epoch.to_json()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_without_detaching_the_gradient_reaches_back_to_the_start_of_the_epoch(
    cell: str, vocab: Vocab, indices: Tensor
) -> None:
    """Two minibatches of 5 steps, not detached and hardly updated, equal one minibatch of 10 steps."""
    two = tiny(
        cell=cell, detach=False, clip_norm=None, learning_rate=1e-9, precision="float64", initialization="uniform"
    )
    model, state = _after_minibatches(two, 2, vocab, indices)
    rows = indices[: len(indices) // 4 * 4].view(4, -1)
    whole: LanguageModel = build_model(two, len(vocab))
    logits, _ = whole(rows[:, :10], whole.begin_state(4))
    second_half = logits[5 * 4 :]
    torch.nn.functional.cross_entropy(second_half, rows[:, 6:11].t().flatten()).backward()
    for mine, expected in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, expected.grad, atol=1e-8, rtol=1e-5)
    detached, _ = _after_minibatches(two.change(detach=True), 2, vocab, indices)
    assert any(
        not torch.allclose(a.grad, b.grad)
        for a, b in zip(model.parameters(), detached.parameters(), strict=True)
        if a.grad is not None and b.grad is not None
    )
    assert not state.restorable


def _after_minibatches(
    config: TrainConfig, count: int, vocab: Vocab, indices: Tensor
) -> tuple[LanguageModel, TrainingState]:
    state = begin(config, vocab)
    for event in train(state, vocab, indices):
        if isinstance(event, MinibatchFinished) and event.minibatch == count:
            break
    return state.model, state


def test_errors_are_raised_before_any_training(vocab: Vocab, indices: Tensor) -> None:
    with pytest.raises(CorpusError, match="needs at least 24"):
        next(train(begin(tiny(), vocab), vocab, indices[:23]))
    with pytest.raises(PrefixError) as refusal:
        next(train(begin(tiny(prefixes=("the", "naïve")), vocab), vocab, indices))
    assert refusal.value.params["character"] == "ï"


def test_the_state_is_plain_bytes(vocab: Vocab, indices: Tensor) -> None:
    state = begin(tiny(optimizer="adam", learning_rate=0.01), vocab)
    list(train(state, vocab, indices))
    buffer = io.BytesIO(save(state.tensors(), metadata=state.metadata()))
    assert buffer.getbuffer().nbytes > 0
    assert all(isinstance(value, str) for value in state.metadata().values())


SET_UP = """
import torch
from rnnlab.config import TrainConfig
from rnnlab.engine.training import prepare_thread
prepare_thread(TrainConfig(precision="{precision}", flush_denormal={flush}))
tiny = torch.tensor([1e-39]) * torch.tensor([0.5])
print(torch.get_num_threads(), tiny.item() == 0, torch.get_float32_matmul_precision())
"""


@pytest.mark.parametrize(
    ("precision", "flush", "expected"), [("float32", True, "1 True highest"), ("fast", False, "1 False medium")]
)
def test_a_process_is_set_up_according_to_the_configuration(precision: str, flush: bool, expected: str) -> None:
    command = [sys.executable, "-c", SET_UP.format(precision=precision, flush=flush)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == expected
