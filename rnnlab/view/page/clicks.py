"""Carry out each click once, however often the browser sends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

WINDOW = 1.0
"""Seconds within which a repeated request counts as the same click."""


class Clicks:
    """The actions that the clicks of one visitor started.

    Streamlit can deliver a click twice: a refresh that is sent while a button is pressed contains the click, and so
    does the click's own request; a double click sends two. The requests run in separate threads, and the first is
    interrupted by the second at its next call of Streamlit. Therefore the actions are recorded here and not in the
    session's state.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[Hashable, tuple[float, Any]] = {}

    def once(self, what: Hashable, act: Callable[[], T], window: float = WINDOW) -> T:
        """Return the result of `act`, or its previous result if it was called for `what` within the window.

        Args:
            what: identifies the request.
            act: carries it out, without calling Streamlit.
            window: seconds after `act` has returned in which the same request counts as the same click.

        Raises:
            Exception: any error of `act`; the next click calls it again.
        """
        with self._lock:
            done = self._done.get(what)
            if done is not None and time.monotonic() - done[0] < window:
                result: T = done[1]
                return result
            result = act()
            now = time.monotonic()
            self._done = {key: done for key, done in self._done.items() if now - done[0] < WINDOW}
            self._done[what] = now, result
            return result
