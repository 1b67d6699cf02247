"""The device of a run: the processor, or an accelerator if this machine has one and it is faster.

The faster device depends on the network. The time steps of a recurrent network are sequential, and each one costs an
accelerator several kernel launches, in which time a processor can finish a small network; the framework's own layers
need only one launch. No simple rule covers all cases, so "auto" measures both.

The measurement is made once for a run, before the first minibatch. Devices round differently, so a continued run stays
on the device on which it started.
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
"""Number of minibatches measured on each device; the median is used."""

_fastest: dict[str, str] = {}  # by configuration and vocabulary size; measured once in a process


def available_devices(config: TrainConfig) -> list[str]:
    """Return the names of the devices of this machine that can compute `config`, "cpu" first."""
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available() and config.precision != "float64":
        devices.append("mps")
    return devices


def resolve_device(config: TrainConfig, vocab_size: int, started_on: str | None = None) -> torch.device:
    """Return the device of a run: the device on which it started, otherwise the device of `config`.

    "auto" selects the device with the shortest time for a minibatch.

    Args:
        config: the configuration, with a device name or "auto".
        vocab_size: number of distinct characters.
        started_on: name of the device on which the run started; None for a new run.

    Raises:
        ConfigError: ``device_missing``: this machine does not have the device.
    """
    devices = available_devices(config)
    requested = started_on or config.device
    if requested == "auto":
        return torch.device(devices[0] if len(devices) == 1 else _fastest_of(config, vocab_size, devices))
    if requested not in devices:
        allowed = ", ".join([*devices, "auto"])
        raise ConfigError(
            "device_missing",
            f"device cannot be {requested!r} on this machine; allowed: {allowed}.",
            field="device",
            value=requested,
            allowed=allowed,
        )
    return torch.device(requested)


def seconds_per_minibatch(config: TrainConfig, model: LanguageModel, device: str) -> float:
    """Return the time of the loss and gradient of a minibatch on `device`, in seconds.

    Args:
        config: defines the shape of a minibatch.
        model: a model of this configuration; a copy of it is measured.
        device: "cpu", "cuda" or "mps".
    """
    copied = copy.deepcopy(model).to(device)
    X = torch.arange(config.batch_size * config.num_steps, device=device) % model.vocab_size
    X = X.view(config.batch_size, config.num_steps)
    state = copied.begin_state(config.batch_size)
    seconds = []
    for _ in range(MINIBATCHES + 1):
        started = time.perf_counter()
        loss, _ = copied.loss(X, X, state)
        copied.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()
        if device != "cpu":
            torch.accelerator.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])  # the first minibatch includes the setup of the device


def _fastest_of(config: TrainConfig, vocab_size: int, devices: list[str]) -> str:
    key = f"{config.model_dump_json(include=set(COSTS) - {'device'})} {vocab_size}"
    if key not in _fastest:
        model = build_model(config, vocab_size)
        seconds = {device: seconds_per_minibatch(config, model, device) for device in devices}
        _fastest[key] = min(seconds, key=lambda device: seconds[device])
    return _fastest[key]
