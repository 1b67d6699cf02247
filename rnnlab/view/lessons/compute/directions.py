"""What a network that reads in both directions has seen when it predicts, proved on a small one with real numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.cells import CELLS, OneHot
from rnnlab.view.lessons.compute.cells import FUNCTIONS

Array = NDArray[np.float64]
Reading = Literal["forward", "both", "cloze"]
READINGS: tuple[Reading, ...] = ("forward", "both", "cloze")
"""Left to right only; in both directions, to predict the next character; in both, around a gap."""

NUM_HIDDENS = 4


def seen(length: int, target: int, reading: Reading) -> list[str]:
    """Say of each position of a window what has read it when the character at `target` is predicted.

    Returns:
        For each position ``forward``, ``backward``, ``both`` or ``none``. `target` may be `length`, just outside.
    """
    said = []
    for position in range(length):
        forward = position < target
        # the state used stands one step before the target, and has read from there to the right end
        first = {"forward": length, "both": target - 1, "cloze": target + 1}[reading]
        backward = position >= first
        said.append("both" if forward and backward else "forward" if forward else "backward" if backward else "none")
    return said


def reads_the_answer(length: int, target: int, reading: Reading) -> bool:
    """Say whether the character at `target` has been read before it is predicted."""
    return target < length and seen(length, target, reading)[target] != "none"


def leak(length: int, target: int, reading: Reading, seed: int = 0) -> float:
    """Return how far the prediction of `target` moves when the character that stands there is exchanged.

    A small untrained network with random weights, computed twice: 0 exactly means that it cannot know the answer.
    """
    chance = np.random.default_rng(seed)
    vocab_size = length + 1
    w = [chance.normal(0, 0.5, shape) for shape in [(vocab_size, NUM_HIDDENS), (NUM_HIDDENS, NUM_HIDDENS)] * 2]
    to_output = chance.normal(0, 0.5, (2 * NUM_HIDDENS, vocab_size))
    text = np.arange(length)
    other = text.copy()
    if target < length:
        other[target] = length  # a character that stands nowhere else
    return float(
        np.max(np.abs(_predict(text, target, reading, w, to_output) - _predict(other, target, reading, w, to_output)))
    )


def _predict(text: NDArray[np.int64], target: int, reading: Reading, w: list[Array], to_output: Array) -> Array:
    forward, backward = _states(text, w[0], w[1]), _states(text[::-1], w[2], w[3])[::-1]
    nothing = np.zeros(NUM_HIDDENS)
    left = forward[target - 1] if target else nothing
    at = {"forward": -1, "both": target - 1, "cloze": target + 1}[reading]
    right = backward[at] if 0 <= at < len(text) else nothing
    logits: Array = np.concatenate([left, right]) @ to_output
    return logits


def _states(text: NDArray[np.int64], from_input: Array, from_state: Array) -> list[Array]:
    weights = [(from_input, from_state, np.zeros(NUM_HIDDENS))]
    state, states = (np.zeros(NUM_HIDDENS),), []
    for index in text:
        state, _ = CELLS["rnn"].equation(OneHot(index), state, weights, FUNCTIONS["tanh"])
        states.append(state[0])
    return states
