"""Accelerators: training and generation give the same results as on the processor, up to rounding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.engine.device import resolve_device
from rnnlab.engine.diagnosis import diagnose
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import Event, MinibatchFinished, TextGenerated
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

DEVICES = [
    name for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if there
]

pytestmark = pytest.mark.skipif(not DEVICES, reason="there is no accelerator here")


def events(vocab: Vocab, indices: Tensor, **settings: Any) -> list[Event]:
    config = tiny(num_hiddens=32, num_epochs=2, **settings)
    model = build_model(config, len(vocab), resolve_device(config, len(vocab)))
    return list(train(TrainingState.begin(model, config), vocab, indices))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_run_gives_the_same_results_on_both_devices(
    device: str, bidirectional: bool, num_layers: int, implementation: str, cell: str, vocab: Vocab, indices: Tensor
) -> None:
    settings = {
        "cell": cell, "implementation": implementation, "num_layers": num_layers, "bidirectional": bidirectional,
    }  # fmt: skip
    there, here = (events(vocab, indices, device=name, **settings) for name in (device, "cpu"))
    losses = [[event.loss for event in run if isinstance(event, MinibatchFinished)] for run in (there, here)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert [event.epoch for event in there if isinstance(event, TextGenerated)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("device", DEVICES)
def test_auto_takes_a_faster_accelerator_and_the_network_can_be_diagnosed_there(
    device: str, vocab: Vocab, indices: Tensor
) -> None:
    large = tiny(device="auto", implementation="library", cell="lstm", num_hiddens=1024, batch_size=256, num_steps=35)
    assert resolve_device(large, len(vocab)).type == device
    # a run that started on the processor stays there
    assert resolve_device(large, len(vocab), started_on="cpu").type == "cpu"
    config = tiny(device=device, cell="lstm", num_layers=2)
    model = build_model(config, len(vocab), resolve_device(config, len(vocab)))
    assert model.dense.weight.device.type == device
    assert diagnose(model, config, vocab, indices, "the fox").perplexity == pytest.approx(len(vocab), rel=0.2)
