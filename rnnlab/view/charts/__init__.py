"""The charts as specifications: pure functions that name their tables and hold nothing of a run.

A specification depends on the language and the theme alone, so it stays the same text from tick to tick and the browser
moves only the data; every value that changes (reference lines, labels, the marker) stands in a table of `frames`.
"""

from rnnlab.view.charts.style import LAYER_COLORS, LAYER_DASHES, PALETTE
from rnnlab.view.charts.training import (
    CLIPPED_TABLES,
    GRADIENT_TABLES,
    TABLES,
    clipped_curve,
    gradient_curve,
    perplexity_curve,
)

__all__ = [
    "CLIPPED_TABLES",
    "GRADIENT_TABLES",
    "LAYER_COLORS",
    "LAYER_DASHES",
    "PALETTE",
    "TABLES",
    "clipped_curve",
    "gradient_curve",
    "perplexity_curve",
]
