"""The prefixes of a training text: as a person types several of them, those that suit a text, how they are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rnnlab.text.vocab import Vocab

_BOOK = (("分开", "不分开"), ("time traveller", "traveller"))
"""The prefixes of the book's first and second edition."""
_WORD = 20
"""Longest first word of a text that becomes its prefix; of a text in other scripts it is the first two characters."""
_CHARACTERS = 2
BRIEF = 40
"""How many characters of a prefix a sentence or a table shows."""


def split(line: str) -> tuple[str, ...]:
    """Return the prefixes in a line that a person has typed.

    They are separated by bars; in a line without a bar, by the commas of a Chinese keyboard.
    """
    separators = "[|｜]" if re.search("[|｜]", line) else "[，、]"
    return tuple(part.strip() for part in re.split(separators, line) if part.strip())


def with_bars(line: str) -> str:
    """Return a line of prefixes that are separated by commas with bars instead; any other line unchanged."""
    return "|".join(split(line)) if re.search("[，、]", line) and not re.search("[|｜]", line) else line


def brief(prefix: str) -> str:
    """Return a prefix for a sentence or a table: of a long one its beginning and its end, in `BRIEF` characters."""
    if len(prefix) <= BRIEF:
        return prefix
    return f"{prefix[: BRIEF // 2 - 1]}…{prefix[-BRIEF // 2 :]}"


def tail(text: str, prefix: str, kept: int = BRIEF) -> str:
    """Return a generated text for a line: of a long prefix at most its last `kept` characters."""
    left_out = len(prefix) - kept
    return text if left_out <= 1 else f"…{text[left_out:]}"


def passage(train: str, start: int, length: int) -> str:
    """Return a passage of a training text that can be a prefix: without bars, which would divide it, and outer blanks.

    Args:
        train: the training text.
        start: its first character, from 0.
        length: its number of characters; fewer at the end of the text, or if it has a bar.
    """
    pieces = re.split("[|｜]", train[start : start + length])
    return max(pieces, key=lambda piece: len(piece.strip())).strip()


def suited(prefixes: Sequence[str], train: str) -> tuple[str, ...]:
    """Return `prefixes` if the training text has all their characters, otherwise others.

    The others are those of an edition of the book if the text has their characters, otherwise its own beginning.
    """
    vocab = Vocab(train)
    for candidates in (tuple(prefixes), *_BOOK):
        if all(set(vocab.spelled(prefix)) <= vocab.token_to_idx.keys() for prefix in candidates):
            return candidates
    return (_beginning(train),)


def _beginning(train: str) -> str:
    text = train.strip() or train
    word = re.match(r"[^\W\d_⺀-\uffff\U00010000-\U0010ffff]+", text)
    if word:
        return word[0][:_WORD]
    # what is left of it in a line of prefixes, where bars, commas and blanks divide
    found = re.search(rf"[^|｜，、\s]{{1,{_CHARACTERS}}}", text)
    return found[0] if found else text[:_CHARACTERS]
