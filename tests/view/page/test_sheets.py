"""The style sheets: what makes a browser slow is not in them."""

from __future__ import annotations

import re

import pytest

from rnnlab.view.page import frame

SHEETS = sorted(frame.STYLE.parent.glob("*.css"))
RULE = re.compile(r"([^{}]+)\{[^{}]*\}")


@pytest.mark.parametrize("name", [path.name for path in SHEETS])
def test_no_element_of_the_whole_page_is_chosen_by_what_lies_deep_in_it(name: str) -> None:
    """With each change below such an element, the browser compares the styles of everything in it."""
    sheet = re.sub(r"/\*.*?\*/", "", (frame.STYLE.parent / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    for rule in RULE.findall(sheet):
        for selector in rule.split(","):
            before, has, argument = selector.partition(":has(")
            assert not has or argument.strip().startswith(">") or "st-key-" in before, selector.strip()
