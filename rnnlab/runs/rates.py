"""Rate limits, counted in the memory of a process."""

from __future__ import annotations

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Rates:
    """A counter of actions by visitor or network address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: RateLimitItem, *who: str) -> bool:
        """Count an action and return True; return False if the limit is reached."""
        return self._limiter.hit(rate, *who)
