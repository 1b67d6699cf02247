"""Measures and sentences of Inspect: numbers from an answer, and sentences that are true of it but not of others."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.view.inspect import charts, measures
from rnnlab.view.inspect.measures import Successors, Unrolled, doubt
from rnnlab.view.inspect.sentences import (
    agreement,
    blank_sentence,
    dependence_sentence,
    entropy_sentence,
    next_sentence,
    saturation_sentence,
    surprise_note,
    surprise_summary,
)
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.page import style

TEXT = "ab ab ba ab ab ba"


def state(values: Any, name: str = "H", direction: str = "forward") -> Unrolled:
    return Unrolled(name, direction, np.asarray(values, dtype=np.float32))


def noise(characters: int, units: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, 0.3, (characters, units)).astype(np.float32)


def answer(values: Any, text: str = "abc", name: str = "H") -> dict[str, Any]:
    packed = base64.b64encode(np.asarray(values, dtype="<f2").tobytes()).decode()
    return {
        "text": text,
        "num_hiddens": np.shape(values)[1],
        "states": [{"name": name, "direction": "forward", "values": packed}],
        "next": [],
    }


# from an answer


def test_the_values_of_a_state_are_read_back_character_by_unit() -> None:
    state = measures.unrolled(answer([[0.5, -1.0], [0.25, 2.0], [0.0, 1.5]], name="C"))[0]
    assert state.values.tolist() == [[0.5, -1.0], [0.25, 2.0], [0.0, 1.5]]
    assert (state.name, state.is_gate, state.limit) == ("C", False, 2.0)


def test_values_beyond_16_bits_are_drawn_and_not_lost() -> None:
    state = measures.unrolled(answer([[np.inf], [-np.inf], [np.nan]]))[0]
    assert np.isfinite(state.values).all()
    assert state.limit == 100.0


def test_the_surprise_belongs_to_the_character_that_came() -> None:
    told = {"next": [{"surprise": 0.1}, {"surprise": 3.0}, {"surprise": None}]}
    surprises = measures.surprises(told)
    assert surprises == [None, 0.1, 3.0]
    assert measures.most_surprising(surprises) == 2
    assert [measures.surprise_level(surprise) for surprise in surprises] == [-1, 0, 2]
    assert measures.text_perplexity(surprises) == pytest.approx(math.exp(1.55))
    assert measures.most_surprising([None]) is None
    assert measures.text_perplexity([None]) is None


@pytest.mark.parametrize(("probability", "level"), [(0.51, 0), (0.49, 1), (0.11, 1), (0.09, 2), (0.011, 2), (0.009, 3)])
def test_levels_of_surprise(probability: float, level: int) -> None:
    assert measures.surprise_level(-math.log(probability)) == level


# rows of a heat map


def test_units_that_move_together_stand_side_by_side() -> None:
    wave, other = np.sin(np.arange(30)), np.cos(np.arange(30) / 3)
    mixed = np.stack([wave, other, wave * 0.5, other * 2, wave + 0.01, other + 0.3], axis=1)
    order = measures.similarity_order(state(mixed).values)
    kinds = ["wave" if unit % 2 == 0 else "other" for unit in order]
    assert kinds in (["wave"] * 3 + ["other"] * 3, ["other"] * 3 + ["wave"] * 3)


@given(st.integers(1, 6), st.integers(1, 70), st.integers(0, 3))
def test_every_unit_stands_in_one_row(characters: int, units: int, seed: int) -> None:
    values = noise(characters, units, seed)
    rows = measures.all_units(values)
    assert sorted(unit for row in rows.units for unit in row) == list(range(1, units + 1))
    assert rows.values.shape == (min(units, measures.MAX_ROWS), characters)
    for row, members in zip(rows.values, rows.units, strict=True):
        assert row == pytest.approx(values[:, [unit - 1 for unit in members]].mean(axis=1), abs=1e-5)
    picked = measures.most_active(values)
    assert len(picked.units) == min(units, measures.NUM_PICKED)


def test_the_most_active_units_are_those_that_change() -> None:
    values = np.zeros((20, 40), dtype=np.float32)
    values[:, [3, 17, 30]] = noise(20, 3)
    picked = {units[0] for units in measures.most_active(values, 3).units}
    assert picked == {4, 18, 31}
    assert measures.most_changing(values) in picked


def test_values_that_are_all_the_same_have_an_order_too() -> None:
    assert sorted(measures.similarity_order(np.ones((5, 4), dtype=np.float32))) == [0, 1, 2, 3]


# sentences on a state: true of one state, false of another


def test_a_unit_that_reacts_to_blanks_stands_out_and_noise_does_not() -> None:
    text = "ab cde fg hij kl mno pq rst"
    values = noise(len(text), 64)
    chance = measures.blank_detector(values, text)
    assert chance is not None
    assert not chance.stands_out
    values[:, 20] = [0.9 if character == " " else -0.7 for character in text]
    detector = measures.blank_detector(values, text)
    assert detector is not None
    assert detector.stands_out
    assert detector.unit == 21
    assert (detector.inside, detector.outside) == (pytest.approx(0.9), pytest.approx(-0.7))
    assert "21" in blank_sentence(detector, "en")
    assert blank_sentence(detector, "en").startswith("Unit 21 reacts most to blanks")
    assert blank_sentence(chance, "en").startswith("No unit")
    values[:] = noise(len(text), 64) * 0.01
    values[:, 20] = [0.52 if character == " " else 0.5 for character in text]
    little = measures.blank_detector(values, text)
    assert little is not None
    assert "21 differs most between blanks and other characters, but only a little" in blank_sentence(little, "en")
    assert measures.blank_detector(values[:3], "a b") is None
    assert blank_sentence(None, "en") == t("inspect.blanks.few", "en")


def test_the_saturation_of_a_gate_is_counted() -> None:
    gate = state([[0.05, 0.95, 0.5, 0.99]], "forget_gate")
    saturation = measures.saturation(gate)
    assert (saturation.low, saturation.high) == (0.25, 0.5)
    sentence = saturation_sentence(gate, "en")
    assert "50% of its values are above 0.9" in sentence
    assert "25% below 0.1" in sentence
    open_gate = saturation_sentence(state([[0.5, 0.6]], "forget_gate"), "en")
    assert "0% of its values are above 0.9" in open_gate
    assert "50% of the values are saturated" in saturation_sentence(state([[0.95, -0.2, 0.1, -0.97]]), "en")
    assert "25% lie beyond ±1, the largest has magnitude 3.0" in saturation_sentence(
        state([[3.0, 0.2, 0.1, 0.9]], "C"), "en"
    )


# the training text


def test_what_followed_is_counted_once_and_found_for_longer_contexts() -> None:
    followed = Successors("abcabdabc")
    assert followed.after("a") == {"b": 3}
    assert followed.after("b") == {"c": 2, "d": 1}
    assert followed.after("z") == {}
    assert followed.after_context("xab") == ("ab", {"c": 2, "d": 1})
    assert followed.after_context("dab") == ("dab", {"c": 1})
    assert followed.after_context("z") == ("", {})


def test_the_same_counts_as_by_looking_at_each_place() -> None:
    train = "the cat sat on the mat and the cat ran"
    followed = Successors(train)
    for length in (1, 2, 3, 4):
        for start in range(len(train) - length):
            context = train[start : start + length]
            expected: dict[str, int] = {}
            for place in range(len(train) - length):
                if train[place : place + length] == context:
                    follower = train[place + length]
                    expected[follower] = expected.get(follower, 0) + 1
            best, counts = followed.after_context(context, longest=length)
            assert (best, dict(counts)) == (context, expected)


@pytest.mark.parametrize(
    ("top", "text", "begins"),
    [
        ("c", "ab", "In the training text, “c” is also what follows “b” most often (2 of 3 times)"),
        ("d", "cab", "Going by “b” alone, “c” would be the best guess (2 of 3 times)"),
        (
            "d",
            "ab",
            "In the training text, “c” follows “b” most often (2 of 3 times). The network's “d” did so in only 1",
        ),
        ("a", "ab", "In the training text, “c” follows “b” most often (2 of 3 times). The network's “a” never did"),
        ("a", "z", "In the training text nothing follows “z”"),
    ],
)
def test_agreement_with_the_counts(top: str, text: str, begins: str) -> None:
    assert agreement(text, [(top, 0.9)], Successors("abcabdabc"), "en").startswith(begins)


# sentences


def test_a_text_that_is_expected_and_one_that_is_not() -> None:
    expected = surprise_summary("abc", [None, 0.1, 0.2], 1.2, 27, "en")
    assert "of 2 characters it expected 2" in expected
    assert "Nothing surprised it" in expected
    surprised = surprise_summary("a c", [None, 0.1, 6.0], 1.2, 27, "en")
    assert "it expected 1" in surprised
    assert "“c” after “a␣”, to which it gave a probability of 0.25%" in surprised
    assert surprise_summary("a", [None], 1.0, 27, "en") == t("inspect.surprise.short", "en")
    # a perplexity above the size of the vocabulary is not a number of characters
    ln = math.log
    assert "choosing among 26 characters" in surprise_summary("ab", [None, ln(26)], 2.0, 27, "en")
    assert "30: no better than a blind guess among the 27" in surprise_summary("ab", [None, ln(30)], 26.5, 27, "en")
    assert "choosing among" not in surprise_summary("ab", [None, ln(30)], 26.5, 27, "en")
    wrong = surprise_summary("ab", [None, ln(30)], 1.53, 27, "en")
    for part in ("30: worse than a blind guess among the 27", "chooses among only 1.53", "confidently wrong"):
        assert part in wrong
    assert "∞: worse than a blind guess" in surprise_summary("ab", [None, 90.0], 1.5, 27, "en")
    assert "瞎猜还差" in surprise_summary("ab", [None, 90.0], 1.5, 27, "zh")
    assert doubt({"next": [{"entropy": ln(2)}, {"entropy": ln(8)}, {"entropy": 9.0}]}) == pytest.approx(4)
    assert doubt({"next": [{"entropy": 1.0}]}) == 1
    assert surprise_note(None, "en") == t("inspect.note.first", "en")
    assert "13%" not in surprise_note(2.0, "zh")
    assert "14%" in surprise_note(2.0, "zh")
    assert "7.88" in surprise_note(7.88, "en")
    assert "2,552,038" in surprise_note(2552037.81, "en")


def test_entropy_is_said_as_a_number_of_characters() -> None:
    assert "≈ 7.39 characters" in entropy_sentence(2.0, "en")


def test_whether_the_first_choice_came() -> None:
    top = [("b", 0.7), ("c", 0.2)]
    assert "that is what comes next" in next_sentence(top, "b", 0.36, "en")
    assert "the next character in the text is “c”, to which it gave 20%" in next_sentence(
        top, "c", -math.log(0.2), "en"
    )
    assert "would continue with “b”" in next_sentence(top, None, None, "en")


@pytest.mark.parametrize(
    ("weights", "reach", "says"),
    [
        ([0.01, 0.01, 0.1, 0.88], 1, "most on the character just read, “d” (88%), and hardly at all on anything more"),
        ([0.0, 0.0, 0.01, 0.99], 0, "hardly at all on anything earlier"),
        (
            [0.5, 0.2, 0.2, 0.1],
            3,
            "most on “a”, 3 before the character just read (50%), and on the text all the way back",
        ),
        ([1e-4, 1e-4, 1e-4, 1e-3], 3, "hardly depends on the input"),
        ([0.0, 0.0, 0.0, 0.0], 0, "hardly depends on the input"),
    ],
)
def test_on_what_a_prediction_depends(weights: list[float], reach: int, says: str) -> None:
    dependence = measures.dependence(weights)
    assert dependence.reach == reach
    assert says in dependence_sentence(dependence, "abcd", "x", "en")


def test_a_prediction_from_one_character_can_only_depend_on_it() -> None:
    assert "there is nothing before it" in dependence_sentence(measures.dependence([0.4]), "a", "x", "en")


# texts to inspect


def test_a_passage_ends_with_a_word_and_knows_its_characters() -> None:
    line = measures.passage(
        "the quick brown fox jumps over the lazy dog and runs away into the dark wood at night time"
    )
    assert line.endswith(("night", "at"))
    assert len(line) <= 80
    chinese = measures.passage(
        "清晨六点的小巷 牛奶瓶还挂着月光 我推出那辆旧单车 铃声叫醒了院墙 豆浆冒着白烟 老板娘系好围裙"
    )
    assert chinese.endswith(("墙", "烟"))
    assert 20 < len(chinese) <= 40
    held_out = measures.passage("清晨x六点的小巷 牛奶瓶y还", frozenset("清晨六点的小巷 牛奶瓶还"))
    assert held_out == "六点的小巷 牛奶瓶"
    assert measures.passage("", frozenset("ab")) == ""


# charts


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_specifications_name_their_tables_and_hold_no_data(lang: str, theme: str) -> None:
    specs = {
        charts.HEATMAP_TABLES: charts.heatmap(lang, theme, 1.0, True),
        charts.UNIT_TABLES: charts.unit_lines(lang, theme),
        charts.CANDIDATE_TABLES: charts.candidates(lang, theme),
    }
    for tables, spec in specs.items():
        layers = [spec, *spec.get("layer", [])]
        assert {layer["data"]["name"] for layer in layers if "data" in layer} == set(tables)
        assert "datasets" not in spec
    diverging = charts.heatmap(lang, theme, 2.0)["layer"][0]["encoding"]["color"]["scale"]
    assert (diverging["domain"][0], diverging["domain"][-1]) == (-2.0, 2.0)
    sequential = charts.heatmap(lang, theme)["layer"][0]["encoding"]["color"]["scale"]
    assert (sequential["domain"][0], sequential["domain"][-1]) == (0, 1)
    assert style.PALETTE[theme]
