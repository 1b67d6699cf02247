"""From a corpus to what a network trains on: the book's two preprocessings, the held-out rest, the checks before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rnnlab.errors import CorpusError

if TYPE_CHECKING:
    from rnnlab.config import Preprocessing, TrainConfig


class Prepared(NamedTuple):
    """A text as the network sees it: what it trains on, and the rest, which it never sees."""

    train: str
    held_out: str


def prepare(text: str, preprocessing: Preprocessing, num_chars: int) -> Prepared:
    """Preprocess `text` as the book does and split it after `num_chars` characters.

    ``first_edition``: each line end becomes a space (1st edition, 6.3.1). ``second_edition``: of each line only the
    letters a-z stay, in lower case, with single spaces between them; lines are joined with nothing between, so that the
    last word of a line runs into the first of the next and blank lines vanish (2nd edition, 9.2, at character level).
    """
    if preprocessing == "first_edition":
        prepared = text.replace("\n", " ").replace("\r", " ")
    else:
        prepared = "".join(re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in text.split("\n"))
    return Prepared(prepared[:num_chars], prepared[num_chars:])


def min_length(config: TrainConfig) -> int:
    """Return how many characters one minibatch needs, wherever in the text the epoch starts.

    Consecutive sampling lays the text out in `batch_size` rows of at least `num_steps` characters and one target;
    random sampling cuts it into windows of `num_steps`, of which only the last needs a target beyond it.
    """
    offset = config.num_steps - 1 if config.offset == "random" else 0
    if config.sampling == "random":
        return offset + config.batch_size * config.num_steps + 1
    return offset + config.batch_size * (config.num_steps + 1)


def check_trainable(train: str, config: TrainConfig) -> None:
    """Refuse a prepared text from which a run with `config` could learn nothing.

    Raises:
        CorpusError: ``corpus_no_letters`` (nothing is left after preprocessing), ``corpus_one_character`` or
            ``corpus_too_short``, saying what is needed.
    """
    if not train:
        raise CorpusError(
            "corpus_no_letters",
            "Nothing is left of the text: the second edition's preprocessing keeps only the letters a-z. "
            "Choose the first edition's (first_edition) for this text.",
            allowed="first_edition",
        )
    check_counts(len(train), len(set(train)), config, train[0])


def check_counts(length: int, vocab_size: int, config: TrainConfig, first: str) -> None:
    """Refuse a text by its numbers alone: characters, distinct characters, and its first one for the message.

    Raises:
        CorpusError: ``corpus_too_short`` or ``corpus_one_character``.
    """
    needed = min_length(config)
    if length < needed:
        raise CorpusError(
            "corpus_too_short",
            f"The training text has {length:,} characters; one minibatch needs at least {needed:,} "
            f"(batch size {config.batch_size}, {config.num_steps} time steps, {config.sampling} sampling). "
            "Give a longer text or train on more of it, or make batch_size or num_steps smaller.",
            length=length,
            needed=needed,
            batch_size=config.batch_size,
            num_steps=config.num_steps,
            sampling=config.sampling,
            num_chars=config.num_chars,
        )
    if vocab_size < 2:
        raise _one_character(first)


def check_variety(text: str) -> None:
    """Refuse a whole text that is one character over and over; blanks around it, as the end of a file, do not count.

    Raises:
        CorpusError: ``corpus_one_character``.
    """
    inner = text.strip()
    if len(set(inner)) == 1:
        raise _one_character(inner[0])


def _one_character(character: str) -> CorpusError:
    return CorpusError(
        "corpus_one_character",
        f"The training text is {character!r} over and over; "
        "at least two different characters are needed, or there is nothing to predict.",
        character=character,
        needed=2,
    )
