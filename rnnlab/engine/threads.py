"""The number of threads of a training process: at most its share of the processor cores, and only as many as help.

Threads compute parts of a minibatch (`rnnlab.engine.parts`). Where something else runs on the other
cores, they wait for each other, and a minibatch takes longer than with one thread. A `Team` therefore compares numbers
of threads by the seconds of real minibatches, and keeps the fastest. It can do so at any time, because the results do
not depend on the number of threads, to the last bit (tests/engine/test_threads.py).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

from rnnlab.engine.parts import use_threads

TRIAL_MINIBATCHES = (3, 12)
"""Minibatches of a trial: at least the first, and at most the second."""
TRIAL_SECONDS = 0.5
"""Seconds after which a trial has enough minibatches, if it has the least number."""
REST_SECONDS = (4.0, 32.0)
"""Seconds of training between two trials: at first, and at most; while all of the share is in use, they double each
time that fewer threads bring nothing."""
REST_TRIALS = 12
"""The same in multiples of the duration of a trial, so that trials take less than a tenth of the time."""
SLOWER = 1.15
"""Factor of the time of a minibatch from which something may have changed, so that the rest is the shortest."""
GAIN = 0.97
"""Factor of the time of a minibatch below which another number of threads is faster, not just luckier."""


class Team:
    """Chooses the number of threads from the seconds of minibatches.

    It begins with the whole share. At intervals it tries half or twice as many threads for a few minibatches, and keeps
    that number if a minibatch takes clearly less time. It waits longer and longer while
    all of the share helps, unless minibatches take longer than before.

    Args:
        use: sets the number of threads from now on.
    """

    def __init__(self, use: Callable[[int], None] = use_threads) -> None:
        self._use = use
        self._share = 1
        self._pause = REST_SECONDS[0]
        self._rested, self._rest, self._least = 0.0, 0.0, 0.0  # seconds since the last trial, until the next, at least
        self._usual = math.inf  # seconds of a minibatch when the last trial began, or of the better one that ended it
        self._seconds: list[float] = []  # of the minibatches since the number of threads changed last
        self._kept: tuple[int, float] | None = None  # during a trial, what it is compared with: threads, seconds
        self._fewer = True  # whether the next trial is one with fewer threads
        self.number = 1

    def grant(self, share: int) -> None:
        """Use at most `share` threads from now on; all of them, if there were fewer before."""
        self._share = max(1, share)
        self._kept = None
        self._fewer = True
        self._rest = self._least = 0.0  # soon compare with fewer
        self._pause, self._usual = REST_SECONDS[0], math.inf
        self._set(self._share)

    def finished(self, seconds: float) -> None:
        """Note the duration of a minibatch; afterwards the number of threads may be another one."""
        if self._share == 1:
            return
        self._seconds.append(seconds)
        few, many = TRIAL_MINIBATCHES
        if len(self._seconds) < few or (len(self._seconds) < many and sum(self._seconds) < TRIAL_SECONDS):
            return
        if self._kept is not None:
            self._decide(*self._kept)
        else:
            self._rested += seconds
            slower = self._rested >= self._least and statistics.median(self._seconds) > SLOWER * self._usual
            if slower:
                self._pause = REST_SECONDS[0]
            if slower or self._rested >= self._rest:
                self._try()
            else:
                del self._seconds[: -TRIAL_MINIBATCHES[1]]

    def _decide(self, before: int, seconds: float) -> None:
        """End a trial: keep the number of threads on trial, or go back to the one `before`."""
        self._kept = None
        tried = statistics.median(self._seconds)
        if tried < GAIN * seconds:  # a step that helped is repeated soon, in the same direction
            self._usual, self._rest, self._least, self._pause = tried, 0.0, 0.0, REST_SECONDS[0]
            return
        least = REST_TRIALS * sum(self._seconds)
        self._usual, self._rest, self._least = seconds, max(self._pause, least), max(REST_SECONDS[0], least)
        self._fewer = not self._fewer
        self._set(before)
        self._pause = min(2 * self._pause, REST_SECONDS[1]) if self.number == self._share else REST_SECONDS[0]

    def _try(self) -> None:
        fewer, more = self.number // 2, min(2 * self.number, self._share)
        candidate = fewer if self._fewer else more
        if candidate in (0, self.number):  # there are none in this direction
            self._fewer = not self._fewer
            candidate = fewer if self._fewer else more
        self._kept, self._rested = (self.number, statistics.median(self._seconds)), 0.0
        self._set(candidate)

    def _set(self, number: int) -> None:
        self._seconds = []
        if number != self.number:
            self.number = number
            self._use(number)
