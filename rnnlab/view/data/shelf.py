"""Keep what was built last, so that many viewers share one build."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Shelf:
    """Keeps what was drawn last, so that many viewers of a run share one build."""

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what stands under `key`, built at its first use."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            else:
                self._kept[key] = build()
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            found: T = self._kept[key]
            return found

    def __iter__(self) -> Iterator[Any]:
        """Return the keys, the one least recently used first."""
        with self._lock:
            return iter(list(self._kept))

    def drop(self, kinds: Collection[str]) -> None:
        """Throw away what stands under the keys that begin with one of `kinds`."""
        with self._lock:
            for key in [key for key in self._kept if isinstance(key, tuple) and key[0] in kinds]:
                del self._kept[key]
