"""The shapes of all tensors and weights of a network, computed from its configuration; equal to the engine's."""

from __future__ import annotations

import math
from typing import NamedTuple

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig

Shape = tuple[int, ...]


class Tensor(NamedTuple):
    """A tensor: its role (a key of the catalogue), symbol (LaTeX) and shape."""

    role: str
    symbol: str
    shape: Shape


class Weight(NamedTuple):
    """A weight matrix or bias of a layer and direction; layer 0 is the output layer."""

    layer: int
    direction: int
    symbol: str
    shape: Shape

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def tensors(config: TrainConfig, vocab_size: int) -> list[Tensor]:
    """Return the tensors that flow through the network for one minibatch, in order.

    T is the number of time steps, B the batch size, V the vocabulary size, h the hidden units, D the directions.
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
    """Return all learned weights, layer by layer, the output layer last.

    The library's matrices are transposed, and it has two biases instead of one.
    """
    h, columns = config.num_hiddens, len(CELLS[config.cell].gates) * config.num_hiddens
    directions = 2 if config.bidirectional else 1
    learned: list[Weight] = []
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
            learned += [Weight(layer, direction, symbol, shape) for symbol, shape in parts]
    learned.append(Weight(0, 0, r"\mathbf{W}_{hq}", (directions * h, vocab_size)))
    learned.append(Weight(0, 0, r"\mathbf{b}_q", (vocab_size,)))
    return learned


def num_parameters(config: TrainConfig, vocab_size: int) -> int:
    """Return the number of parameters of the network."""
    return sum(weight.size for weight in weights(config, vocab_size))
