"""The two texts written for this project: what they must be so that the book's experiments run on them."""

from __future__ import annotations

import re

import pytest

from rnnlab.config import TrainConfig
from rnnlab.text.corpora import EMBEDDED, check_trainable, load, prepare
from rnnlab.text.ngrams import ladder
from rnnlab.text.vocab import Vocab


@pytest.fixture(scope="module")
def lyrics() -> str:
    return load("lyrics-zh").text


@pytest.fixture(scope="module")
def train(lyrics: str) -> str:
    return prepare(lyrics, "first_edition", 10_000).train


@pytest.fixture(scope="module")
def verse() -> str:
    return load("verse-en").text


@pytest.mark.parametrize("name", EMBEDDED)
def test_it_is_long_enough_and_clean(name: str) -> None:
    text = load(name).text
    assert len(text) >= 13_000
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\n\n\n" not in text
    assert not any(line != line.strip() for line in text.split("\n"))
    assert len(text.split("\n")) > 300  # one line per line


def test_lyrics_have_the_vocabulary_of_the_books(train: str) -> None:
    assert len(train) == 10_000
    assert 950 <= len(set(train)) <= 1_150
    assert 0.11 <= train.count(" ") / len(train) <= 0.16
    assert Vocab(train).idx_to_token[0] == " "  # so that six layers write blanks, as in the book


def test_lyrics_have_the_ladder_of_the_books(train: str) -> None:
    rungs = ladder(train)
    assert 230 <= rungs[1] <= 320
    assert rungs[2] < 15
    assert sorted(rungs.values(), reverse=True) == list(rungs.values())


def test_every_generation_starts_off_the_lyrics(lyrics: str, train: str) -> None:
    assert {"分", "开", "不"} <= set(train)
    assert "分开" not in lyrics
    assert "不分" not in lyrics


def test_lyrics_have_refrains(lyrics: str) -> None:
    lines = [line for line in lyrics.split("\n") if line]
    assert len(lines) - len(set(lines)) >= len(lines) // 20


def test_verse_becomes_the_second_editions_27_symbols(verse: str) -> None:
    prepared = prepare(verse, "second_edition", 10_000)
    assert set(prepared.train) == set("abcdefghijklmnopqrstuvwxyz ")
    assert len(prepared.train) == 10_000
    assert len(prepared.train) + len(prepared.held_out) >= 13_000
    assert 15 < ladder(prepared.train)[1] < 20


def test_verse_is_written_in_letters_and_plain_punctuation(verse: str) -> None:
    assert re.fullmatch(r"[A-Za-z \n.,;:!?'\"()-]*", verse)


@pytest.mark.parametrize(
    ("name", "preprocessing", "prefixes"),
    [
        ("lyrics-zh", "first_edition", ("分开", "不分开")),
        ("verse-en", "second_edition", ("time traveller", "traveller")),
    ],
)
@pytest.mark.parametrize("sampling", ["random", "consecutive"])
def test_the_books_experiments_run_on_it(
    name: str, preprocessing: str, prefixes: tuple[str, ...], sampling: str
) -> None:
    config = TrainConfig.make(
        corpus=name, preprocessing=preprocessing, prefixes=prefixes, sampling=sampling, offset="random"
    )
    train, held_out = prepare(load(name).text, config.preprocessing, config.num_chars)
    check_trainable(train, held_out, config)
    vocab = Vocab(train)
    assert all(vocab.decode(vocab.encode(prefix)) == prefix for prefix in prefixes)
    assert len(held_out) >= 3_000


def runs(text: str, n: int) -> set[str]:
    """Every run of n characters of `text` without its white space."""
    text = re.sub(r"\s", "", text)
    return {text[i : i + n] for i in range(len(text) - n + 1)}


@pytest.mark.reference
def test_lyrics_quote_no_song_of_the_book(lyrics: str) -> None:
    book = load("book-lyrics").text
    # how many, not which: a failure must not print them
    assert len(runs(lyrics, 8) & runs(book, 8)) == 0
    assert len(runs(lyrics, 6) & runs(book, 6)) <= 5
