"""Early stopping: ends training when the perplexity on held-out text has not become lower for some measurements.

Source: *Dive into Deep Learning*, 2nd edition 5.5.3 (early stopping with a patience criterion).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Patience:
    """Counts the measurements since the lowest held-out perplexity.

    Attributes:
        limit: measurements without a new lowest value after which training ends; 0: never.
        epoch: epoch of the lowest value; None: nothing was measured.
        perplexity: the lowest value; None: nothing was measured, or every value was infinite.
        misses: measurements since then.
    """

    limit: int
    epoch: int | None = None
    perplexity: float | None = None
    misses: int = 0

    def measured(self, epoch: int, perplexity: float | None) -> None:
        """Count the value after an epoch; None is infinite. Of equal values, the first is the lowest."""
        lower = perplexity is not None and (self.perplexity is None or perplexity < self.perplexity)
        if lower or self.epoch is None:
            self.epoch, self.perplexity, self.misses = epoch, perplexity, 0
        else:
            self.misses += 1

    @property
    def exhausted(self) -> bool:
        """Return whether training ends."""
        return 0 < self.limit <= self.misses

    def renew(self) -> None:
        """Count from 0 again, for a run that is trained further after it has finished."""
        self.misses = 0
