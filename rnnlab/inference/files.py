"""The files of trained networks: weights as float16 in safetensors files, each with a `Label` in its metadata.

A file holds the weights under their names in the engine's model. Half precision halves the size and changes the
perplexity of the networks that ship with the app by less than a thousandth (`rnnlab.recordings.networks` checks it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from rnnlab.config import TrainConfig

FOLDER = Path(__file__).resolve().parent.parent / "recordings" / "networks"
"""The folder of the networks that ship with the app."""
SUFFIX = ".safetensors"
METADATA = "network"
"""The only entry of the metadata: safetensors writes several entries in no fixed order."""


@dataclass(frozen=True)
class Label:
    """Which network a file holds.

    Attributes:
        recipe: id of the recipe.
        epoch: number of epochs after which its weights were kept.
        loss: mean training loss of that epoch, in nats.
        config: its configuration.
    """

    recipe: str
    epoch: int
    loss: float
    config: TrainConfig


def file_name(recipe: str, epoch: int) -> str:
    """Return the name of the file with the weights of a recipe after `epoch` epochs."""
    return f"{recipe}-epoch-{epoch:03d}{SUFFIX}"


def read_label(path: Path) -> Label:
    """Return the label of a file."""
    with safe_open(path, framework="np") as file:
        label = json.loads(file.metadata()[METADATA])
    return Label(label["recipe"], label["epoch"], label["loss"], TrainConfig.from_json(json.dumps(label["config"])))


def read_tensors(path: Path) -> dict[str, NDArray[np.float16]]:
    """Return the weights in a file by their names in the engine's model."""
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a mapping
