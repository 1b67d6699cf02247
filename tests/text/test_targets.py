"""Which characters are predicted, against the minibatches that are really dealt out."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.config import TrainConfig
from rnnlab.engine.diagnosis import walk_text
from rnnlab.engine.minibatch import epoch_minibatches
from rnnlab.engine.model import build_model
from rnnlab.text import corpora
from rnnlab.text.ngrams import ladder
from rnnlab.text.targets import MAX_TARGETS, epoch_targets, minibatches_walked, walked_targets

SIZES = st.tuples(st.integers(0, 90), st.integers(1, 5), st.integers(1, 7))


def config_of(rows: int, steps: int, sampling: str) -> TrainConfig:
    return TrainConfig.make(batch_size=rows, num_steps=steps, sampling=sampling, num_hiddens=1)


def characters(count: int) -> str:
    """A text in which every character occurs once, so that none can stand for another."""
    return "".join(chr(0x4E00 + i) for i in range(count))


@given(SIZES)
def test_an_epoch_predicts_what_its_minibatches_do(sizes: tuple[int, int, int]) -> None:
    count, rows, steps = sizes
    text, config = characters(count), config_of(rows, steps, "consecutive")
    _, minibatches = epoch_minibatches(torch.arange(count), config, torch.Generator())
    predicted = [text[i] for _, Y in minibatches for i in Y.flatten().tolist()]
    assert Counter(epoch_targets(text, config)) == Counter(predicted)


@given(SIZES)
def test_random_sampling_predicts_from_every_window(sizes: tuple[int, int, int]) -> None:
    count, rows, steps = sizes
    text, config = characters(count), config_of(rows, steps, "random")
    _, minibatches = epoch_minibatches(torch.arange(count), config, torch.Generator())
    predicted = {text[i] for _, Y in minibatches for i in Y.flatten().tolist()}
    # each epoch leaves out other windows, fewer than a minibatch
    left_out = set(epoch_targets(text, config)) - predicted
    assert predicted <= set(epoch_targets(text, config))
    assert len(left_out) == (max(0, count - 1) // steps) % rows * steps


@pytest.mark.parametrize("sampling", ["random", "consecutive"])
@pytest.mark.parametrize(("count", "rows", "steps"), [(400, 4, 5), (403, 7, 11), (45_000, 32, 35), (9_000, 1, 1)])
def test_a_diagnosis_walks_what_it_is_said_to(count: int, rows: int, steps: int, sampling: str) -> None:
    config = config_of(rows, steps, sampling)
    text = "abcde" * (count // 5)
    indices = torch.tensor(["abcde".index(one) for one in text])
    with torch.no_grad():
        walk = walk_text(build_model(config, 5), indices, config)
    assert Counter(walked_targets(text, config)) == Counter("abcde"[i] for i in walk.windows.Y.flatten().tolist())
    assert len(walked_targets(text, config)) <= MAX_TARGETS


def test_a_text_that_is_too_short_has_no_targets() -> None:
    for sampling in ("random", "consecutive"):
        config = config_of(4, 5, sampling)
        assert epoch_targets("", config) == walked_targets("ab", config) == ""
    assert minibatches_walked(100, 1_000) == 1


def test_the_frequencies_of_the_targets_are_not_those_of_the_text() -> None:
    """The unigram perplexity of the project's own lyrics, and of what 32 rows of 35 steps predict of them."""
    train = corpora.prepare(corpora.load("lyrics-zh").text, "first_edition", 10_000).train
    predicted = epoch_targets(train, TrainConfig())
    assert len(predicted) == 8_960
    assert ladder(train, 1)[1] == pytest.approx(262.611, abs=0.001)
    assert ladder(predicted, 1)[1] == pytest.approx(260.982, abs=0.001)
    assert Counter(walked_targets(train, TrainConfig())) == Counter(predicted)
