"""Text generation: warm up on the prefix, then decode greedily, with a temperature, or with top-k."""

from __future__ import annotations

import numpy as np

from rnnlab.cells import OneHot
from rnnlab.config import Decoding
from rnnlab.inference.functions import Array, log_softmax
from rnnlab.inference.network import Network, Row, side_by_side


class Reader:
    """A network that reads one character at a time and predicts the next.

    Args:
        network: the network.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._states = [[unit.begin_state() for unit in units] for units in network.layers]

    def read(self, index: int) -> Array:
        """Read the character `index` and return the logits of the next character, (vocab_size,).

        The backward direction of a bidirectional network reads only this character, from its state after the previous
        character.
        """
        network = self._network
        row: Row = OneHot(index)
        for units, states in zip(network.layers, self._states, strict=True):
            for direction, unit in enumerate(units):
                states[direction], _ = unit.equation(row, states[direction], unit.weights, network.functions)
            row = side_by_side([state[0] for state in states])
        return network.logits(row)


def generate(
    network: Network,
    prefix: str,
    num_preds: int,
    decoding: Decoding = "greedy",
    temperature: float = 1.0,
    top_k: int = 5,
    seed: int = 0,
) -> str:
    """Return `prefix` followed by `num_preds` generated characters.

    The greedy text is that of `rnnlab.engine.generation.generate`, which describes the arguments. A sampled text is
    another one with the same seed, because NumPy's random numbers are not those of torch; its distribution is the same.

    Raises:
        PrefixError: the prefix has a character outside the vocabulary.
    """
    indices = network.vocab.encode_prefix(prefix)
    generator = np.random.default_rng(seed)
    reader = Reader(network)
    for position in range(len(indices) + num_preds - 1):
        logits = reader.read(indices[position])
        if position >= len(indices) - 1:
            indices.append(choose(logits, decoding, temperature, top_k, generator))
    return network.vocab.decode(indices)


def choose(logits: Array, decoding: Decoding, temperature: float, top_k: int, generator: np.random.Generator) -> int:
    """Return the index of the next character, chosen from the logits (vocab_size,)."""
    if decoding == "greedy":
        return int(logits.argmax())
    candidates = np.argsort(-logits, kind="stable")[: top_k if decoding == "top_k" else None]
    p = np.exp(log_softmax(logits[candidates].astype(np.float64) / temperature))
    return int(generator.choice(candidates, p=p / p.sum()))
