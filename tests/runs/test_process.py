"""The environment of the processes that train."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.runs.process import HUGE_PAGES, worker_environment

OFFERED = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.parametrize(
    ("before", "after"),
    [("", HUGE_PAGES), ("glibc.malloc.check=3", f"glibc.malloc.check=3:{HUGE_PAGES}"), (HUGE_PAGES, HUGE_PAGES)],
)
def test_settings_of_the_c_library_are_kept(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", before)
    assert worker_environment()["GLIBC_TUNABLES"] == after


def test_a_matrix_lies_in_huge_pages() -> None:
    if not OFFERED.exists() or "[never]" in OFFERED.read_text(encoding="ascii"):
        pytest.skip("this system offers no huge pages")
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(map(int, version.split("."))) < (2, 35):
        pytest.skip("this C library does not ask for huge pages")
    program = """
import re, torch
def huge(): return int(re.search(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps_rollup").read())[1])
before = huge()
matrix = torch.ones(2**24)
print(huge() - before)
"""
    grown = subprocess.run(
        [sys.executable, "-c", program], env=worker_environment(), check=True, capture_output=True, text=True
    )
    assert int(grown.stdout) > 2**14  # kB, of 2**16
