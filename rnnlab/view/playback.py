"""Where the playing of a recorded run stands: at an epoch, still or moving; no clock of its own."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

SPEEDS = (1, 4, 16)
"""How many times as fast as the run was trained."""
USUAL_SPEED = 4


@dataclass(frozen=True)
class Playback:
    """A place in a recorded run.

    Attributes:
        epoch: where it stands, or stood when it began to play.
        since: second on a monotonic clock at which it began to play; None while it stands still.
        speed: times as fast as it was trained, from `SPEEDS`.
    """

    epoch: int = 0
    since: float | None = None
    speed: int = USUAL_SPEED

    def at(self, trained: Sequence[float], now: float) -> int:
        """Return the epoch that is shown `now`: at least the first, at most the last.

        Args:
            trained: for each epoch from the first, the seconds of training until it was finished.
            now: second on the same clock as `since`.
        """
        total = len(trained)
        epoch = self.epoch
        if self.since is not None and total:
            begun = trained[epoch - 1] if epoch else 0.0
            epoch = bisect.bisect_right(trained, begun + (now - self.since) * self.speed)
        # the first moment shows the first epoch, not an empty frame
        return max(min(1, total), min(total, epoch))

    def playing(self, trained: Sequence[float], now: float) -> bool:
        """Say whether it moves: not when it stands still, and not at the end."""
        return self.since is not None and self.at(trained, now) < len(trained)

    def pause(self, trained: Sequence[float], now: float) -> Playback:
        """Return it standing still where it is."""
        return Playback(self.at(trained, now), None, self.speed)

    def play(self, trained: Sequence[float], now: float) -> Playback:
        """Return it moving on from where it is; at the end, from the beginning."""
        epoch = self.at(trained, now)
        return Playback(0 if epoch >= len(trained) else epoch, now, self.speed)

    def move(self, epoch: int) -> Playback:
        """Return it standing still at `epoch`."""
        return Playback(epoch, None, self.speed)

    def at_speed(self, speed: int, trained: Sequence[float], now: float) -> Playback:
        """Return it going on as it does, at another speed."""
        return Playback(self.at(trained, now), None if self.since is None else now, speed)
