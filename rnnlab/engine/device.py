"""Where a network is computed: on the processor, or on an accelerator where there is one and it is faster.

Which is faster depends on the network. Every time step of a recurrent network waits for the one before, and an
accelerator must be told each of them; a small network is done on the processor meanwhile, and the framework's own
layers need to be told only once. No rule of thumb holds for all of them, so "auto" measures.

It does so once for a run, before the first minibatch. Another device rounds differently, so a run that is continued
stays where it began.
"""

from __future__ import annotations

import copy
import statistics
import time

import torch

from rnnlab.config import COSTS, TrainConfig
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.errors import ConfigError

MINIBATCHES = 5
"""Measured on each device; the median counts."""

_fastest: dict[str, str] = {}  # by what the time depends on: measured once in a process


def available_devices(config: TrainConfig) -> list[str]:
    """Return the devices of this machine that can compute `config`, the processor first."""
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available() and config.precision != "float64":
        devices.append("mps")
    return devices


def resolve_device(config: TrainConfig, vocab_size: int, started_on: str | None = None) -> torch.device:
    """Return the device of a run: the one it started on, else the one that `config` asks for.

    For "auto" that is the device on which a minibatch takes the least time.

    Args:
        config: asks for a device.
        vocab_size: number of distinct characters.
        started_on: the device of a run that has trained before.

    Raises:
        ConfigError: ``device_missing``: that device is not there.
    """
    devices = available_devices(config)
    wanted = started_on or config.device
    if wanted == "auto":
        return torch.device(devices[0] if len(devices) == 1 else _fastest_of(config, vocab_size, devices))
    if wanted not in devices:
        allowed = ", ".join([*devices, "auto"])
        raise ConfigError(
            "device_missing",
            f"device cannot be {wanted!r} on this machine; allowed: {allowed}.",
            field="device",
            value=wanted,
            allowed=allowed,
        )
    return torch.device(wanted)


def seconds_per_minibatch(config: TrainConfig, model: LanguageModel, device: str) -> float:
    """Return what the loss of a minibatch and its gradient take on `device`, in seconds.

    Args:
        config: gives the shape of a minibatch.
        model: of that configuration; a copy of it is measured.
        device: "cpu", "cuda" or "mps".
    """
    copied = copy.deepcopy(model).to(device)
    X = torch.arange(config.batch_size * config.num_steps, device=device) % model.vocab_size
    X = X.view(config.batch_size, config.num_steps)
    state = copied.begin_state(config.batch_size)
    taken = []
    for _ in range(MINIBATCHES + 1):
        started = time.perf_counter()
        loss, _ = copied.loss(X, X, state)
        copied.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()
        if device != "cpu":
            torch.accelerator.synchronize()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])  # the first one also sets the device up


def _fastest_of(config: TrainConfig, vocab_size: int, devices: list[str]) -> str:
    key = f"{config.model_dump_json(include=set(COSTS) - {'device'})} {vocab_size}"
    if key not in _fastest:
        model = build_model(config, vocab_size)
        seconds = {device: seconds_per_minibatch(config, model, device) for device in devices}
        _fastest[key] = min(seconds, key=lambda device: seconds[device])
    return _fastest[key]
