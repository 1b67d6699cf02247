"""The characters of a text that a run predicts: the characters that its perplexity is computed over.

An epoch does not predict every character. The first character of the text, or of each row, has no character before it,
and a remainder too short for another minibatch is left out. The frequencies of the predicted characters differ a little
from those of the whole text (unigram perplexity 261.0 instead of 262.6 for the built-in lyrics in 32 rows of 35 steps).
Compared with the whole text, a network that ignores its input would seem better than the best constant prediction.
"""

from __future__ import annotations

from rnnlab.config import TrainConfig

MAX_TARGETS = 20_000
"""Largest number of characters that a diagnosis predicts."""
MAX_MINIBATCHES = 1_000
"""Largest number of minibatches that a diagnosis reads."""


def minibatches_walked(batch_size: int, num_steps: int) -> int:
    """Return the largest number of minibatches that a diagnosis reads."""
    return max(1, min(MAX_MINIBATCHES, MAX_TARGETS // (batch_size * num_steps)))


def epoch_targets(text: str, config: TrainConfig) -> str:
    """Return the characters that an epoch over `text` from offset 0 predicts, in no particular order.

    With random sampling each epoch leaves out different windows at its end; here, all windows are included.
    """
    return _targets(text, config, len(text))


def walked_targets(text: str, config: TrainConfig) -> str:
    """Return the characters that a diagnosis predicts (`rnnlab.engine.diagnosis.walk_text`), in no particular order.

    These are the targets of an epoch, limited to the first minibatches of a long text.
    """
    return _targets(text, config, minibatches_walked(config.batch_size, config.num_steps))


def _targets(text: str, config: TrainConfig, num_minibatches: int) -> str:
    # targets of the first minibatches
    rows, steps = config.batch_size, config.num_steps
    if config.sampling == "random":
        windows = min(max(0, len(text) - 1) // steps, num_minibatches * rows)
        return text[1 : windows * steps + 1]
    length = len(text) // rows
    predicted = min(max(0, length - 1) // steps, num_minibatches) * steps
    return "".join(text[row * length + 1 : row * length + 1 + predicted] for row in range(rows))
