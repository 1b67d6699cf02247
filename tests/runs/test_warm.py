"""Warm-up: the measured speed of the machine."""

from __future__ import annotations

import time

from rnnlab.runs.warm import per_second


def _count() -> None:
    sum(range(20_000))


def _count_and_wait() -> None:
    _count()
    time.sleep(0.002)


def test_waiting_for_a_processor_does_not_make_the_machine_look_slow() -> None:
    """When a server starts, the zygote shares the processor with the browser of the first visitor."""
    # the waits are ten times as long as the work and use only a fraction of its processor time
    assert per_second(_count_and_wait) > 0.3 * per_second(_count)
