"""A click is carried out once, however often the browser sends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

WINDOW = 1.0
"""Seconds within which the same thing, asked for again, is taken for the same click."""


class Clicks:
    """What one visitor's clicks have set going.

    A refresh that leaves while a button is pressed takes the click along, and the click's own request brings it again;
    a double click sends two. Both come on threads of their own, and the first of them is broken off by the second, as
    soon as it speaks to the page: so what it had set going is remembered here, and not in the session's state.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[Hashable, tuple[float, Any]] = {}

    def once(self, what: Hashable, act: Callable[[], T], window: float = WINDOW) -> T:
        """Return what `act` returns; the same again where it was called for `what` a moment ago.

        Args:
            what: tells one wish from another.
            act: does it, and does not speak to the page.
            window: how long the same wish counts as the same click, in seconds after `act` has returned.

        Raises:
            Exception: whatever `act` raises; then it is called again for the next click.
        """
        with self._lock:
            done = self._done.get(what)
            if done is not None and time.monotonic() - done[0] < window:
                result: T = done[1]
                return result
            result = act()
            now = time.monotonic()
            self._done = {key: one for key, one in self._done.items() if now - one[0] < WINDOW}
            self._done[what] = now, result
            return result
