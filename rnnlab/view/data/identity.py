"""Name the runs and recordings that pages pin, choose and compare."""

from __future__ import annotations

MAX_PINS = 6
"""As many curves as can be told apart."""


RECORDED = "recorded:"
"""What a pin of a recorded run begins with, before the id of its recipe."""
