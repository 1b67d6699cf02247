"""The n-gram ladder, against counting it the slow way."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.errors import CorpusError
from rnnlab.text import corpora
from rnnlab.text.ngrams import ladder, most_frequent, rung, rung_near

# few characters, so that n-grams come back; from one byte to four
TEXTS = st.text(st.sampled_from("ab 分开\n𠮷🎵"), min_size=1, max_size=120)


def counted(text: str, order: int) -> float:
    """The perplexity of one order from its definition, one n-gram after the other."""
    grams = [text[i : i + order] for i in range(len(text) - order + 1)]
    counts, contexts = Counter(grams), Counter(gram[:-1] for gram in grams)
    return math.exp(-sum(math.log(counts[gram] / contexts[gram[:-1]]) for gram in grams) / len(grams))


@given(TEXTS, st.integers(1, 8))
def test_every_rung_is_what_counting_gives(text: str, max_order: int) -> None:
    rungs = ladder(text, max_order)
    assert rungs[0] == len(set(text))
    assert list(rungs) == list(range(min(max_order, len(text)) + 1))
    for order in list(rungs)[1:]:
        assert rungs[order] == pytest.approx(counted(text, order), rel=1e-12)


@given(TEXTS)
def test_no_rung_is_below_1_or_above_a_blind_guess(text: str) -> None:
    rungs = ladder(text)
    assert all(1 <= value <= rungs[0] * (1 + 1e-12) for value in rungs.values())


def test_a_text_without_surprise_has_perplexity_exactly_1() -> None:
    assert ladder("分开" * 50) == {0: 2.0, 1: 2.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0}
    assert ladder("a") == {0: 1.0, 1: 1.0}


def test_keys_of_many_distinct_characters_do_not_overflow() -> None:
    # 60,000 distinct characters: keys of order 6 numbered naively would need 95 bits
    text = "".join(chr(0x4E00 + i) for i in range(20_000)) * 2 + "".join(chr(0x20000 + i) for i in range(40_000))
    rungs = ladder(text)
    assert rungs[0] == 60_000
    assert rungs[6] == pytest.approx(counted(text, 6), rel=1e-12)


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(CorpusError) as caught:
        ladder("")
    assert caught.value.code == "corpus_empty"


def test_the_rung_that_a_perplexity_stands_on() -> None:
    rungs = {0: 1027.0, 1: 270.3, 2: 7.81, 3: 1.59}
    assert rung(1027.1, rungs) is None
    assert rung(1027.0, rungs) == 0
    assert rung(276.8, rungs) == 0
    assert rung(270.3, rungs) == 1
    assert rung(7.8, rungs) == 2
    assert rung(1.0, rungs) == 3
    assert rung(math.inf, rungs) is None
    assert rung(math.nan, rungs) is None


def test_near_a_rung_a_perplexity_stands_on_it() -> None:
    rungs = {0: 1027.0, 1: 270.3, 2: 7.81, 3: 1.59, 4: 1.59}
    assert [rung_near(one, rungs) for one in (275.6, 270.3, 265.0)] == [1, 1, 1]
    assert [rung_near(one, rungs) for one in (275.8, 264.8, 100.0, math.inf, math.nan)] == [None] * 5
    # a share of what is above 1: near 1 every rung would be near every other
    assert [rung_near(one, rungs) for one in (7.9, 7.7, 1.6, 1.57)] == [2, 2, 4, None]
    # a blind guess is exact
    assert rung_near(1026.0, rungs) is None
    assert rung_near(1.0, {0: 2.0, 1: 2.0, 2: 1.0, 3: 1.0}) == 3


def test_most_frequent_characters_come_with_their_counts() -> None:
    assert most_frequent("分开 不分开 ", 3) == [(" ", 2), ("分", 2), ("开", 2)]
    assert most_frequent("ab", 5) == [("a", 1), ("b", 1)]
    assert most_frequent("ab", 0) == most_frequent("ab", -1) == []


@pytest.mark.reference
def test_the_ladder_of_the_books_lyrics_is_as_published() -> None:
    text = corpora.load("book-lyrics").text
    assert len(text) == 63_282
    train = corpora.prepare(text, "first_edition", 10_000).train
    assert {order: round(value, 2) for order, value in ladder(train).items()} == {
        0: 1027, 1: 270.28, 2: 7.81, 3: 1.59, 4: 1.12, 5: 1.05, 6: 1.04,
    }  # fmt: skip
    assert most_frequent(train, 1) == [(" ", 1352)]
    # what consecutive sampling predicts with 32 rows and 35 steps: 8 windows of each row, one character later
    row = len(train) // 32
    targets = "".join(train[i * row + 1 : i * row + 1 + 8 * 35] for i in range(32))
    assert len(targets) == 8_960
    assert ladder(targets, 1)[1] == pytest.approx(270.40, abs=0.005)
    assert not any(prefix in train for prefix in ("分开", "不分"))


@pytest.mark.reference
def test_the_ladder_of_the_time_machine_is_as_published() -> None:
    text = corpora.load("book-time-machine").text
    assert text == (Path(os.environ["RNNLAB_DATA"]) / "timemachine.txt").read_text(encoding="utf-8")
    train = corpora.prepare(text, "second_edition", 10_000).train
    assert set(train) == set(" abcdefghijklmnopqrstuvwxyz")
    assert round(ladder(train)[1], 2) == 17.41
