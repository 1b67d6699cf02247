"""The depth of JSON, which is known before it is parsed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.nesting import MAX_DEPTH, too_deep


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        (nested(MAX_DEPTH), False),
        (nested(MAX_DEPTH + 1), True),
        ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), True),
        ("[" * 10_000_000, True),
        ("[]" * 1000, False),
        ("[[]," * (MAX_DEPTH - 1), False),
        ('["' + "[" * 1000 + '"]', False),
        ('["\\"' + "[" * 1000 + '"]', False),
        ('["\\\\",' + nested(MAX_DEPTH) + "]", True),
        ('["\\\\\\"' + "[" * 1000 + '"]', False),
        ('"' + "[" * 1000, False),
        ("]" * 1000 + "[" * 1000, False),  # the parser stops at the first
        ("", False),
        (json.dumps({"文": "【[" * 100}, ensure_ascii=False), False),
        ("\ud800" + nested(MAX_DEPTH + 1), True),
    ],
)
def test_how_deep_a_text_is_nested(text: str, deep: bool) -> None:
    assert too_deep(text) is deep
    assert too_deep(text.encode("utf-8", "replace")) is deep


def levels_of(value: object) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(levels_of, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@given(
    st.recursive(
        st.text(st.sampled_from('[]{}"\\a分')),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(st.sampled_from('["\\')), inner),
        max_leaves=9,
    ),
    st.integers(0, MAX_DEPTH + 2),
)
def test_it_is_the_depth_of_the_value(value: object, more: int) -> None:
    for _ in range(more):
        value = [value]
    assert too_deep(json.dumps(value)) is (levels_of(value) > MAX_DEPTH)
