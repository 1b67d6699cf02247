"""What a bidirectional network has read when it predicts a character, checked with a small network."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.cells import CELLS, OneHot
from rnnlab.inference.functions import FUNCTIONS

Array = NDArray[np.float64]
Reading = Literal["forward", "both", "cloze"]
READINGS: tuple[Reading, ...] = ("forward", "both", "cloze")
"""Left to right only; both directions to predict the next character; both directions around a gap."""

NUM_HIDDENS = 4


def seen(length: int, target: int, reading: Reading) -> list[str]:
    """Return which half has read each position of a window when the character at `target` is predicted.

    Returns:
        ``forward``, ``backward``, ``both`` or ``none`` for each position. `target` may be `length`, just outside.
    """
    readers = []
    for position in range(length):
        forward = position < target
        # the backward state that is used has read everything from `first` to the right end
        first = {"forward": length, "both": target - 1, "cloze": target + 1}[reading]
        backward = position >= first
        readers.append("both" if forward and backward else "forward" if forward else "backward" if backward else "none")
    return readers


def reads_the_answer(length: int, target: int, reading: Reading) -> bool:
    """Return whether the character at `target` has been read before it is predicted."""
    return target < length and seen(length, target, reading)[target] != "none"


def leak(length: int, target: int, reading: Reading, seed: int = 0) -> float:
    """Return how much the prediction of `target` changes if the character there is replaced.

    A small untrained network with random weights is computed twice: exactly 0 means that it cannot know the answer.
    """
    generator = np.random.default_rng(seed)
    vocab_size = length + 1
    w = [generator.normal(0, 0.5, shape) for shape in [(vocab_size, NUM_HIDDENS), (NUM_HIDDENS, NUM_HIDDENS)] * 2]
    to_output = generator.normal(0, 0.5, (2 * NUM_HIDDENS, vocab_size))
    text = np.arange(length)
    other = text.copy()
    if target < length:
        other[target] = length  # a character that occurs nowhere else
    return float(
        np.max(np.abs(_predict(text, target, reading, w, to_output) - _predict(other, target, reading, w, to_output)))
    )


def _predict(text: NDArray[np.int64], target: int, reading: Reading, w: list[Array], to_output: Array) -> Array:
    forward, backward = _states(text, w[0], w[1]), _states(text[::-1], w[2], w[3])[::-1]
    initial = np.zeros(NUM_HIDDENS)
    left = forward[target - 1] if target else initial
    position = {"forward": -1, "both": target - 1, "cloze": target + 1}[reading]
    right = backward[position] if 0 <= position < len(text) else initial
    logits: Array = np.concatenate([left, right]) @ to_output
    return logits


def _states(text: NDArray[np.int64], from_input: Array, from_state: Array) -> list[Array]:
    weights = [(from_input, from_state, np.zeros(NUM_HIDDENS))]
    state, states = (np.zeros(NUM_HIDDENS),), []
    for index in text:
        state, _ = CELLS["rnn"].equation(OneHot(index), state, weights, FUNCTIONS["tanh"])
        states.append(state[0])
    return states
