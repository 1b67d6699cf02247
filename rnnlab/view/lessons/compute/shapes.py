"""The shapes of every tensor and weight of a network, from its configuration alone; equal to the engine's."""

from __future__ import annotations

import math
from typing import NamedTuple

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig

Shape = tuple[int, ...]


class Tensor(NamedTuple):
    """A tensor by its role (a key of the catalogue), its symbol (LaTeX) and its shape."""

    role: str
    symbol: str
    shape: Shape


class Weight(NamedTuple):
    """Weights of one kind in one layer and direction: layer 0 is the output layer."""

    layer: int
    direction: int
    symbol: str
    shape: Shape

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def tensors(config: TrainConfig, vocab_size: int) -> list[Tensor]:
    """Return what flows through the network for one minibatch, in order.

    T time steps, B the batch size, V the vocabulary, h hidden units, D directions, L layers.
    """
    T, B, V, h = config.num_steps, config.batch_size, vocab_size, config.num_hiddens  # noqa: N806
    D = 2 if config.bidirectional else 1  # noqa: N806
    state = (config.num_layers * D, B, h)
    return [
        Tensor("minibatch", r"\mathbf{X}", (B, T)),
        Tensor("one_hot", r"\mathrm{onehot}(\mathbf{X}^\top)", (T, B, V)),
        Tensor("state", r"\mathbf{H}", state),
        *([Tensor("memory", r"\mathbf{C}", state)] if "C" in CELLS[config.cell].states else []),
        Tensor("outputs", r"\mathbf{H}_1, \ldots, \mathbf{H}_T", (T, B, D * h)),
        Tensor("logits", r"\mathbf{O}", (T * B, V)),
        Tensor("targets", r"\mathbf{Y}", (B, T)),
        Tensor("loss", r"\ell", ()),
    ]


def weights(config: TrainConfig, vocab_size: int) -> list[Weight]:
    """Return everything that is learnt, layer by layer, the output layer last.

    The library keeps its matrices transposed and has two biases where the book has one.
    """
    h, columns = config.num_hiddens, len(CELLS[config.cell].gates) * config.num_hiddens
    directions = 2 if config.bidirectional else 1
    learnt: list[Weight] = []
    for layer in range(1, config.num_layers + 1):
        inputs = vocab_size if layer == 1 else directions * h
        for direction in range(directions):
            if config.implementation == "scratch":
                parts: list[tuple[str, Shape]] = [
                    (r"\mathbf{W}_x", (inputs, columns)),
                    (r"\mathbf{W}_h", (h, columns)),
                    (r"\mathbf{b}", (columns,)),
                ]
            else:
                parts = [
                    (r"\mathbf{W}_{ih}", (columns, inputs)),
                    (r"\mathbf{W}_{hh}", (columns, h)),
                    (r"\mathbf{b}_{ih}", (columns,)),
                    (r"\mathbf{b}_{hh}", (columns,)),
                ]
            learnt += [Weight(layer, direction, symbol, shape) for symbol, shape in parts]
    learnt.append(Weight(0, 0, r"\mathbf{W}_{hq}", (directions * h, vocab_size)))
    learnt.append(Weight(0, 0, r"\mathbf{b}_q", (vocab_size,)))
    return learnt


def num_parameters(config: TrainConfig, vocab_size: int) -> int:
    """Return how many numbers the network learns."""
    return sum(one.size for one in weights(config, vocab_size))
