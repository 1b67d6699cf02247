"""Facts of a training text: the unigram perplexity of the targets, and the quotes in a generated text."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnlab.config import TrainConfig
from rnnlab.text import ngrams
from rnnlab.text.targets import epoch_targets, walked_targets
from rnnlab.view.data.facts import FactBook, TextFacts

BOOK = FactBook(lambda name: None)
CORPUS = "abcdefghij klmnopqrst uvwxyz 分开吧我走了你也走了"


def facts(train: str) -> TextFacts:
    facts = TextFacts(train, train, "")
    facts.__dict__["quote_length"] = 5  # whatever the characters are
    return facts


def test_the_unigram_perplexity_is_that_of_the_targets() -> None:
    config = TrainConfig()
    text = BOOK.of(config)
    assert text.unigram(config) == pytest.approx(ngrams.ladder(epoch_targets(text.train, config), 1)[1])
    assert text.unigram(config) < text.ladder[1] - 1
    # another sampling has other targets
    wide = config.change(batch_size=64)
    assert text.unigram(wide) == pytest.approx(ngrams.ladder(epoch_targets(text.train, wide), 1)[1])
    assert text.unigram(wide) != text.unigram(config) != text.unigram(config.change(sampling="random"))


def test_a_diagnosis_of_a_long_text_has_its_own() -> None:
    config = TrainConfig(sampling="random")
    text = TextFacts("", "ab" * 15_000 + "cdefgh" * 5_000, "")
    assert text.unigram(config, walked=True) == ngrams.ladder(walked_targets(text.train, config), 1)[1]
    assert text.unigram(config, walked=True) != pytest.approx(text.unigram(config), rel=0.01)


def test_viewers_who_come_at_once_share_one_preparation() -> None:
    asked: list[str] = []
    again, here = threading.Event(), threading.Barrier(4)

    def text(name: str) -> str:
        asked.append(name)
        if len(asked) == 1:
            again.wait(0.3)  # meanwhile the other viewers ask too, and must not start another build
        again.set()
        return "the text that somebody brought"

    def look(_: int) -> TextFacts:
        here.wait(10)
        return book.of(config)

    book = FactBook(text)
    config = TrainConfig(corpus="text-" + "0" * 16)
    with ThreadPoolExecutor(4) as viewers:
        results = list(viewers.map(look, range(4)))
    assert len(asked) == 1
    assert all(facts is results[0] for facts in results)
    assert book.of(config.change(num_chars=100)) is not results[0]  # another part of the corpus


def test_a_text_with_no_targets_counts_whole() -> None:
    assert TextFacts("aabb", "aabb", "").unigram(TrainConfig()) == pytest.approx(2.0)


def test_the_longest_quote_is_counted_in_generated_characters() -> None:
    text = facts(CORPUS)
    assert text.read("分开xxxxabcdefgxx", "分开", "en").longest == 7
    # of overlapping quotes a character belongs to only one; the longest quote may be longer than each marked span
    overlapping = facts("abcdefg cdefghijkl ghijklmn")
    reading = overlapping.read("abcdefghijklmn", "", "en")
    assert reading.coverage == 1
    assert reading.longest == 10 > max(len(quote) for quote, _ in reading.quotes)
    # a quote may begin in the prefix; only its generated characters count
    assert text.read("分开吧我走xxxxxx", "分开", "en").longest == 3
    for nothing in ("分开xyxyxy", "分开"):
        reading = text.read(nothing, "分开", "en")
        assert (reading.longest, reading.coverage) == (0, 0)
