"""The book's preprocessings, and what is refused before training."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError
from rnnlab.text.corpora import check_trainable, check_variety, min_length, prepare
from rnnlab.text.preparation import for_sample, sample_rows


def test_first_edition_turns_line_ends_into_spaces() -> None:
    assert prepare("分开\n\n不分开\r\n", "first_edition", 100) == ("分开  不分开  ", "")


def test_second_edition_keeps_letters_and_joins_lines_without_a_space() -> None:
    text = "The Time Machine, by H. G. Wells [1898]\n\n\n\n\nI\n\n\nThe Time Traveller (for so it\nwill be  café"
    expected = "the time machine by h g wellsithe time traveller for so itwill be caf"
    assert prepare(text, "second_edition", 1_000) == (expected, "")


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(2, 50))
def test_the_rest_is_held_out(text: str, num_chars: int) -> None:
    text = text.replace("\r", "")
    whole = prepare(text, "first_edition", len(text) + 1)
    assert whole == (text.replace("\n", " "), "")
    for preprocessing in ("first_edition", "second_edition"):
        train, held_out = prepare(text, preprocessing, num_chars)  # type: ignore[arg-type]
        everything = prepare(text, preprocessing, len(text) + 2)  # type: ignore[arg-type]
        assert len(train) == min(num_chars, len(everything.train))
        assert train + held_out == everything.train


@given(st.text(max_size=200))
def test_second_edition_leaves_27_symbols_at_most(text: str) -> None:
    train = prepare(text, "second_edition", 1_000).train
    assert re.fullmatch("[a-z ]*", train)
    # what the book does, line after line
    lines = [re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in text.split("\n")]
    assert list(train) == [token for line in lines for token in line]


def num_minibatches(length: int, config: TrainConfig, offset: int) -> int:
    """How many minibatches the book's samplers make of `length` characters from `offset` on."""
    if config.sampling == "random":
        return (length - offset - 1) // config.num_steps // config.batch_size
    return ((length - offset) // config.batch_size - 1) // config.num_steps


@given(
    st.sampled_from(["random", "consecutive"]),
    st.sampled_from(["zero", "random"]),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_the_shortest_text_makes_one_minibatch(sampling: str, offset: str, batch_size: int, num_steps: int) -> None:
    config = TrainConfig.make(sampling=sampling, offset=offset, batch_size=batch_size, num_steps=num_steps)
    farthest = num_steps - 1 if offset == "random" else 0
    needed = min_length(config)
    assert num_minibatches(needed, config, farthest) == 1
    assert num_minibatches(needed - 1, config, farthest) <= 0
    check_trainable(("ab" * needed)[:needed], "", config)
    with pytest.raises(CorpusError, match=f"at least {needed:,}") as caught:
        check_trainable(("ab" * needed)[: needed - 1] or "a", "", config)
    assert caught.value.code in ("corpus_too_short", "corpus_no_letters")


def test_too_short_says_what_is_needed() -> None:
    with pytest.raises(
        CorpusError, match=r"has 1,151 characters; .* at least 1,152 .*batch size 32, 35 time"
    ) as caught:
        check_trainable("ab" * 575 + "a", "", TrainConfig())
    assert caught.value.code == "corpus_too_short"
    assert caught.value.params["length"] == 1151
    assert caught.value.params["needed"] == 1152
    check_trainable("ab" * 576, "", TrainConfig())


def test_one_distinct_character_is_refused() -> None:
    with pytest.raises(CorpusError, match="two different characters") as caught:
        check_trainable("a" * 10_000, "", TrainConfig())
    assert caught.value.code == "corpus_one_character"
    check_trainable("a" * 9_999 + "b", "", TrainConfig())


@pytest.mark.parametrize("text", ["a", "啊" * 3000, "\n" + "a" * 3000 + "\n"])
def test_a_whole_text_of_one_character_is_refused_before_it_is_kept(text: str) -> None:
    with pytest.raises(CorpusError, match="two different characters") as caught:
        check_variety(text)
    assert (caught.value.code, caught.value.params["character"]) == ("corpus_one_character", text.strip()[0])
    check_variety(text + "b")


def test_a_chinese_text_is_nothing_to_the_second_edition() -> None:
    train = prepare("分开\n不分开\n" * 1000, "second_edition", 10_000).train
    with pytest.raises(CorpusError, match="first_edition") as caught:
        check_trainable(train, "", TrainConfig.make(preprocessing="second_edition"))
    assert caught.value.code == "corpus_no_letters"


def test_early_stopping_needs_known_characters_after_the_training_text() -> None:
    config = TrainConfig.make(early_stopping=2, num_chars=2_000)
    train = "ab" * 1_000
    check_trainable(train, "ab?" * 26, config)  # 52 known ones
    with pytest.raises(CorpusError) as caught:
        check_trainable(train, "ab?" * 25, config)
    assert (caught.value.code, caught.value.params["length"]) == ("corpus_no_held_out", 50)
    check_trainable(train, "", config.change(early_stopping=0))


def test_the_sample_lies_evenly_in_the_held_out_text() -> None:
    held_out = "".join(chr(0x4E00 + number) for number in range(5_000))
    config = TrainConfig.make(num_chars=5_000)
    passages = for_sample(held_out, config)
    starts = [held_out.index(passages[at]) for at in range(0, len(passages), 100)]
    assert len(starts) == 6  # 300 of 5,000 characters are measured, 50 of each passage
    assert (starts[0], starts[-1]) == (0, 4_900)
    assert {later - earlier for earlier, later in pairwise(starts)} == {980}
    assert all(passages[at * 100 : at * 100 + 100] == held_out[start : start + 100] for at, start in enumerate(starts))
    assert for_sample(held_out[:600], config) == held_out[:600]
    assert for_sample(held_out, config.change(held_out_period=0)) == ""


def test_a_row_of_the_sample_has_only_known_characters_of_one_passage() -> None:
    few, enough = "ab?" * 25 + "?" * 25, "ab?" * 33 + "a"
    assert sample_rows(few + enough, "ab") == ["ab" * 25 + "a"]
    assert sample_rows("", "ab") == sample_rows("?" * 500, "ab") == []
