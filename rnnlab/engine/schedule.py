"""Learning-rate schedules: the factor on the configured learning rate at each point of a run.

Source: *Dive into Deep Learning*, 2nd edition 12.11 (factor and cosine schedules, warm-up).
"""

from __future__ import annotations

import math

from rnnlab.config import TrainConfig

STEPS = ((0.5, 0.1), (0.75, 0.01))
"""Of the schedule "step": the share of the epochs after the warm-up from which each factor holds."""


def factor(config: TrainConfig, epochs: float) -> float:
    """Return the factor on the learning rate after `epochs` epochs; fractions are positions within an epoch.

    The factor grows linearly from 0 during the first `warmup_epochs`. The schedule covers the remaining epochs.
    """
    warm = config.warmup_epochs
    if epochs < warm:
        return epochs / warm
    if config.schedule == "constant":
        return 1.0
    progress = min(1.0, (epochs - warm) / max(1, config.num_epochs - warm))
    if config.schedule == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    return next((value for share, value in reversed(STEPS) if progress >= share), 1.0)
