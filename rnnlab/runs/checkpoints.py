"""Checkpoints: the complete state of a run in a safetensors file, never a pickle, written atomically."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from rnnlab import private
from rnnlab.config import TrainConfig
from rnnlab.engine.model import LanguageModel
from rnnlab.engine.training import TrainingState
from rnnlab.errors import RunError


def file_name(epoch: int, minibatch: int) -> str:
    """Return the file name of the checkpoint after `epoch` epochs and `minibatch` minibatches of the next epoch."""
    return f"epoch-{epoch:05d}-{minibatch:06d}.safetensors"


def dumps(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return a checkpoint as bytes."""
    return safetensors.torch.save({name: tensor.cpu() for name, tensor in tensors.items()}, metadata=dict(metadata))


def save(folder: Path, name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Path:
    """Write a checkpoint atomically, even if the power fails, and return its path.

    Raises:
        OSError: the file could not be written, for example because the disk is full; no part of it remains.
    """
    private.make_folder(folder)
    temporary = folder / f"{name}.{os.getpid()}.part"
    data = dumps(tensors, metadata)
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return folder / name


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a checkpoint.

    Raises:
        RunError: ``checkpoint_unreadable``: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a mapping
            return tensors, dict(file.metadata() or {})
    # safetensors opens the file twice and raises a RuntimeError if it was removed in between
    except (OSError, RuntimeError, SafetensorError, ValueError, struct.error) as error:
        raise RunError(
            "checkpoint_unreadable",
            f"The checkpoint {path.name} is missing or damaged; the run can only be started again from the beginning.",
            name=path.name,
        ) from error


def restore(model: LanguageModel, config: TrainConfig, path: Path) -> TrainingState:
    """Return the state of a checkpoint, with its weights loaded into `model`.

    Raises:
        RunError: ``checkpoint_unreadable``: the file is missing, damaged, or belongs to another network.
    """
    tensors, metadata = load(path)
    try:
        return TrainingState.restore(model, config, tensors, metadata)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RunError(
            "checkpoint_unreadable",
            f"The checkpoint {path.name} does not belong to this network; the run can only be started again from the"
            " beginning.",
            name=path.name,
        ) from error
