"""Values that an axis does not reach: left out of the line, with arrows in their place."""

from __future__ import annotations

from collections.abc import Sequence

from rnnlab.view.data.thinning import thin

ARROWS = 8
"""Largest number of arrows of a curve."""


def on_scale(values: Sequence[float], top: float) -> list[float | None]:
    """Return `values` with None for those above `top`, where the line of a chart is interrupted."""
    return [None if value > top else value for value in values]


def leaving(values: Sequence[float], top: float) -> list[float | None]:
    """Return `values` as a line that leaves the chart at its upper edge and is interrupted beyond: `top`, then None."""
    drawn = on_scale(values, top)

    def beside(index: int) -> bool:
        return any(value is not None for value in drawn[max(index - 1, 0) : index + 2])

    return [top if value is None and beside(index) else value for index, value in enumerate(drawn)]


def arrows(values: Sequence[float], top: float) -> list[int]:
    """Return the indices of the values above `top` at which an arrow is drawn, evenly chosen among them."""
    above = [index for index, value in enumerate(values) if value > top]
    return [above[index] for index in thin(len(above), ARROWS)]
