"""Objects that exist once in the server process, shared by all visitors.

Streamlit's caches are for what can be computed again: any visitor can clear them for everybody, by a message of its
protocol. What holds a connection, a thread or answers that others wait for is kept here, out of the reach of visitors.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Once(Generic[T]):
    """An object that is created at the first call and returned by every call until it is released.

    Args:
        make: makes it.
        close: closes it when it is released, and when the module that holds it is loaded again.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], object] | None = None) -> None:
        self._make, self._close = make, close
        self._made: list[T] = []
        self._finalizer: weakref.finalize[..., Once[T]] | None = None
        self._lock = threading.RLock()

    def __call__(self) -> T:
        """Return the object."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
                if self._close is not None:
                    self._finalizer = weakref.finalize(self, self._close, self._made[0])
                    self._finalizer.atexit = False  # what it holds ends with the process
            return self._made[0]

    def release(self) -> None:
        """Close the object if it exists; the next call creates another."""
        with self._lock:
            self._made.clear()
            finalizer, self._finalizer = self._finalizer, None
        if finalizer is not None:
            finalizer()


def each_once(make: Callable[P, T]) -> Callable[P, T]:
    """Return a version of `make` that caches its results and computes each only once, even for simultaneous calls.

    With `functools.cache` alone, threads that ask for a missing result at the same time all compute it.
    """
    kept, lock = functools.cache(make), threading.RLock()

    @functools.wraps(make)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return kept(*args, **kwargs)  # type: ignore[arg-type]

    return call
