"""Warming up: how a process judges the speed of the machine."""

from __future__ import annotations

import time

from rnnlab.runs.warm import per_second


def _count() -> None:
    sum(range(20_000))


def _count_and_wait() -> None:
    _count()
    time.sleep(0.002)


def test_waiting_for_a_processor_does_not_make_the_machine_look_slow() -> None:
    """When a server starts, the browser of its first visitor loads the page: the zygote gets half of a processor."""
    # the waits are ten times as long as the work, and what they cost of the processor is a part of it
    assert per_second(_count_and_wait) > 0.3 * per_second(_count)
