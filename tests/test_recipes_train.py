"""Every recipe can be trained: two epochs of each, with its own settings on the beginning of its own text."""

from __future__ import annotations

import json
import math
from functools import cache

import pytest

from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished, RunFinished, RunStarted, TextGenerated
from rnnlab.recipes import RECIPES
from rnnlab.text.corpora import load, prepare
from rnnlab.text.vocab import Vocab

EPOCHS = 2
# recipes that demonstrate steps that are too long
WILD = {"X1-lr-1000", "X1-clip-0.1", "X2"}


def length_of(config: TrainConfig) -> int:
    """Return a length of the text for two minibatches, and at least so long that the prefixes occur in it."""
    return max(2_500, 5 * config.num_steps * config.batch_size // 2)


@cache
def text_of(corpus: str, preprocessing: str, length: int) -> tuple[Vocab, list[int]]:
    text = prepare(load(corpus).text, preprocessing, length).train  # type: ignore[arg-type]
    vocab = Vocab(text)
    return vocab, vocab.encode(text)


@pytest.mark.parametrize("name", RECIPES)
def test_two_epochs(name: str) -> None:
    config = RECIPES[name].config
    shorter = {"num_epochs": min(EPOCHS, config.num_epochs), "num_preds": min(10, config.num_preds)}
    config = config.change(**shorter, early_stopping=0)  # there is no held-out text here
    vocab, indices = text_of(config.corpus, config.preprocessing, length_of(config))
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    events = list(train(state, vocab, indices))

    assert isinstance(events[0], RunStarted)
    assert (events[0].vocab_size, events[0].num_chars) == (len(vocab), length_of(config))
    assert events[0].num_minibatches >= 2
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "finished"

    epochs = [event for event in events if isinstance(event, EpochFinished)]
    assert [event.epoch for event in epochs] == list(range(1, config.num_epochs + 1))
    for event in epochs:
        json.loads(event.to_json(), parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
        assert math.isfinite(event.loss)
        if config.clip_norm is None:
            assert event.clipped_share == 0
    if epochs and name not in WILD:
        assert epochs[-1].loss < epochs[0].loss
        assert epochs[-1].loss < math.log(len(vocab))

    texts = [event for event in events if isinstance(event, TextGenerated)]
    assert {event.prefix for event in texts} == set(config.prefixes)
    for event in texts:
        assert event.text.startswith(event.prefix)
        assert len(event.text) == len(event.prefix) + config.num_preds
        vocab.encode(event.text)
