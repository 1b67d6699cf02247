"""Taking over the weights of a trained network: the same outputs for the characters that both texts have."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.engine.transfer import adopt
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import TEXT, tiny

OTHER = Vocab("the dog ran, and the FOX too; ÄÖÜ 123 " * 3)
"""A vocabulary that shares some characters with `TEXT`, at other indices."""
KINDS: tuple[dict[str, Any], ...] = (
    *({"cell": cell, "implementation": i} for cell in ("rnn", "gru", "lstm") for i in ("scratch", "library")),
    {"cell": "lstm", "implementation": "library", "num_layers": 3, "bidirectional": True},
    {"cell": "gru", "num_layers": 2, "bidirectional": True},
    {"bidirectional": True, "objective": "cloze", "num_layers": 2},
    {"cell": "lstm", "implementation": "library", "num_layers": 2, "layer_norm": True, "residual": True},
)


def logits(model: LanguageModel, vocab: Vocab, text: str) -> Tensor:
    """Return the logits after each character of a text, (length, vocabulary)."""
    X = torch.tensor([vocab.encode(text)])
    with torch.no_grad():
        return model(X, model.begin_state(1))[0]


@pytest.fixture(scope="module", params=KINDS, ids=str)
def trained(request: pytest.FixtureRequest) -> tuple[dict[str, Any], LanguageModel]:
    config = tiny(**request.param, initialization="uniform", num_epochs=2, held_out_period=0)
    vocab = Vocab(TEXT)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    for _ in train(state, vocab, vocab.encode(TEXT)):
        pass
    return request.param, state.model


def test_shared_characters_have_the_same_logits(trained: tuple[dict[str, Any], LanguageModel]) -> None:
    settings, source = trained
    vocab = Vocab(TEXT)
    new = build_model(tiny(**settings, initialization="uniform", random_seed=5), len(OTHER))
    shared = [token for token in OTHER.idx_to_token if token in vocab.token_to_idx]
    assert adopt(new, OTHER, source, vocab) == len(shared) < len(OTHER)
    text = "the dog ran and"
    mine, theirs = logits(new, OTHER, text), logits(source, vocab, text)
    picked = mine[:, OTHER.encode("".join(shared))], theirs[:, vocab.encode("".join(shared))]
    torch.testing.assert_close(*picked, rtol=1e-5, atol=1e-6)


def test_other_characters_start_anew(trained: tuple[dict[str, Any], LanguageModel]) -> None:
    settings, source = trained
    config = tiny(**settings, initialization="uniform", random_seed=5)
    fresh, new = build_model(config, len(OTHER)), build_model(config, len(OTHER))
    adopt(new, OTHER, source, Vocab(TEXT))
    unknown = torch.tensor([i for i, token in enumerate(OTHER.idx_to_token) if token not in TEXT])
    assert len(unknown) > 5
    rows = {id(parameter): axis for parameter, axis in new.by_character()}
    assert len(rows) == (4 if config.bidirectional else 3)
    for before, after in zip(fresh.parameters(), new.parameters(), strict=True):
        if (axis := rows.get(id(after))) is not None:
            assert torch.equal(before.index_select(axis, unknown), after.index_select(axis, unknown))


def test_a_library_network_can_go_on_with_dropout(trained: tuple[dict[str, Any], LanguageModel]) -> None:
    settings, source = trained
    vocab = Vocab(TEXT)
    new = build_model(tiny(**settings, dropout=0.5), len(vocab))
    assert adopt(new, vocab, source, vocab) == len(vocab)
    torch.testing.assert_close(logits(new, vocab, "the fox"), logits(source, vocab, "the fox"), rtol=1e-5, atol=1e-6)


def test_networks_of_another_depth_are_refused(vocab: Vocab) -> None:
    shallow, deep = (build_model(tiny(num_layers=layers), len(vocab)) for layers in (1, 2))
    with pytest.raises(ValueError, match="zip"):
        adopt(shallow, vocab, deep, vocab)
