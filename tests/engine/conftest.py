"""Small texts, vocabularies and configurations for the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from rnnlab.config import TrainConfig
from rnnlab.engine import parts
from rnnlab.text.vocab import Vocab

TEXT = "the quick brown fox jumps over the lazy dog while the river runs on to the sea " * 6


def tiny(**settings: Any) -> TrainConfig:
    """Return the configuration of a run that takes milliseconds."""
    defaults: dict[str, Any] = {
        "num_hiddens": 8,
        "num_steps": 5,
        "batch_size": 4,
        "num_epochs": 3,
        "pred_period": 2,
        "num_preds": 6,
        "prefixes": ("the", "fox"),
        "learning_rate": 1.0,
    }
    return TrainConfig.make(**(defaults | settings))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Leave one thread, with the settings of torch, to the next test."""
    yield
    parts.use_threads(1)
    parts.prepare(flush_denormal=False)


@pytest.fixture(scope="session")
def vocab() -> Vocab:
    return Vocab(TEXT)


@pytest.fixture(scope="session")
def indices(vocab: Vocab) -> torch.Tensor:
    return torch.tensor(vocab.encode(TEXT))
