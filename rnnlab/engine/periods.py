"""When a run generates texts: early in training, after each prediction period, and at the end. No torch."""

from __future__ import annotations

from rnnlab.config import TrainConfig

EARLY = (0, 1, 2, 5, 10, 20)
"""Epochs after which a run generates texts although no prediction period ends; 0 is the untrained network."""
EARLY_LENGTH = 50
"""Maximum number of characters of an early text after its prefix: the first epoch waits for the texts of epoch 0."""


def ends_period(config: TrainConfig, epoch: int) -> bool:
    """Return whether `epoch` ends a prediction period or the run: the log of the book shows only these epochs."""
    return epoch == config.num_epochs or (epoch > 0 and epoch % config.pred_period == 0)


def generates(config: TrainConfig, epoch: int) -> bool:
    """Return whether texts are generated after `epoch`."""
    return epoch in EARLY or ends_period(config, epoch)


def length(config: TrainConfig, epoch: int) -> int:
    """Return the number of characters that are generated after each prefix after `epoch`."""
    return config.num_preds if ends_period(config, epoch) else min(config.num_preds, EARLY_LENGTH)
