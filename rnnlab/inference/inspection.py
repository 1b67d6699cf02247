"""Inspection of a trained network: states and gates along a text, predictions, and what they depend on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnlab.cells import ROLES, OneHot
from rnnlab.config import TrainConfig
from rnnlab.inference.functions import Array, log_softmax
from rnnlab.inference.gradient import TRACED, Tape
from rnnlab.inference.network import Network, Walked
from rnnlab.text.vocab import Vocab

NUM_TOP = 5
"""Number of most probable next characters that are returned."""
DIRECTIONS = ("forward", "backward")


def inspect(network: Network, text: str, layer: int = 1) -> dict[str, Any]:
    """Return the states and gates of one layer and the predictions while the network reads `text` from the zero state.

    The answer is that of `rnnlab.engine.microscope.inspect`, see `answer`.

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    rows = [OneHot(index) for index in network.vocab.encode(text)]
    walked, outputs = network.walk(rows, network.functions)
    states = [_by_name(network, steps) for steps in walked[layer - 1]]
    logits = np.stack([network.logits(output) for output in outputs])
    return answer(network.config, network.vocab, text, layer, states, logits)


def _by_name(network: Network, steps: Walked) -> dict[str, Array]:
    """Return the states (T, h) of a direction by letter and its gates (T, h) by role."""
    cell = network.cell
    named = {name: np.stack([state[place] for state, _ in steps]) for place, name in enumerate(cell.states)}
    by_role = {gate.role: gate.name for gate in cell.gates if gate.role is not None}
    return named | {role: np.stack([gates[by_role[role]] for _, gates in steps]) for role in ROLES if role in by_role}


def answer(
    config: TrainConfig,
    vocab: Vocab,
    text: str,
    layer: int,
    states: Sequence[Mapping[str, Array]],
    logits: Array,
) -> dict[str, Any]:
    """Return the answer of an inspection, of the engine's or of this one.

    Args:
        config: the configuration of the network.
        vocab: its vocabulary.
        text: the text that it read, T characters.
        layer: number of the layer whose states are given.
        states: for each direction the states by letter and the gates by role, each (T, num_hiddens).
        logits: of the character after each position, (T, vocab_size).

    Returns:
        ``text``, ``layer``, ``num_layers``, ``num_hiddens``, ``vocab_size``;

        ``states``: for each name and direction ``{"name", "direction", "values"}``. The names are the letters of the
        states of the cell and the roles of its gates (`rnnlab.cells`); the values are little-endian float16 of shape
        (len(text), num_hiddens), in base64;

        ``next``: for each position ``{"top", "entropy", "surprise"}``: the five most probable next characters with
        their probabilities, the entropy of the distribution in nats, and -ln of the probability of the actual next
        character, None at the last position.
    """
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    chosen = np.argsort(-p, axis=1, kind="stable")[:, :NUM_TOP]
    entropy = -(p * log_p).sum(axis=1)
    following = vocab.encode(text)[1:]
    surprise = [float(-log_p[t, index]) for t, index in enumerate(following)]
    return {
        "text": text,
        "layer": layer,
        "num_layers": config.num_layers,
        "num_hiddens": config.num_hiddens,
        "vocab_size": len(vocab),
        "states": [
            {"name": name, "direction": DIRECTIONS[direction], "values": _to_base64(values)}
            for direction, by_name in enumerate(states)
            for name, values in by_name.items()
        ],
        "next": [
            {
                "top": [[vocab.idx_to_token[index], float(p[t, index])] for index in chosen[t]],
                "entropy": max(0.0, float(entropy[t])),
                "surprise": actual,
            }
            for t, actual in enumerate([*surprise, None])
        ],
    }


def dependence(network: Network, text: str, position: int) -> dict[str, Any]:
    """Measure how much the prediction after `position` depends on each character read so far.

    The answer is that of `rnnlab.engine.microscope.dependence`; also a bidirectional network reads the text only up to
    `position`.

    Returns:
        ``position``; ``predicted``: the most probable next character; ``weights``: for each position up to `position`
        the norm of the gradient of the logit of `predicted` with respect to the one-hot input row (vocab_size,).

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    tape = Tape()
    rows = [tape.one_hot(index) for index in network.vocab.encode(text)[: position + 1]]
    _, outputs = network.walk(rows, TRACED[network.config.activation])
    scores = outputs[-1] @ network.W_hq + network.b_q
    predicted = int(scores.value.argmax())
    only = np.zeros((len(network.vocab), 1), np.float32)
    only[predicted] = 1
    gradients = tape.gradient(scores @ only, rows)
    weights = [0.0 if gradient is None else float(np.linalg.norm(gradient)) for gradient in gradients]
    return {"position": position, "predicted": network.vocab.idx_to_token[predicted], "weights": weights}


def _to_base64(values: Array) -> str:
    """Return values as little-endian float16 in base64."""
    with np.errstate(over="ignore"):  # values of a diverging run may exceed the range of 16 bits
        return base64.b64encode(values.astype("<f2").tobytes()).decode("ascii")
