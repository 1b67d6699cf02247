"""Where the playing of a recorded run stands: at an epoch, still or moving; no clock of its own."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

SPEEDS = (1, 4, 16)
"""How many times as fast as at first: a quarter and a sixteenth of the time."""
USUAL_SPEED = 4


@dataclass(frozen=True)
class Playback:
    """A place in a recorded run.

    Attributes:
        epoch: where it stands, or stood when it began to play.
        since: second on a monotonic clock at which it began to play; None while it stands still.
        speed: one of `SPEEDS`.
    """

    epoch: int = 0
    since: float | None = None
    speed: int = USUAL_SPEED

    def at(self, clock: Sequence[float], now: float) -> int:
        """Return the epoch that is shown `now`: at least the first, at most the last.

        Args:
            clock: for each epoch from the first, the second at which it is finished at the lowest speed.
            now: second on the same clock as `since`.
        """
        total = len(clock)
        epoch = self.epoch
        if self.since is not None and total:
            begun = clock[epoch - 1] if epoch else 0.0
            epoch = bisect.bisect_right(clock, begun + (now - self.since) * self.speed)
        # the first moment shows the first epoch, not an empty frame
        return max(min(1, total), min(total, epoch))

    def playing(self, clock: Sequence[float], now: float) -> bool:
        """Say whether it moves: not when it stands still, and not at the end."""
        return self.since is not None and self.at(clock, now) < len(clock)

    def pause(self, clock: Sequence[float], now: float) -> Playback:
        """Return it standing still where it is."""
        return Playback(self.at(clock, now), None, self.speed)

    def play(self, clock: Sequence[float], now: float) -> Playback:
        """Return it moving on from where it is; at the end, from the beginning."""
        epoch = self.at(clock, now)
        return Playback(0 if epoch >= len(clock) else epoch, now, self.speed)

    def move(self, epoch: int) -> Playback:
        """Return it standing still at `epoch`."""
        return Playback(epoch, None, self.speed)

    def at_speed(self, speed: int, clock: Sequence[float], now: float) -> Playback:
        """Return it going on as it does, at another speed."""
        return Playback(self.at(clock, now), None if self.since is None else now, speed)
