"""Choose which points of a long curve are drawn."""

from __future__ import annotations

from collections.abc import Sequence


def thin(count: int, most: int, also: Sequence[int] = ()) -> list[int]:
    """Return the places, from 0, of at most `most` of `count` points: evenly spaced, the first and the last among them.

    While a curve grows, all but the last stay where they are until the spacing has to grow.

    Args:
        count: of the points.
        most: how many are kept at most, at least 2.
        also: places that are kept in addition, unless they are more than `most` themselves.
    """
    if not count:
        return []
    kept = list(range(0, count, -(-count // most)))
    last = count - 1
    if len(kept) == most:
        kept[-1] = last
    elif kept[-1] != last:
        kept.append(last)
    return sorted({*kept, *also}) if len(also) <= most else kept
