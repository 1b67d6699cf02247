"""The heaps of the web process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
{told}
def grow():
    held = [bytes(200) * 3 for _ in range(20_000)]
    barrier.wait()
barrier = threading.Barrier(9)
threads = [threading.Thread(target=grow) for _ in range(8)]
[one.start() for one in threads]
barrier.wait()
out = ctypes.CDLL(None)
out.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
out.fdopen.restype = ctypes.c_void_p
out.fflush.argtypes = [ctypes.c_void_p]
file = out.fdopen(1, b"w")
out.malloc_info(0, file)
out.fflush(file)
[one.join() for one in threads]
"""


def heaps(told: str) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(told=told)], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(os, "confstr") or "glibc" not in str(os.confstr("CS_GNU_LIBC_VERSION")), reason="glibc")
def test_threads_share_two_heaps() -> None:
    assert heaps("from rnnlab.view.heap import share_heaps; assert share_heaps()") <= 2
    assert heaps("") > 2  # what they take by themselves
