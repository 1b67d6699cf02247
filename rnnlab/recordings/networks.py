"""The trained networks that ship with the app: weights of recorded runs as float16, each in a safetensors file.

A file holds the weights under their names in the engine's model and, as JSON in its metadata, a `Label`. Half precision
halves the size and changes the perplexity of these networks by less than a thousandth (`keep` checks it).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from rnnlab.config import TrainConfig
from rnnlab.events import EpochFinished
from rnnlab.inference.inspection import inspect
from rnnlab.inference.network import Network
from rnnlab.runs.client import Client
from rnnlab.runs.questions import MAX_TEXT
from rnnlab.text import corpora
from rnnlab.text.vocab import Vocab

KEPT: dict[str, tuple[int, ...]] = {
    "A3": (50, 100, 250),
    "A6": (160,),
    "A10": (160,),
    "B1": (20, 100, 500),
    "B2": (500,),
    "B3": (100, 500),
    "B4": (500,),
}
"""The epochs whose weights are kept, by recipe; a file of A6 takes 3 MB, all together take 13 MB."""

FOLDER = "networks"
SUFFIX = ".safetensors"
PREFIX = "model."
"""Prefix of the weights in a checkpoint, which also holds the state of the optimiser."""

_METADATA = "network"  # a single entry, because safetensors writes several in no fixed order


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


def keep(client: Client, run_id: str, recipe: str, epoch: int, folder: Path) -> Path:
    """Write the weights of a checkpoint of a run to `folder` and return the file's path.

    Raises:
        RNNLabError: the checkpoint cannot be read.
        RuntimeError: there is no such checkpoint, or the file's network is not nearly that of the checkpoint.
    """
    config = client.store.run(run_id).config
    paths = [path for at, minibatch, path in client.store.checkpoints(run_id) if (at, minibatch) == (epoch, 0)]
    events = [event for _, event in client.store.events_since(run_id)]
    losses = [event.loss for event in events if isinstance(event, EpochFinished) and event.epoch == epoch]
    if not (paths and losses):
        raise RuntimeError(f"{recipe} has no checkpoint after epoch {epoch}")
    with safe_open(paths[-1], framework="np") as file:
        tensors = {
            name.removeprefix(PREFIX): file.get_tensor(name).astype(np.float16)
            for name in file.keys()  # noqa: SIM118 - it is not a mapping
            if name.startswith(PREFIX)
        }
    _check(client, run_id, epoch, config, tensors)
    label = {"recipe": recipe, "epoch": epoch, "loss": losses[-1], "config": json.loads(config.to_json())}
    folder.mkdir(exist_ok=True)
    path = folder / file_name(recipe, epoch)
    part = path.with_suffix(".part")
    part.write_bytes(save(tensors, metadata={_METADATA: json.dumps(label, ensure_ascii=False, sort_keys=True)}))
    part.replace(path)
    return path


def _check(
    client: Client, run_id: str, epoch: int, config: TrainConfig, tensors: Mapping[str, NDArray[np.float16]]
) -> None:
    """Compare what the network of a file and that of the checkpoint predict along the beginning of the training text.

    Raises:
        RuntimeError: the perplexity differs by more than a thousandth.
    """
    corpus = corpora.load(config.corpus)
    train = corpora.prepare(corpus.text, config.preprocessing, config.num_chars).train
    text = train[:MAX_TEXT]
    mine = _perplexity(inspect(Network(config, Vocab(train), tensors), text))
    theirs = _perplexity(client.inspect(run_id, text, epoch=epoch))
    if not abs(mine / theirs - 1) < 1e-3:
        raise RuntimeError(f"epoch {epoch} in half precision has perplexity {mine} instead of {theirs}")


def _perplexity(answer: Mapping[str, Any]) -> float:
    surprises = [here["surprise"] for here in answer["next"][:-1]]
    return math.exp(sum(surprises) / len(surprises))


def read_label(path: Path) -> Label:
    """Return the label of a file."""
    with safe_open(path, framework="np") as file:
        label = json.loads(file.metadata()[_METADATA])
    return Label(label["recipe"], label["epoch"], label["loss"], TrainConfig.from_json(json.dumps(label["config"])))


def read_tensors(path: Path) -> dict[str, NDArray[np.float16]]:
    """Return the weights in a file by their names in the engine's model."""
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a mapping
