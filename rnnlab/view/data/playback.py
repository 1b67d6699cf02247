"""The position of a recorded run, playing or paused; the caller supplies the clock."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

SPEEDS = (1, 4, 16)
"""Speeds of playing, as multiples of the lowest."""
DEFAULT_SPEED = 4


@dataclass(frozen=True)
class Playback:
    """A position in a recorded run.

    Attributes:
        epoch: the current position, or the position at which playing began.
        since: time on a monotonic clock at which playing began, in seconds; None while paused.
        speed: one of `SPEEDS`.
    """

    epoch: int = 0
    since: float | None = None
    speed: int = DEFAULT_SPEED

    def at(self, clock: Sequence[float], now: float) -> int:
        """Return the epoch shown `now`: at most the last, 0 for the untrained network.

        Args:
            clock: for each epoch from the first, the second at which it finishes at the lowest speed.
            now: time on the same clock as `since`, in seconds.
        """
        total = len(clock)
        epoch = self.epoch
        if self.since is not None and total:
            begun = clock[epoch - 1] if epoch else 0.0
            epoch = bisect.bisect_right(clock, begun + (now - self.since) * self.speed)
        return min(total, epoch)

    def playing(self, clock: Sequence[float], now: float) -> bool:
        """Return whether the run is playing: neither paused nor at its end."""
        return self.since is not None and self.at(clock, now) < len(clock)

    def pause(self, clock: Sequence[float], now: float) -> Playback:
        """Return the playback paused at the current epoch."""
        return Playback(self.at(clock, now), None, self.speed)

    def play(self, clock: Sequence[float], now: float) -> Playback:
        """Return the playback playing from the current epoch, or from the beginning if it is at the end."""
        epoch = self.at(clock, now)
        return Playback(0 if epoch >= len(clock) else epoch, now, self.speed)

    def move(self, epoch: int) -> Playback:
        """Return the playback paused at `epoch`."""
        return Playback(epoch, None, self.speed)

    def at_speed(self, speed: int, clock: Sequence[float], now: float) -> Playback:
        """Return the playback at another speed, playing or paused as before."""
        return Playback(self.at(clock, now), None if self.since is None else now, speed)
