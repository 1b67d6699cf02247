"""A generated text as safe HTML: visible blanks, quotes shaded with their source in the tooltip.

Everything that a network, a corpus or a person wrote passes through `html.escape`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Protocol

from rnnlab.view.language.i18n import plain, t

BLANK = "␣"
_PARAGRAPH = "margin:0;font-size:1.12rem;line-height:2;overflow-wrap:anywhere;white-space:pre-wrap"
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
    """Return `text` as an HTML paragraph: prefix in bold, blanks as ␣, quotes marked, with the source as title."""
    pieces: list[str] = []
    position = 0
    for quote, source in zip(quotes, sources, strict=True):
        pieces.append(_plain(text, position, quote.start, len(prefix)))
        title = html.escape(t("lyrics.quoted_from", lang, source=source), quote=True)
        inner = _plain(text, quote.start, quote.stop, len(prefix))
        pieces.append(f'<mark title="{title}" style="{_QUOTE}">{inner}</mark>')
        position = quote.stop
    pieces.append(_plain(text, position, len(text), len(prefix)))
    return f'<p style="{_PARAGRAPH}">{"".join(pieces)}</p>'


def _plain(text: str, start: int, stop: int, strong: int) -> str:
    head, tail = text[start : max(start, min(stop, strong))], text[max(start, strong) : stop]
    return (f"<strong>{_escaped(head)}</strong>" if head else "") + (_escaped(tail) if tail else "")


def _escaped(text: str) -> str:
    # a zero-width space after each blank lets a sequence of blanks wrap
    blank = f'<span style="{_FAINT}">{BLANK}</span>\u200b'
    shown = "".join(character if character.isprintable() else " " for character in text)
    return html.escape(shown).replace(" ", blank)


def visible(text: str) -> str:
    """Return `text` with blanks as ␣ and control characters as blanks, for plain text."""
    return "".join(BLANK if character == " " or not character.isprintable() else character for character in text)


def literal(text: str) -> str:
    """Return `text` as Markdown without markup, with visible blanks."""
    return plain(visible(text))


def source_line(original: str, train: str, start: int, stop: int, margin: int = 8) -> str:
    """Return the source of the quote ``train[start:stop]``.

    These are its whole lines in the `original` text if the two texts agree character by character (the preprocessing of
    the first edition), otherwise the quote with `margin` characters on both sides.
    """
    if original[start:stop].replace("\n", " ") == train[start:stop]:
        first = original.rfind("\n", 0, start) + 1
        last = original.find("\n", stop)
        return original[first : last if last >= 0 else len(original)].replace("\n", " / ").strip()
    before, after = max(0, start - margin), min(len(train), stop + margin)
    return ("…" if before else "") + train[before:after].strip() + ("…" if after < len(train) else "")
