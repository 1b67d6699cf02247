"""Checkpoints: the complete state of a run in a safetensors file, never a pickle, written atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from rnnlab import private
from rnnlab.config import TrainConfig
from rnnlab.engine.model import LanguageModel
from rnnlab.engine.training import TrainingState
from rnnlab.errors import RunError
from rnnlab.inference.shapes import WEIGHTS
from rnnlab.runs.store import PARTIAL


def save(folder: Path, name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Path:
    """Write a checkpoint atomically, even if the power fails, and return its path.

    The tensors are written from where they are: on a processor, no copy of them is made.

    Raises:
        RunError: ``disk_full``, ``checkpoint_no_memory`` or ``checkpoint_unwritable``; no part of the file remains.
    """
    temporary = folder / f"{name}.{os.getpid()}{PARTIAL}"
    try:
        private.make_folder(folder)
        safetensors.torch.save_file(dict(tensors), temporary, metadata=dict(metadata))
        _synchronise(temporary)
        temporary.replace(folder / name)
        if hasattr(os, "O_DIRECTORY"):
            _synchronise(folder, os.O_DIRECTORY)
    except Exception as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unsaved(error) from error
    return folder / name


def lacks_memory(error: Exception) -> bool:
    """Return whether an error means that memory could not be allocated."""
    words = ("allocate memory", "out of memory", "not enough memory", "bad_alloc")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in words)


class _Stored(Mapping[str, Tensor]):
    """The tensors of an open file, each read when it is asked for."""

    def __init__(self, file: Any) -> None:
        self._file, self._names = file, list(file.keys())

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        tensor: Tensor = self._file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_weights(model: LanguageModel, path: Path) -> None:
    """Load the weights of a checkpoint, or of a network that ships with the app, into `model`.

    Raises:
        RunError: ``checkpoint_unreadable``: the file is missing, damaged, or belongs to another network.
    """
    with _readable(path) as file:
        stored = _Stored(file)
        prefix = WEIGHTS if any(name.startswith(WEIGHTS) for name in stored) else ""
        model.load_state_dict({name: stored[prefix + name] for name in model.state_dict()})


def restore(model: LanguageModel, config: TrainConfig, path: Path) -> TrainingState:
    """Return the state of a checkpoint, with its weights loaded into `model`.

    Raises:
        RunError: ``checkpoint_unreadable``: the file is missing, damaged, or belongs to another network.
    """
    with _readable(path) as file:
        return TrainingState.restore(model, config, _Stored(file), dict(file.metadata() or {}))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[Any]:
    """Open a file of weights; an error in the block means that the file is unreadable, or that memory is lacking."""
    try:
        # safetensors opens the file twice and raises a RuntimeError if it was removed in between
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, RuntimeError, SafetensorError, ValueError, KeyError, TypeError, struct.error) as error:
        if lacks_memory(error):
            raise
        raise RunError(
            "checkpoint_unreadable",
            f"The checkpoint {path.name} is missing or damaged, or belongs to another network; the run can only be"
            " started again from the beginning.",
            name=path.name,
        ) from error


def _synchronise(path: Path, flags: int = 0) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, (os.O_RDONLY if flags else os.O_RDWR) | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unsaved(error: Exception) -> RunError:
    """Return the RunError for a checkpoint that could not be written because of `error`."""
    if lacks_memory(error):
        return RunError("checkpoint_no_memory", "There was not enough memory to save a checkpoint.")
    # safetensors puts the errno only into its message
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(found[1])
    if number in (errno.ENOSPC, errno.EDQUOT):
        return RunError("disk_full", "The disk is full: free some space, then continue the run.")
    reason = os.strerror(number) if number is not None else f"{type(error).__name__}: {error}"[:200]
    return RunError("checkpoint_unwritable", f"A checkpoint could not be saved: {reason}.", reason=reason)
