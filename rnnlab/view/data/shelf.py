"""A cache of what was built last, so that many viewers share one build."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Shelf:
    """A thread-safe cache of the last `size` values, shared by the viewers of a run."""

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value for `key`, built at its first use."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            else:
                self._kept[key] = build()
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            value: T = self._kept[key]
            return value

    def __iter__(self) -> Iterator[Any]:
        """Return the keys, the least recently used first."""
        with self._lock:
            return iter(list(self._kept))

    def drop(self, kinds: Collection[str]) -> None:
        """Remove the values whose keys begin with any of `kinds`."""
        with self._lock:
            for key in [key for key in self._kept if isinstance(key, tuple) and key[0] in kinds]:
                del self._kept[key]
