"""Chart specifications built by many sessions at once, and their marks for screen readers."""

from __future__ import annotations

import subprocess
import sys

from rnnlab.view.watch import charts

FIRST_VISITORS = """
import threading
from rnnlab.view.watch import charts

problems, together = [], threading.Barrier(6)

def visitor(number):
    together.wait()
    try:
        if number % 2:
            import pandas
        else:
            charts.perplexity_curve("en", "light" if number else "dark")
    except BaseException as error:
        problems.append(repr(error))

threads = [threading.Thread(target=visitor, args=(number,)) for number in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not problems, problems
"""


def test_many_first_visitors_at_once_get_their_charts() -> None:
    """While a session imports pandas, another must not build a chart with the incomplete module."""
    subprocess.run([sys.executable, "-c", FIRST_VISITORS], check=True, timeout=60)


def test_only_the_marks_that_a_pointer_selects_are_read_aloud() -> None:
    spoken = [layer for layer in charts.perplexity_curve("en")["layer"] if layer["mark"].get("aria") is not False]
    assert [layer["data"]["name"] for layer in spoken] == ["targets"]
    assert all(layer["mark"]["aria"] is False for layer in charts.gradient_curve("en")["layer"])
