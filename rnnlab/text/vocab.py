"""The vocabulary of a training text: the mapping between characters and indices."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

from rnnlab.errors import PrefixError
from rnnlab.text.preparation import prepare


def by_frequency(text: str) -> list[tuple[str, int]]:
    """Return the distinct characters of `text` with their counts, most frequent first; ties by code point."""
    return sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))


class Vocab:
    """The distinct characters of a text, each with an index.

    Indices are ordered by frequency, then by code point, so that the same text always gives the same vocabulary: index
    0 is the most frequent character. There is no token for unknown characters; `encode` raises an error for them.

    Args:
        text: the training text after preprocessing.
    """

    def __init__(self, text: str) -> None:
        self.idx_to_token: tuple[str, ...] = tuple(token for token, _ in by_frequency(text))
        self.token_to_idx: dict[str, int] = {token: index for index, token in enumerate(self.idx_to_token)}

    @classmethod
    def of(cls, tokens: str) -> Vocab:
        """Return the vocabulary with these distinct characters, in the order of their indices."""
        vocab = cls("")
        vocab.idx_to_token = tuple(tokens)
        vocab.token_to_idx = {token: index for index, token in enumerate(tokens)}
        return vocab

    def __len__(self) -> int:
        return len(self.idx_to_token)

    def encode(self, text: str) -> list[int]:
        """Return the index of each character of `text`.

        Raises:
            PrefixError: a character is not in the vocabulary.
        """
        try:
            return [self.token_to_idx[token] for token in text]
        except KeyError as error:
            character = str(error.args[0])
            raise PrefixError(
                "prefix_character",
                f"{text[:100]!r} contains the character {character!r}, which does not occur in the training text; "
                f"only its {len(self)} characters can be used, such as {''.join(self.idx_to_token[:10])!r}.",
                prefix=text[:100],
                character=character,
                allowed="".join(self.idx_to_token[:10]),
            ) from None

    def encode_prefix(self, prefix: str) -> list[int]:
        """Return the index of each character of a prefix, written as the training text is: see `spelled`.

        Raises:
            PrefixError: a character is not in the vocabulary, however it is written.
        """
        return self.encode(self.spelled(prefix))

    def spelled(self, prefix: str) -> str:
        """Return a prefix as the training text would have it, if it is not so already.

        It gets the Unicode normal form and the preprocessing with which all its characters are in the vocabulary: a
        line end becomes a space; if that is not enough, letters become lower case and signs are left out, as in the
        second edition. If nothing helps, it is unchanged.
        """
        forms = (prefix, unicodedata.normalize("NFC", prefix), unicodedata.normalize("NFD", prefix))
        lines = [prepare(form, "first_edition", len(form)).train for form in forms]
        # of the composed form: taken apart, a letter would only lose its accent
        words = prepare(lines[1], "second_edition", len(lines[1])).train
        whole = [words] if sum(map(str.isalpha, words)) == sum(map(str.isalpha, forms[1])) else []
        for text in (*forms, *lines, *map(str.lower, lines), *whole):
            if text and all(character in self.token_to_idx for character in text):
                return text
        return prefix

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text with these indices.

        Raises:
            IndexError: an index is negative or not below the size of the vocabulary.
        """
        return "".join(self.idx_to_token[self._checked(index)] for index in indices)

    def _checked(self, index: int) -> int:
        if index < 0:  # Python would silently count from the end
            raise IndexError(f"an index of the vocabulary must be at least 0, not {index}")
        return index
