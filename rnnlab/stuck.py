"""The criteria for a stuck network and for a missing gradient: measured numbers compared with their bounds.

The verdict is always computed and never stored: a stored verdict would contradict its numbers as soon as a bound
changes.
"""

from __future__ import annotations

from collections.abc import Sequence

STUCK_RATIO = 0.10
"""Largest relative difference between the perplexity of a stuck network and the unigram perplexity."""
STUCK_KL = 0.06
"""KL divergence, in nats, below which the mean output is considered equal to the character frequencies."""
STUCK_SENSITIVITY = 0.004
"""Sensitivity, 0 to 1, below which the output is considered independent of the input."""


STARVED_RATIO = 1e-4
"""Ratio of the gradient norms of the first layer and the output layer below which the first layer hardly learns."""


def is_starved(grad_norm_by_layer: Sequence[float]) -> bool:
    """Return whether hardly any gradient reaches the first of several layers.

    The bound lies between values measured on the lyrics: from epoch 5 on, six layers that stay at the character
    frequencies have a ratio below 2e-5, and two layers that learn 4e-2.

    Args:
        grad_norm_by_layer: from the first layer to the output layer.
    """
    return len(grad_norm_by_layer) > 2 and grad_norm_by_layer[0] < STARVED_RATIO * grad_norm_by_layer[-1]


def is_stuck(perplexity: float | None, unigram: float, kl: float, sensitivity: float) -> bool:
    """Return whether a network predicts the character frequencies and ignores its input.

    Each of the three numbers alone can mislead: a network that improves passes the unigram perplexity, a network that
    knows the text has the right frequencies on average, and an untrained network ignores its input too. The verdict is
    about the given weights and does not predict the next epochs: many networks start from this state.

    The bounds lie between values measured on the lyrics (``docs/rescues.md``). Six layers and A8-repaired with normal
    initialisation have KL 0.007 to 0.041 and sensitivity 0.0000. Networks that leave the plateau and learn: A6 has KL
    0.088 and sensitivity 0.008 at epoch 10, 0.060 and 0.028 at epoch 20; A8-repaired has sensitivity 0.015 and 0.033
    at epoch 10 for the two of six seeds that are still on it.

    Args:
        perplexity: perplexity of the network; None: infinite.
        unigram: perplexity of the best prediction that ignores its input, over the same characters.
        kl: KL(mean output ‖ frequencies), in nats.
        sensitivity: mean total variation distance between an output and the mean output, 0 to 1.
    """
    if perplexity is None:
        return False
    near = abs(perplexity / unigram - 1) <= STUCK_RATIO
    return near and kl < STUCK_KL and sensitivity < STUCK_SENSITIVITY
