"""Whether a member's page follows the page of the teacher, also when a switch to it is lost."""

from __future__ import annotations

import pytest

from rnnlab.view.page.led import step

GOING = (3, "diagnose")


@pytest.mark.parametrize(
    ("number", "seen", "going", "page", "first", "expected"),
    [
        (3, 2, (2, "runs"), "runs", True, "go"),  # the teacher has opened another page
        (3, 2, GOING, "diagnose", True, "stay"),  # it is being drawn
        (3, 2, GOING, "diagnose", False, "seen"),  # the visitor is there
        (3, 2, GOING, "room", True, "stay"),  # the page before was drawn once more: the switch may be under way
        (3, 2, GOING, "room", False, "go"),  # it was lost
        (3, 3, GOING, "room", False, "stay"),  # the visitor has gone elsewhere
        (4, 2, GOING, "room", True, "go"),  # meanwhile the teacher has gone on
        (0, 0, (0, ""), "room", False, "stay"),  # the teacher has shown nothing yet
    ],
)
def test_a_page_is_seen_when_a_later_check_finds_the_visitor_there(
    number: int, seen: int, going: tuple[int, str], page: str, first: bool, expected: str
) -> None:
    assert step(number, seen, going, page, first) == expected
