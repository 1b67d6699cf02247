"""The memory of a web process that draws in many short threads."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8  # from <malloc.h>
HEAPS = 2


def share_heaps() -> bool:
    """Let all threads share a few heaps; return whether this system could be told to.

    Every page is drawn in a thread of its own. The C library of Linux gives up to eight heaps per core to threads, each
    of which keeps what it once grew to: measured by ``benchmarks/hour.py``, 232 MB instead of 222 after some minutes of
    use, and still growing.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS))
    except (AttributeError, OSError):  # another C library
        return False
