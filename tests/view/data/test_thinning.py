"""The points of a long curve that are drawn."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rnnlab.view.data.thinning import thin


@pytest.mark.parametrize("most", [2, 3, 60, 100])
@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 100, 119, 120, 121, 199, 200, 201, 10_000])
def test_the_first_and_the_last_are_kept_and_no_more_than_asked_for(count: int, most: int) -> None:
    kept = thin(count, most)
    assert kept[0] == 0
    assert kept[-1] == count - 1
    assert len(kept) <= most
    assert kept == sorted(set(kept))
    if count <= most:
        assert kept == list(range(count))
    else:  # evenly spaced except for the last point: no gap is twice another
        gaps = [after - before for before, after in pairwise(kept)]
        assert len(set(gaps[:-1])) <= 1
        assert len(gaps) < 2 or gaps[-1] < 2 * gaps[0]


def test_of_nothing_nothing_is_kept() -> None:
    assert thin(0, 60) == []


def test_places_that_are_asked_for_are_kept_besides() -> None:
    kept = thin(1000, 10, also=[1, 333, 999])
    assert {1, 333, 999} <= set(kept)
    assert set(thin(1000, 10)) <= set(kept)
    assert kept == sorted(set(kept))
    # with so many points nothing would be thinned
    assert thin(1000, 10, also=range(11)) == thin(1000, 10)


def test_points_stay_where_they_are_while_a_curve_grows() -> None:
    before, after = thin(150, 100), thin(151, 100)
    assert set(before[:-1]) <= set(after)
