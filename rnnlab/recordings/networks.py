"""Keep the weights of recorded runs as the networks that ship with the app, in the files of `rnnlab.inference.files`.

Half precision changes the perplexity of these networks by less than a thousandth: `keep` checks it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from rnnlab.config import TrainConfig
from rnnlab.events import EpochFinished
from rnnlab.inference.files import METADATA, file_name
from rnnlab.inference.inspection import inspect
from rnnlab.inference.network import Network
from rnnlab.inference.shapes import WEIGHTS
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
            name.removeprefix(WEIGHTS): file.get_tensor(name).astype(np.float16)
            for name in file.keys()  # noqa: SIM118 - it is not a mapping
            if name.startswith(WEIGHTS)
        }
    _check(client, run_id, epoch, config, tensors)
    label = {"recipe": recipe, "epoch": epoch, "loss": losses[-1], "config": json.loads(config.to_json())}
    folder.mkdir(exist_ok=True)
    path = folder / file_name(recipe, epoch)
    part = path.with_suffix(".part")
    part.write_bytes(save(tensors, metadata={METADATA: json.dumps(label, ensure_ascii=False, sort_keys=True)}))
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
