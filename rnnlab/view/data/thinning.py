"""Choose the points of a long curve that are drawn."""

from __future__ import annotations

from collections.abc import Sequence


def thin(count: int, most: int, also: Sequence[int] = ()) -> list[int]:
    """Return the indices of at most `most` of `count` points, evenly spaced, with the first and the last.

    While a curve grows, all indices but the last stay the same until the spacing changes.

    Args:
        count: number of points.
        most: maximum number of points, at least 2.
        also: indices to keep in addition, unless there are more than `most` of them.
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
