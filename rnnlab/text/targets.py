"""Which characters of a text a run predicts: what a perplexity is taken over, and so what it is to be held against.

An epoch does not predict every character. The first one of the text, or of each row that it is laid out in, has none
before it, and what is too short for another minibatch is left out. The frequencies of what remains differ a little
from those of the whole text (unigram perplexity 261.0 in place of 262.6 for the project's lyrics in 32 rows of 35
steps); held against the whole text, a network that ignores its input would seem to be better than its best constant.
"""

from __future__ import annotations

from rnnlab.config import TrainConfig

MAX_TARGETS = 20_000
"""Characters of a text that a diagnosis predicts, at most."""
MAX_MINIBATCHES = 1_000
"""The same, in minibatches."""


def minibatches_walked(batch_size: int, num_steps: int) -> int:
    """Return how many minibatches of a text a diagnosis looks at, at most."""
    return max(1, min(MAX_MINIBATCHES, MAX_TARGETS // (batch_size * num_steps)))


def epoch_targets(text: str, config: TrainConfig) -> str:
    """Return the characters that an epoch over `text` predicts, from offset 0, in no particular order.

    With random sampling an epoch leaves out the last windows that it drew, others each time: here are all of them.
    """
    return _targets(text, config, len(text))


def walked_targets(text: str, config: TrainConfig) -> str:
    """Return the characters that a diagnosis predicts (`rnnlab.engine.diagnosis.walk_text`), in no particular order.

    They are those of an epoch, of a long text those of its first minibatches.
    """
    return _targets(text, config, minibatches_walked(config.batch_size, config.num_steps))


def _targets(text: str, config: TrainConfig, most: int) -> str:
    # those of the first `most` minibatches
    rows, steps = config.batch_size, config.num_steps
    if config.sampling == "random":
        windows = min(max(0, len(text) - 1) // steps, most * rows)
        return text[1 : windows * steps + 1]
    length = len(text) // rows
    predicted = min(max(0, length - 1) // steps, most) * steps
    return "".join(text[row * length + 1 : row * length + 1 + predicted] for row in range(rows))
