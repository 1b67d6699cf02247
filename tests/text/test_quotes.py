"""Quotes, loops and blanks of a generated text, against finding them the slow way."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnlab.text.quotes import QuoteIndex, Span, coverage, loop_period, quoted_spans, share_of_blanks


@st.composite
def quoting(draw: st.DrawFn) -> tuple[str, str]:
    """A text made of pieces of a corpus and of other characters, and the corpus."""
    corpus = draw(st.text(st.sampled_from("abc分"), max_size=30))
    places = st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda cut: corpus[cut[0] : cut[0] + cut[1]])
    pieces = draw(st.lists(places | st.sampled_from("abc分"), max_size=6))
    return "".join(pieces), corpus


def quoted_characters(text: str, corpus: str, n: int) -> set[int]:
    """Every position that belongs to a run of n characters that stands in the corpus."""
    return {i + k for i in range(len(text) - n + 1) if text[i : i + n] in corpus for k in range(n)}


@settings(max_examples=400)
@given(quoting(), st.integers(1, 7))
@example(("", ""), 5)
@example(("abbab", "abbab"), 5)
@example(("abba", "abbab"), 5)
@example(("abcdef", "abcde bcdef"), 5)
@example(("abcdefghi", "abcde efghi"), 5)
def test_spans_cover_what_is_quoted_and_nothing_else(text_and_corpus: tuple[str, str], n: int) -> None:
    text, corpus = text_and_corpus
    spans = quoted_spans(text, corpus, n)
    covered = [i for span in spans for i in range(span.start, span.stop)]
    assert covered == sorted(quoted_characters(text, corpus, n))  # in order, no overlap, nothing missing
    assert all(span.start < span.stop for span in spans)
    assert coverage(spans, len(text)) == (len(covered) / len(text) if text else 0)


@given(quoting(), st.integers(1, 7))
def test_every_span_stands_where_it_says(text_and_corpus: tuple[str, str], n: int) -> None:
    text, corpus = text_and_corpus
    for start, stop, corpus_start in quoted_spans(text, corpus, n):
        assert corpus[corpus_start : corpus_start + stop - start] == text[start:stop]


@given(quoting(), st.integers(1, 7))
def test_a_span_goes_as_far_as_the_corpus_does(text_and_corpus: tuple[str, str], n: int) -> None:
    text, corpus = text_and_corpus
    for start, stop, _ in quoted_spans(text, corpus, n):
        run = text[start : stop + 1]
        assert stop == len(text) or len(run) <= n or run not in corpus


def test_the_first_of_equal_passages_is_named_and_the_longest_match_wins() -> None:
    corpus = "abcdeX abcdef abcdef"
    assert quoted_spans("abcde", corpus) == [Span(0, 5, 0)]
    assert quoted_spans("--abcdef--", corpus) == [Span(2, 8, 7)]


def test_where_two_quotes_overlap_the_first_keeps_what_they_share() -> None:
    assert quoted_spans("abcdefgh", "abcde defgh") == [Span(0, 5, 0), Span(5, 8, 8)]


@settings(max_examples=400)
@given(quoting(), st.integers(1, 7))
@example(("abcdefghijklmn", "abcdefg cdefghijkl ghijklmn"), 5)
@example(("abcd", "ab"), 3)
def test_the_longest_quote_is_found(text_and_corpus: tuple[str, str], n: int) -> None:
    text, corpus = text_and_corpus
    runs = (j - i for i in range(len(text)) for j in range(i + n, len(text) + 1) if text[i:j] in corpus)
    assert QuoteIndex(corpus, n).longest(text) == max(runs, default=0)


def test_two_quotes_side_by_side_stay_two() -> None:
    assert quoted_spans("我想你了我走了啊", "我走了啊。我想你了", 4) == [Span(0, 4, 5), Span(4, 8, 0)]


def test_four_characters_are_no_quote() -> None:
    assert quoted_spans("abcd", "abcd") == []


def test_an_index_serves_many_texts() -> None:
    index = QuoteIndex("the clock says now")
    assert index.quoted_spans("a clock says no") == [Span(1, 15, 3)]
    assert index.quoted_spans("") == index.quoted_spans("nothing") == []


def test_a_corpus_of_one_character_is_no_trap() -> None:
    # the index may not try every place where such a text could begin
    assert QuoteIndex("a" * 200_000).quoted_spans("a" * 2_000 + "b") == [Span(0, 2_000, 0)]


def test_a_quote_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        QuoteIndex("abc", 0)


@given(st.text(st.sampled_from("ab分"), max_size=20), st.text("ab分 ", min_size=1, max_size=8), st.integers(3, 9))
def test_a_loop_is_found_after_anything(start: str, round_: str, rounds: int) -> None:
    text = start + round_ * rounds
    period = loop_period(text)
    if len(round_) * rounds >= 12:
        assert period is not None
        assert period <= len(round_)
        tail = text[-max(12, 3 * period) :]
        assert all(a == b for a, b in zip(tail, tail[period:], strict=False))
    # no smaller period explains the tail
    for smaller in range(1, period or 0):
        tail = text[-max(12, 3 * smaller) :]
        assert len(tail) < 12 or any(a != b for a, b in zip(tail, tail[smaller:], strict=False))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("", None),
        ("哈哈哈", None),
        ("a time to arrive and a long way", None),
        ("分开" + " " * 50, 1),
        ("分开" + "我不" * 25, 2),
        ("不分开" + "爱上你" * 5 + "爱", 3),
        ("我不" * 25 + "了吗好", None),  # it came out of its loop
        ("the clock " * 2, None),
        ("the clock " * 3, 10),
    ],
)
def test_the_period_of_a_loop(text: str, period: int | None) -> None:
    assert loop_period(text) == period


def test_blanks_are_counted() -> None:
    assert share_of_blanks("分开 \u3000") == 0.5
    assert share_of_blanks("分开") == share_of_blanks("") == 0
