"""The choice of the device."""

from __future__ import annotations

import copy

import pytest
import torch

from rnnlab.engine.device import available_devices, resolve_device, seconds_per_minibatch
from rnnlab.engine.model import build_model
from rnnlab.errors import ConfigError
from tests.engine.conftest import tiny

V = 12


def test_a_missing_device_is_refused_with_the_available_devices() -> None:
    config = tiny()
    missing = next(name for name in ("cuda", "mps") if name not in available_devices(config))
    with pytest.raises(ConfigError, match=f"{missing}.*allowed: cpu.*auto"):
        resolve_device(config.change(device=missing), V)
    with pytest.raises(ConfigError, match=f"{missing}.*allowed: cpu.*auto"):
        resolve_device(config.change(device="auto"), V, started_on=missing)


def test_auto_takes_the_processor_without_an_accelerator() -> None:
    config = tiny(device="auto")
    if len(available_devices(config)) > 1:
        pytest.skip("there is an accelerator here: test_accelerator.py tries it")
    assert resolve_device(config, V).type == "cpu"


@pytest.mark.parametrize("objective", ["next", "cloze"])
def test_measuring_changes_neither_the_model_nor_the_random_state(objective: str) -> None:
    config = tiny(objective=objective, bidirectional=objective == "cloze", num_layers=2)
    model = build_model(config, V)
    weights, random_state = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    assert seconds_per_minibatch(config, model, "cpu") > 0
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(random_state, torch.random.get_rng_state())
