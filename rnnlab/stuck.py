"""When a network counts as stuck: the three numbers of a diagnosis against their bounds.

The verdict is worked out wherever it is wanted and kept nowhere: one that was stored beside its numbers would
contradict them as soon as a bound moves.
"""

from __future__ import annotations

STUCK_RATIO = 0.10
"""How far, relatively, the perplexity of a stuck network may lie from the unigram perplexity, above or below."""
STUCK_KL = 0.06
"""Below this the mean output counts as the frequencies of the characters, in nats."""
STUCK_SENSITIVITY = 0.004
"""Below this the output counts as one that does not move with the input, from 0 to 1."""


def is_stuck(perplexity: float | None, unigram: float, kl: float, sensitivity: float) -> bool:
    """Say whether a network predicts the frequencies of the characters and ignores what it reads.

    Each of the three numbers alone can mislead. A network on its way down passes the unigram perplexity; one that knows
    the text has the right frequencies on average; an untrained one does not look at its input either. The verdict is
    about these weights and promises nothing about the next epochs: many networks start from there.

    The bounds lie between what was measured on the lyrics (``docs/rescues.md``). Six layers and A8-repaired with normal
    initialisation have KL 0.007 to 0.041 and sensitivity 0.0000. Networks that cross the plateau and learn: A6 has KL
    0.088 and sensitivity 0.008 at epoch 10, 0.060 and 0.028 at epoch 20; A8-repaired has sensitivity 0.015 and 0.033
    at epoch 10 from the two of six seeds that are still there.

    Args:
        perplexity: of the network; None: infinite.
        unigram: that of the best prediction which never looks at its input, over the same characters.
        kl: KL(mean output ‖ frequencies), nats.
        sensitivity: mean total variation distance of an output from the mean one, 0 to 1.
    """
    if perplexity is None:
        return False
    near = abs(perplexity / unigram - 1) <= STUCK_RATIO
    return near and kl < STUCK_KL and sensitivity < STUCK_SENSITIVITY
