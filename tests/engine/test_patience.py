"""Early stopping: it keeps the argmin of the held-out perplexity, and a resumed run stops where the whole run did."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.patience import Patience
from rnnlab.engine.training import TrainingState, train
from rnnlab.errors import CorpusError
from rnnlab.events import EpochFinished, Event, RunFinished
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

OTHER = "the dog and the fox ran over the hill, and over the lazy hill the fox ran. " * 20
PATIENT = tiny(num_hiddens=24, optimizer="adam", learning_rate=0.02, num_epochs=200, held_out_period=2)


@given(st.lists(st.none() | st.floats(1, 1e6), min_size=1), st.integers(1, 5))
def test_it_keeps_the_argmin_and_ends_after_the_limit(values: list[float | None], limit: int) -> None:
    patience, seen = Patience(limit), []
    for epoch, value in enumerate(values, start=1):
        patience.measured(epoch, value)
        seen.append(float("inf") if value is None else value)
        assert patience.epoch == 1 + seen.index(min(seen))
        assert patience.exhausted == (len(seen) - patience.epoch >= limit)
        if patience.exhausted:
            break


def run(state: TrainingState, vocab: Vocab, indices: Tensor, upto: int | None = None) -> list[Event]:
    """Return the events up to the end of epoch `upto`, or of the run."""
    found: list[Event] = []
    for event in train(state, vocab, indices, held_out=OTHER):
        found.append(event)
        if isinstance(event, EpochFinished) and event.epoch == upto:
            break
    return found


def begin(config: TrainConfig, vocab: Vocab) -> TrainingState:
    return TrainingState.begin(build_model(config, len(vocab)), config)


def curve(events: list[Event]) -> list[tuple[int, float, float | None]]:
    epochs = [event for event in events if isinstance(event, EpochFinished)]
    return [(event.epoch, event.loss, event.held_out_perplexity) for event in epochs]


def test_a_run_ends_early_and_nothing_before_is_different(vocab: Vocab, indices: Tensor) -> None:
    whole = run(begin(PATIENT, vocab), vocab, indices)
    stopped = run(begin(PATIENT.change(early_stopping=3), vocab), vocab, indices)
    last = stopped[-1]
    assert isinstance(last, RunFinished)
    assert curve(stopped) == curve(whole)[: last.epoch]
    measured = {epoch: value for epoch, _, value in curve(stopped) if value is not None}
    assert last.best_epoch == min(measured, key=measured.__getitem__)
    assert last.epoch == last.best_epoch + 3 * PATIENT.held_out_period < PATIENT.num_epochs
    # it writes at its end, although no period ends there
    assert [event.epoch for event in stopped if event.kind == "text_generated"][-1] == last.epoch
    assert isinstance(whole[-1], RunFinished)
    assert whole[-1].best_epoch is None


def test_a_resumed_run_ends_at_the_same_epoch(vocab: Vocab, indices: Tensor) -> None:
    config = PATIENT.change(early_stopping=3)
    whole = run(begin(config, vocab), vocab, indices)
    end = whole[-1]
    assert isinstance(end, RunFinished)
    assert end.best_epoch is not None
    for upto in (end.best_epoch - 1, end.best_epoch + 3, end.epoch):
        state = begin(config, vocab)
        first = run(state, vocab, indices, upto)
        tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
        restored = TrainingState.restore(build_model(config, len(vocab)), config, tensors, state.metadata())
        rest = run(restored, vocab, indices)
        assert curve(first) + curve(rest) == curve(whole)
        assert rest[-1] == end


def test_further_training_counts_anew(vocab: Vocab, indices: Tensor) -> None:
    config = PATIENT.change(early_stopping=3)
    state = begin(config, vocab)
    end = run(state, vocab, indices)[-1]
    assert isinstance(end, RunFinished)
    state.patience.renew()
    again = run(state, vocab, indices)[-1]
    assert isinstance(again, RunFinished)
    # either later values are lower, or three more of them are not
    assert again.best_epoch is not None
    assert again.epoch - max(again.best_epoch, end.epoch) == 3 * PATIENT.held_out_period


@pytest.mark.parametrize("held_out", ["", "the fox", "☃" * 500])
def test_a_text_without_held_out_characters_is_refused(held_out: str, vocab: Vocab, indices: Tensor) -> None:
    config = PATIENT.change(early_stopping=1)
    with pytest.raises(CorpusError) as caught:
        next(iter(train(begin(config, vocab), vocab, indices, held_out=held_out)))
    assert caught.value.code == "corpus_no_held_out"
    next(iter(train(begin(PATIENT, vocab), vocab, indices, held_out=held_out)))


def test_without_it_a_checkpoint_is_as_before(vocab: Vocab) -> None:
    assert "patience" not in begin(PATIENT, vocab).metadata()
    restored = begin(PATIENT.change(early_stopping=2), vocab)
    values = {name: value for name, value in restored.metadata().items() if name != "patience"}
    tensors = {name: tensor.clone() for name, tensor in restored.tensors().items()}
    # the checkpoint of a version without early stopping
    old = TrainingState.restore(build_model(PATIENT, len(vocab)), PATIENT.change(early_stopping=2), tensors, values)
    assert old.patience == Patience(2)
    assert all(torch.equal(old.tensors()[name], tensor) for name, tensor in tensors.items())
