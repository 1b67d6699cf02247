"""Adam gives the updates of PyTorch's own class, bit for bit, also from its state."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnlab.engine.adam import Adam

SHAPES = [(3, 5), (7,), (2, 2), (4,)]
WITHOUT_GRADIENT = 2  # the index of a parameter that no loss depends on


def parameters(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in SHAPES]


def set_gradients(parameters: list[Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for index, parameter in enumerate(parameters):
        gradient = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        parameter.grad = None if index == WITHOUT_GRADIENT else gradient


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_updates_are_those_of_pytorch(dtype: torch.dtype) -> None:
    ours, theirs, restored = (parameters(dtype) for _ in range(3))
    adam, again = Adam(ours), Adam(restored)
    reference = torch.optim.Adam(theirs, lr=0.01, fused=True)
    for number in range(8):
        learning_rate = 0.01 if number < 5 else 0.003
        reference.param_groups[0]["lr"] = learning_rate
        for weights in (ours, theirs):
            set_gradients(weights, number)
        adam.step(learning_rate)
        reference.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    state = reference.state_dict()["state"]
    assert state.keys() == adam.slots.keys() == set(range(len(SHAPES))) - {WITHOUT_GRADIENT}
    for index, slots in state.items():
        assert slots.keys() == adam.slots[index].keys()
        assert all(torch.equal(adam.slots[index][name], slots[name]) for name in slots)

    # from the state of PyTorch, and without sharing it
    with torch.no_grad():
        for weight, at in zip(restored, theirs, strict=True):
            weight.copy_(at)
    again.load(state)
    for weights in (restored, theirs):
        set_gradients(weights, 8)
    again.step(0.003)
    reference.step()
    assert all(torch.equal(a, b) for a, b in zip(restored, theirs, strict=True))
    assert all(torch.equal(again.slots[0][name], state[0][name]) for name in state[0])
