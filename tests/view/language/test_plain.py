"""The words of people become Markdown that means these very words.

The oracles are another parser of Markdown, and the patterns by which Streamlit's front end looks through the parsed
text. That the front end itself draws them so, `tests/browser/test_plain.py` sees.
"""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from rnnlab.view.language.i18n import plain, unescaped
from tests.browser.hostile import TEXTS, random_texts

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PIECE = re.compile(r":color\[((?:\\.|[^\\\]])*)\]")
# of StreamlitMarkdown and its plugins, in version 1.67
FOUND_BY_STREAMLIT = [
    r":[\w+-]+:",
    r":material/",
    r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    r"(?i)(https?://|www(?=\.))[-.\w]+",
    r"[-.\w+]+@[-\w]+(\.[-\w]+)+",
]


def drawn(markdown: str) -> list[str]:
    """The pieces of text of a paragraph that has nothing but text."""
    tokens = PARSER.parse(markdown)
    if not tokens:
        return []
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text"}, [child.type for child in children]
    return ["".join(child.content for child in children)]


def pieces(markdown: str) -> list[str]:
    """The pieces of text that Streamlit looks through, one after the other."""
    found = []
    for index, part in enumerate(PIECE.split(markdown)):
        # letters around a piece keep the white space at its ends, and keep its start from being that of a line
        (text,) = drawn(f"x{part}x") if index else drawn(f"{part}x") or [""]
        found.append(text[1 if index else 0 : -1])
    return found


@pytest.mark.parametrize("text", [*TEXTS, *random_texts(400, seed=1)])
def test_a_text_is_drawn_as_it_stands(text: str) -> None:
    markdown = plain(text)
    found = pieces(markdown)
    assert "".join(found) == text
    assert [(pattern, piece) for pattern in FOUND_BY_STREAMLIT for piece in found if re.search(pattern, piece)] == []
    assert ":material/" not in markdown  # replaced before anything is parsed
    assert not re.search(r"(?<!\\):(?!color\[)[A-Za-z]", markdown)  # no other directive
    assert unescaped(markdown) == text


@pytest.mark.parametrize(
    "text", ["", "A6", "θ 0.01, 50 % (second try); C/D? 'x' \"y\"", "标题：内容", "a: b", "snake_case 5-7"]
)
def test_what_is_no_markup_is_left_alone(text: str) -> None:
    assert plain(text) == text
