"""Text generation and the choice of the next character."""

from __future__ import annotations

import pytest
import torch

from rnnlab.engine.generation import choose, generate
from rnnlab.engine.model import build_model
from rnnlab.errors import PrefixError
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_greedy_takes_the_most_probable_character_after_the_whole_prefix(
    cell: str, implementation: str, vocab: Vocab
) -> None:
    config = tiny(cell=cell, implementation=implementation, initialization="uniform", num_layers=2)
    model = build_model(config, len(vocab))
    text = generate(model, vocab, "the fox", 4)
    assert text.startswith("the fox")
    assert len(text) == 11
    for position in range(7, 11):  # the whole text at once, instead of one character at a time
        X = torch.tensor([vocab.encode(text[:position])])
        logits, _ = model(X, model.begin_state(1))
        assert vocab.decode([int(logits[-1].argmax())]) == text[position]


def test_a_character_outside_the_vocabulary_is_reported(vocab: Vocab) -> None:
    model = build_model(tiny(), len(vocab))
    with pytest.raises(PrefixError) as refusal:
        generate(model, vocab, "fox分", 3)
    assert refusal.value.params["character"] == "分"


def test_a_prefix_is_prepared_as_the_text_is(vocab: Vocab) -> None:
    model = build_model(tiny(), len(vocab))
    assert generate(model, vocab, "The\nFox!", 3) == generate(model, vocab, "the fox", 3)


def test_sampling_repeats_with_the_same_seed_and_differs_with_another(vocab: Vocab) -> None:
    model = build_model(tiny(initialization="uniform"), len(vocab))
    texts = {generate(model, vocab, "t", 20, "temperature", seed=seed) for seed in (1, 1, 2, 3)}
    assert len(texts) == 3


def test_temperature_and_top_k_sample_from_the_right_distribution() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    drawn = torch.tensor([choose(logits, "temperature", 2.0, 1, generator) for _ in range(4000)])
    torch.testing.assert_close(drawn.bincount(minlength=4) / 4000, (logits / 2).softmax(0), atol=0.03, rtol=0)
    drawn = torch.tensor([choose(logits, "top_k", 1.0, 2, generator) for _ in range(4000)])
    torch.testing.assert_close(drawn.bincount(minlength=4)[:2] / 4000, logits[:2].softmax(0), atol=0.03, rtol=0)
    assert drawn.max() == 1
    assert {choose(logits, "greedy", 5.0, 3, generator) for _ in range(10)} == {0}
    assert choose(logits, "top_k", 1.0, 99, generator) in range(4)
