"""Exported checkpoints; one that is taken is shown on a page, and its network is asked."""

from __future__ import annotations

import contextlib
import json
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import save

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.inference.shapes import WEIGHTS, weight_shapes
from rnnlab.runs import incoming
from rnnlab.runs.export import to_json
from tests.fuzz import hostile
from tests.fuzz.doors.imports import Import
from tests.fuzz.lab import Lab
from tests.made import joined

CHARACTERS = " abcdefghijklmnopqrstuvwxyz"


class Checkpoint(Import):
    """The import of a run with its checkpoint."""

    name = "checkpoint"
    share = 0.05

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._whole = _whole(lab.exported)

    def knock(self, chance: Random) -> bool:
        """Import a file, ask and show the run if it is taken, and delete it; no file may be left on its way."""
        try:
            return super().knock(chance)
        finally:
            assert not list((self.lab.home / incoming.FOLDER).glob("*"))

    def taken(self, run: str, chance: Random) -> None:
        """Ask the network."""
        if chance.random() < 0.3:
            with contextlib.suppress(RNNLabError):
                self.lab.client.generate(run, "the", 3)

    def _file(self, chance: Random) -> bytes | str:
        kind = chance.randrange(8)
        if kind == 0:
            return self._whole
        if kind == 1:
            return hostile.damaged(chance, self._whole)
        length = int.from_bytes(self._whole[:8], "little")
        text, tensors = self._whole[8 : 8 + length], self._whole[8 + length :]
        if kind == 2:
            return joined(hostile.damaged(chance, text), tensors)
        if kind == 3:
            return joined(chance.choice(("{", "")).encode() + hostile.deep(chance).encode(), tensors)
        if kind == 4:
            lying = chance.choice((0, 1, 8, length - 1, length + 1, len(self._whole), 2**31, 2**63, 2**64 - 1))
            return lying.to_bytes(8, "little") + self._whole[8:]
        header: dict[str, Any] = json.loads(text)
        if kind == 5:
            metadata = header["__metadata__"]
            name = chance.choice(sorted(metadata))
            metadata[name] = hostile.dumped(hostile.changed(chance, json.loads(metadata[name])))
        else:
            for _ in range(chance.randint(1, 3)):
                header = hostile.changed(chance, header)
        return joined(hostile.dumped(header).encode("utf-8", "replace"), tensors)


def _whole(exported: dict[str, Any]) -> bytes:
    """Return a valid file for an exported run, whose weights are zero."""
    config = TrainConfig.from_json(json.dumps(exported["config"]))
    shapes = weight_shapes(config, len(CHARACTERS))
    tensors: dict[str, Any] = {f"{WEIGHTS}{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    state = {
        "epoch": 3, "minibatch": 0, "learning_rate": 1.0, "clip_norm": 1.0, "last_grad_norm": None, "texts_due": False,
        "tally": {}, "vocab": CHARACTERS,
    }  # fmt: skip
    metadata = {name: json.dumps(value) for name, value in state.items()}
    generator = np.zeros(5056, np.uint8)
    return save({**tensors, "epoch_began_with": generator}, {**metadata, "run": to_json(exported)})
