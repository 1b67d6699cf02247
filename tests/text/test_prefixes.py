"""Prefixes: several in one line, those that suit a text, and their spelling."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.recipes import RECIPES
from rnnlab.text import corpora
from rnnlab.text.prefixes import BRIEF, brief, passage, split, suited, tail, with_bars
from rnnlab.text.vocab import Vocab


@pytest.mark.parametrize(
    ("line", "prefixes"),
    [
        ("分开|不分开", ("分开", "不分开")),
        ("分开 ｜ 不分开", ("分开", "不分开")),
        ("分开，不分开", ("分开", "不分开")),
        ("分开、不分开、", ("分开", "不分开")),
        ("我说，你|不分开", ("我说，你", "不分开")),
        ("我说，你 |", ("我说，你",)),
        ("time, traveller", ("time, traveller",)),
        (" 分开 ", ("分开",)),
        ("", ()),
    ],
)
def test_several_prefixes_are_typed_in_one_line(line: str, prefixes: tuple[str, ...]) -> None:
    assert split(line) == prefixes
    if with_bars(line) != line:
        assert tuple(with_bars(line).split("|")) == prefixes


@given(st.lists(st.text("分开，、 ab", min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_a_field_shows_prefixes_so_that_it_reads_them_again(prefixes: list[str]) -> None:
    from rnnlab.view.page import fields

    value = tuple(prefixes)
    assert fields.read("prefixes", fields.shown(value)) == tuple(text.strip() for text in value)


def prepared(name: str, recipe: str) -> str:
    config = RECIPES[recipe].config
    return corpora.prepare(corpora.load(name).text, config.preprocessing, config.num_chars).train


def test_the_prefixes_of_a_recipe_stay_on_its_text() -> None:
    for recipe in RECIPES.values():
        assert suited(recipe.config.prefixes, prepared(recipe.config.corpus, recipe.id)) == recipe.config.prefixes


def test_another_text_gets_prefixes_that_it_has_the_characters_of() -> None:
    chinese = RECIPES["A2"].config.prefixes
    assert suited(chinese, prepared("verse-en", "A2")) == ("time traveller", "traveller")
    assert suited(("time traveller",), prepared("lyrics-zh", "A2")) == chinese
    for train, beginning in (
        ("春眠不觉晓，处处闻啼鸟 " * 9, "春眠"),
        ("  HELLO WORLD, 123 " * 9, "HELLO"),
        ("Ça va? Été. " * 9, "Ça"),
        ("12 + 34 = 46 " * 9, "12"),
        ("   ", "  "),
        # a line of prefixes is read back as this one prefix
        ("我\u3000爱你 " * 9, "我"),
        ("嗯，好的 " * 9, "嗯"),
        ("||春|眠 " * 9, "春"),
    ):
        assert suited(chinese, train) == (beginning,)
        Vocab(train).encode(beginning)


@given(st.text(min_size=1, max_size=40))
def test_whatever_the_text_its_prefix_can_be_encoded(train: str) -> None:
    for prefix in suited(("分开", "不分开"), train):
        assert prefix
        Vocab(train).encode_prefix(prefix)


def test_a_prefix_is_spelled_as_the_text_is() -> None:
    french = "Le café était déjà fermé. "
    for form in ("NFC", "NFD"):
        vocab = Vocab(unicodedata.normalize(form, french))
        for typed in ("NFC", "NFD"):
            assert vocab.spelled(unicodedata.normalize(typed, "café")) == unicodedata.normalize(form, "café")
    second = Vocab(prepared("verse-en", "B1"))
    assert second.spelled("The Time") == "the time"
    assert second.spelled("the\nriver") == "the river"
    assert Vocab("分开 不分开").spelled("分开\n不") == "分开 不"
    assert Vocab("le café").spelled("LE CAFÉ") == "le café"
    # what the text has already is left alone, also a blank at its end
    assert second.spelled("the ") == "the "
    assert Vocab("The time").spelled("The Time") == "The Time"
    assert Vocab("ab").spelled("分") == "分"
    # no letter is left out to make a prefix fit
    assert second.spelled("The Time, naïve!") == "The Time, naïve!"
    assert second.spelled("The Time, øre!") == "The Time, øre!"
    assert Vocab("x分开").spelled("分开x☃") == "分开x☃"


@given(st.text(max_size=120), st.text(max_size=40), st.integers(2, 60))
def test_a_long_prefix_is_shown_by_its_ends(prefix: str, generated: str, kept: int) -> None:
    shown = brief(prefix)
    assert len(shown) <= BRIEF
    start, _, end = shown.partition("…") if shown != prefix else (prefix, "", "")
    assert prefix.startswith(start)
    assert prefix.endswith(end)
    line = tail(prefix + generated, prefix, kept)
    assert len(line) <= kept + 1 + len(generated)
    assert line.endswith(generated)
    if len(prefix) <= kept:
        assert line == prefix + generated


@given(st.text("春眠 |｜，\u3000", max_size=60), st.integers(0, 60), st.integers(1, 1000))
def test_a_passage_of_a_text_is_one_prefix(train: str, start: int, length: int) -> None:
    from rnnlab.view.page import fields

    chosen = passage(train, start, length)
    assert chosen in train[start : start + length]
    if chosen:
        assert fields.read("prefixes", fields.shown((chosen,))) == (chosen,)
        Vocab(train).encode(chosen)
    else:
        assert not train[start : start + length].strip(" |｜\u3000")


def test_a_passage_without_bars_is_whole() -> None:
    train = prepared("lyrics-zh", "A2")
    assert passage(train, 1, 300) == train[1:301].strip()
