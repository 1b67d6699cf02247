"""A small curve as an image in Markdown, without axes."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from rnnlab.events import EpochFinished
from rnnlab.view.data.thinning import thin

WIDTH, HEIGHT = 96, 40
"""Size in pixels."""
POINTS = 48
"""Number of points that are drawn."""


def curve(epochs: Sequence[EpochFinished], top: float, color: str, alt: str) -> str:
    """Return the perplexity by epoch on a log axis, as a Markdown image.

    Args:
        epochs: the epochs, at least one.
        top: the perplexity at the upper edge.
        color: colour of the line.
        alt: alternative text.
    """
    highest = math.log(top)
    points = []
    for event in (epochs[i] for i in thin(len(epochs), POINTS)):
        value = highest if event.perplexity is None else min(max(math.log(event.perplexity), 0.0), highest)
        points.append(f"{2 + 92 * event.epoch / epochs[-1].epoch:.1f},{2 + 36 * (1 - value / highest):.1f}")
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="1.6"/></svg>'
    )
    return f"![{alt}](data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()})"
