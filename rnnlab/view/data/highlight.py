"""A generated text as safe HTML: a sign for each invisible character, quotes shaded with their source in the tooltip.

Everything that a network, a corpus or a person wrote passes through `html.escape`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from rnnlab.text import invisible
from rnnlab.text.invisible import visible
from rnnlab.view.language.i18n import plain, t

__all__ = ["MARGIN", "Quote", "highlighted", "in_code", "literal", "source_line", "visible"]

MARGIN = 40
"""Characters of the training text shown on each side of a quote at most: a line may be as long as the text."""
SHOWN_PREFIX = 80
"""Characters of a prefix shown before a generated text at most, the last ones."""
_PARAGRAPH = "margin:0;font-size:1.12rem;line-height:1.75;overflow-wrap:anywhere;white-space:pre-wrap"
_QUOTE = (
    "background:rgba(76,139,208,.2);color:inherit;border-bottom:1px solid rgba(76,139,208,.75);padding:.1em 0;"
    "margin-right:1px"  # separates adjacent quotes
)
_FAINT = "opacity:.7"  # the lowest opacity that is readable, also on the shade of a quote


class Quote(Protocol):
    """A span of a text that occurs verbatim in the corpus, at `corpus_start`."""

    @property
    def start(self) -> int:
        """First position of the span in the text."""

    @property
    def stop(self) -> int:
        """Position after the span."""

    @property
    def corpus_start(self) -> int:
        """First position of the span in the corpus."""


def highlighted(
    text: str, prefix: str, quotes: Sequence[Quote] = (), sources: Sequence[str] = (), lang: str = "en"
) -> str:
    """Return `text` as an HTML paragraph.

    The prefix is bold, of a long one the end is shown; an invisible character is a sign, and a quote is marked, with
    its source as title.
    """
    position = first = max(0, len(prefix) - SHOWN_PREFIX)
    pieces = (
        [f'<span style="{_FAINT}" title="{html.escape(t("lyrics.left_out", lang, count=first), quote=True)}">…</span>']
        if first
        else []
    )
    for quote, source in zip(quotes, sources, strict=True):
        if first and quote.stop <= first:
            continue
        pieces.append(_plain(text, position, quote.start, len(prefix)))
        title = html.escape(t("lyrics.quoted_from", lang, source=source), quote=True)
        inner = _plain(text, max(quote.start, first), quote.stop, len(prefix))
        pieces.append(f'<mark title="{title}" style="{_QUOTE}">{inner}</mark>')
        position = quote.stop
    pieces.append(_plain(text, position, len(text), len(prefix)))
    return f'<p translate="no" style="{_PARAGRAPH}">{"".join(pieces)}</p>'


def _plain(text: str, start: int, stop: int, strong: int) -> str:
    head, tail = text[start : max(start, min(stop, strong))], text[max(start, strong) : stop]
    return (f"<strong>{_escaped(head)}</strong>" if head else "") + (_escaped(tail) if tail else "")


def _escaped(text: str) -> str:
    return "".join(map(_drawn, text))


@lru_cache(maxsize=4096)
def _drawn(character: str) -> str:
    sign = invisible.sign(character)
    if sign is None:
        return html.escape(character)
    # the name of the character for all but the ordinary space; a zero-width space lets a sequence of signs wrap
    name = "" if sign == invisible.SPACE else f' title="{html.escape(_name(character), quote=True)}"'
    return f'<span style="{_FAINT}"{name}>{sign}</span>\u200b'


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def literal(text: str) -> str:
    """Return `text` as Markdown without markup, with a sign for each invisible character."""
    return plain(visible(text))


def in_code(text: str) -> str:
    """Return `text` as Markdown in the type of code, with a sign for each invisible character."""
    shown = visible(text)
    if ":material/" in shown:  # Streamlit replaces it even in code
        return plain(shown)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    return f"{fence} {shown} {fence}" if "`" in (shown[:1], shown[-1:]) else f"{fence}{shown}{fence}"


def source_line(original: str, train: str, start: int, stop: int, margin: int = MARGIN) -> str:
    """Return the source of the quote ``train[start:stop]``, with at most `margin` characters on each side.

    These are its whole lines in the `original` text if they are short enough and the two texts agree character by
    character (the preprocessing of the first edition), otherwise the quote with a fifth of the margin.
    """
    if original[start:stop].replace("\n", " ") == train[start:stop]:
        first = original.rfind("\n", max(0, start - margin - 1), start) + 1
        last = original.find("\n", stop, stop + margin + 1)
        begins = first > 0 or start <= margin
        ends = last >= 0 or stop + margin >= len(original)
        first = first if begins else start - margin
        last = last if last >= 0 else min(stop + margin, len(original))
        line = original[first:last].replace("\n", " / ").strip()
        return ("" if begins else "…") + line + ("" if ends else "…")
    before, after = max(0, start - margin // 5), min(len(train), stop + margin // 5)
    return ("…" if before else "") + train[before:after].strip() + ("…" if after < len(train) else "")
