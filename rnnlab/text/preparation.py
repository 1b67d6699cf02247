"""Preparation of a training text: the book's two preprocessings, the split into training and held-out text, checks."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from rnnlab.errors import CorpusError

if TYPE_CHECKING:
    from rnnlab.config import Preprocessing, TrainConfig


HELD_OUT_STEPS = 50
"""Length of a row of the sample of held-out text that is measured during training, in characters."""
PASSAGE = 2 * HELD_OUT_STEPS
"""Length of a passage of the held-out text from which a row is taken: some characters are not in the vocabulary."""
HELD_OUT_SHARE = 0.06
"""Size of the sample relative to the training text."""


class Prepared(NamedTuple):
    """A preprocessed text, split into the training text and the held-out text, which the network never sees."""

    train: str
    held_out: str


def prepare(text: str, preprocessing: Preprocessing, num_chars: int) -> Prepared:
    """Preprocess `text` as the book does and split it after `num_chars` characters.

    ``first_edition``: each line end becomes a space (1st edition, 6.3.1). ``second_edition``: each line keeps only the
    letters a-z, in lower case, with single spaces between words; lines are joined without a space, so that the last
    word of a line runs into the first word of the next and blank lines vanish (2nd edition, 9.2, at character level).
    """
    if preprocessing == "first_edition":
        prepared = text.replace("\n", " ").replace("\r", " ")
    else:
        prepared = "".join(re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in text.split("\n"))
    return Prepared(prepared[:num_chars], prepared[num_chars:])


def for_sample(held_out: str, config: TrainConfig) -> str:
    """Return the passages of the held-out text for the sample of `rnnlab.engine.held_out`, one after another.

    They lie evenly in the whole text, because its beginning often belongs to the song or chapter with which the
    training text ends, and is easier.
    """
    if not config.held_out_period:
        return ""
    wanted = max(1, round(config.num_chars * HELD_OUT_SHARE / HELD_OUT_STEPS))
    if len(held_out) <= wanted * PASSAGE:
        return held_out
    last = len(held_out) - PASSAGE
    starts = (last * index // max(1, wanted - 1) for index in range(wanted))
    return "".join(held_out[start : start + PASSAGE] for start in starts)


def sample_rows(passages: str, vocab: Collection[str]) -> list[str]:
    """Return the rows of the sample: of each passage the first `HELD_OUT_STEPS` + 1 characters in the vocabulary.

    Passages with fewer are left out; the last character of a row is only predicted.
    """
    rows = []
    for start in range(0, len(passages), PASSAGE):
        known = [character for character in passages[start : start + PASSAGE] if character in vocab]
        if len(known) > HELD_OUT_STEPS:
            rows.append("".join(known[: HELD_OUT_STEPS + 1]))
    return rows


def min_length(config: TrainConfig) -> int:
    """Return how many characters are needed for one minibatch, for any offset at which the epoch may start.

    Consecutive sampling arranges the text in `batch_size` rows of at least `num_steps` characters and one target;
    random sampling cuts it into windows of `num_steps`, and only the last window needs one more character as target.
    """
    offset = config.num_steps - 1 if config.offset == "random" else 0
    if config.sampling == "random":
        return offset + config.batch_size * config.num_steps + 1
    return offset + config.batch_size * (config.num_steps + 1)


def check_trainable(train: str, held_out: str, config: TrainConfig) -> None:
    """Raise an error for a text that a run with `config` cannot train on.

    Raises:
        CorpusError: ``corpus_no_letters`` (nothing is left after preprocessing), ``corpus_one_character`` or
            ``corpus_too_short``, or ``corpus_no_held_out`` (early stopping has nothing to measure on).
    """
    if not train:
        raise CorpusError(
            "corpus_no_letters",
            "The text has no letters a-z, and the second edition's preprocessing keeps only those. "
            "Choose the first edition's (first_edition) for this text.",
            allowed="first_edition",
        )
    check_counts(len(train), len(set(train)), config, train[0])
    check_held_out(for_sample(held_out, config), set(train), config)


def check_held_out(passages: str, vocab: Collection[str], config: TrainConfig) -> None:
    """Raise an error if early stopping has no held-out text to measure on.

    Args:
        passages: the passages of `for_sample`.
        vocab: the characters of the training text.
        config: the settings of the run.

    Raises:
        CorpusError: ``corpus_no_held_out``.
    """
    if config.early_stopping and not sample_rows(passages, vocab):
        known = sum(character in vocab for character in passages)
        raise CorpusError(
            "corpus_no_held_out",
            f"Early stopping needs held-out text: at least {PASSAGE} characters after the first {config.num_chars:,}, "
            f"but {known} can be used. Train on less of the text (num_chars), or set early_stopping to 0.",
            needed=PASSAGE,
            length=known,
            num_chars=config.num_chars,
        )


def check_counts(length: int, vocab_size: int, config: TrainConfig, first: str) -> None:
    """Raise an error for a text with too few characters.

    Args:
        length: number of characters.
        vocab_size: number of distinct characters.
        config: the settings of the run.
        first: first character of the text, for the message.

    Raises:
        CorpusError: ``corpus_too_short`` or ``corpus_one_character``.
    """
    needed = min_length(config)
    if length < needed:
        raise CorpusError(
            "corpus_too_short",
            f"The training text has {length:,} characters; one minibatch needs at least {needed:,} "
            f"(batch size {config.batch_size}, {config.num_steps} time steps, {config.sampling} sampling). "
            "Provide a longer text, train on more of it, or reduce batch_size or num_steps.",
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
    """Raise an error for a text that repeats a single character; blanks at both ends are ignored.

    Raises:
        CorpusError: ``corpus_one_character``.
    """
    inner = text.strip()
    if len(set(inner)) == 1:
        raise _one_character(inner[0])


def _one_character(character: str) -> CorpusError:
    return CorpusError(
        "corpus_one_character",
        f"The training text only repeats {character!r}; "
        "it needs at least two different characters, or there is nothing to predict.",
        character=character,
        needed=2,
    )
