"""How often somebody may do something, counted in the memory of a process."""

from __future__ import annotations

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Rates:
    """Counts what visitors and addresses do."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: RateLimitItem, *who: str) -> bool:
        """Count an action; return False, and do not count it, if it is one too many."""
        return self._limiter.hit(rate, *who)
