"""Between characters and indices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.errors import PrefixError
from rnnlab.text.vocab import Vocab


@given(st.text())
def test_what_is_encoded_is_decoded(text: str) -> None:
    vocab = Vocab(text)
    indices = vocab.encode(text)
    assert vocab.decode(indices) == text
    assert set(indices) == set(range(len(vocab)))
    assert [vocab.token_to_idx[token] for token in vocab.idx_to_token] == list(range(len(vocab)))


@given(st.text(), st.randoms())
def test_the_order_of_the_text_does_not_matter(text: str, random: object) -> None:
    shuffled = list(text)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Vocab("".join(shuffled)).idx_to_token == Vocab(text).idx_to_token


def test_indices_go_by_frequency_then_by_code_point() -> None:
    assert Vocab("不分开 分开 开").idx_to_token == ("开", " ", "分", "不")
    assert Vocab("cabcba").idx_to_token == ("a", "b", "c")


def test_a_character_outside_the_vocabulary_is_named() -> None:
    with pytest.raises(PrefixError, match="'不'") as caught:
        Vocab("分开 分开").encode("不分开")
    assert caught.value.code == "prefix_character"
    assert caught.value.params["character"] == "不"
    assert caught.value.params["prefix"] == "不分开"
    assert caught.value.params["allowed"] == "分开 "


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_the_vocabulary_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        Vocab("abc").decode([0, index])


def test_an_empty_text_has_an_empty_vocabulary() -> None:
    assert len(Vocab("")) == 0
    assert Vocab("").encode("") == []
