"""The lesson on decoding: temperature and top-k against torch, the searches against all texts there are."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import torch

from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.lessons import sentences, tables
from rnnlab.view.lessons.compute import decoding
from rnnlab.view.lessons.compute.decoding import Candidate, Model

TEXT = "abacabadabacabaeabacabadabacaba"
LENGTH = 5


def of(**table: dict[str, float]) -> Model:
    """Return a model from probabilities by context."""
    return Model(1, {context: {c: math.log(p) for c, p in row.items()} for context, row in table.items()})


def all_texts(source: Model, prefix: str, length: int) -> dict[str, float]:
    """Return the log probability of every text of this length that is possible."""
    characters = sorted({character for row in source.table.values() for character in row})
    found = {}
    for written in map("".join, itertools.product(characters, repeat=length)):
        total, text = 0.0, prefix
        for character in written:
            row = source.table.get(text[-source.size :], {})
            total += row.get(character, -math.inf)
            text += character
        if total > -math.inf:
            found[written] = total
    return found


def test_the_table_has_the_relative_frequencies() -> None:
    for size in (1, 2):
        source = decoding.model(TEXT, size)
        for context, row in source.table.items():
            after = Counter(TEXT[i + size] for i in range(len(TEXT) - size) if TEXT[i : i + size] == context)
            assert {c: math.exp(p) for c, p in row.items()} == pytest.approx(
                {c: n / after.total() for c, n in after.items()}
            )
            assert list(row.values()) == sorted(row.values(), reverse=True)


@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [1, 3, 6])
def test_temperature_and_top_k_are_those_of_the_engine(temperature: float, top_k: int) -> None:
    logits = torch.tensor([2.0, 1.5, 0.3, -0.2, -1.0, -4.0], dtype=torch.float64)
    scores, _ = (logits / temperature).topk(top_k)
    expected = torch.cat([scores.softmax(0), torch.zeros(6 - top_k, dtype=torch.float64)])
    assert decoding.reshape(logits.softmax(0).numpy(), temperature, top_k) == pytest.approx(expected.numpy())


def test_what_is_drawn_has_the_reshaped_frequencies() -> None:
    source = of(a={"a": 0.5, "b": 0.3, "c": 0.2})
    texts = [decoding.draw(source, "a", 1, 0.5, 2, seed) for seed in range(2000)]
    weights = {"a": 0.25, "b": 0.09}
    for character in "ab":
        assert texts.count(character) / 2000 == pytest.approx(weights[character] / 0.34, abs=0.03)
    assert "c" not in texts
    assert decoding.draw(source, "b", 5, 1.0, 3, 0) == ""  # the table ends


@pytest.mark.parametrize("size", [1, 2])
def test_a_wide_beam_finds_the_best_of_all_texts_and_a_narrow_one_is_greedy(size: int) -> None:
    source, prefix = decoding.model(TEXT, size), "ab"
    everything = all_texts(source, prefix, LENGTH)
    highest = max(everything.values())
    wide = decoding.beam(source, prefix, LENGTH, len(everything))[-1]
    assert {c.written: c.score for c in wide} == pytest.approx(everything)
    assert wide[0].score == pytest.approx(highest)
    assert decoding.best(source, prefix, LENGTH).score == pytest.approx(highest)
    greedy = prefix
    for _ in range(LENGTH):
        row = source.table[greedy[-size:]]
        greedy += max(row, key=lambda character: (row[character], -ord(character)))
    (narrow,) = decoding.beam(source, prefix, LENGTH, 1)[-1]
    assert prefix + narrow.written == greedy
    assert narrow.score == pytest.approx(source.log_probability(prefix, narrow.written))
    assert source.log_probability(prefix, "zzz") == -math.inf


def test_a_beam_keeps_the_best_of_all_continuations() -> None:
    source = decoding.model(TEXT, 1)
    kept = decoding.beam(source, "a", LENGTH, 3)
    assert kept[0] == [Candidate("", 0.0, 0)]
    for before, after in itertools.pairwise(kept):
        longer = {
            c.written + character: c.score + score
            for c in before
            for character, score in source.following("a" + c.written).items()
        }
        assert [c.score for c in after] == pytest.approx(sorted(longer.values(), reverse=True)[: len(after)])
        for candidate in after:
            assert candidate.written[:-1] == before[candidate.parent].written
            assert candidate.score == pytest.approx(longer[candidate.written])


# greedy takes b (0.6), whose continuations are many; c (0.4) has a certain one
TRAP = of(a={"b": 0.6, "c": 0.4}, b={"d": 0.4, "e": 0.3, "f": 0.3}, c={"g": 1.0})


def test_greedy_search_falls_into_the_trap_and_beam_search_does_not() -> None:
    assert decoding.beam(TRAP, "a", 2, 1)[-1][0].written == "bd"
    found = decoding.beam(TRAP, "a", 2, 2)[-1][0]
    assert found.written == decoding.best(TRAP, "a", 2).written == "cg"
    assert found.score == pytest.approx(math.log(0.4))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("慢慢慢慢", True),
        ("abcabcabc", True),
        ("xyzabababab", True),
        ("abcdefgaa", False),
        ("abab", False),
        ("", False),
    ],
)
def test_what_repeats_itself(text: str, said: bool) -> None:
    assert decoding.repeats(text) == said


def test_the_picture_shows_every_kept_candidate_and_the_way_to_the_winner() -> None:
    kept = decoding.beam(TRAP, "a", 2, 2)
    drawn = {name: pa.ipc.open_stream(table).read_all().to_pydict() for name, table in tables.beam(kept).items()}
    nodes, links = drawn["nodes"], drawn["links"]
    assert nodes["label"] == ["·", "b", "c", "g", "d"]
    assert nodes["best"] == [1.0, 0.0, 1.0, 1.0, 0.0]
    assert nodes["score"] == ["", "", "", "−0.92", "−1.43"]
    ways = zip(links["rank"], links["to_rank"], links["best"], strict=True)
    assert list(ways) == [(1, 1, 0), (1, 2, 1), (2, 1, 1), (1, 2, 0)]


BEAM = {
    "en": {"greedy": "is greedy search", "better": "; greedy has", "equal": "for both", "worse": "does worse"},
    "zh": {"greedy": "就是贪心搜索", "better": "：可能性是它的", "equal": "与贪心一样好", "worse": "反而比贪心差"},
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("size", "found", "greedy", "kind"),
    [(1, -3.0, -3.0, "greedy"), (2, -2.0, -3.0, "better"), (2, -3.0, -3.0, "equal"), (3, -4.0, -3.0, "worse")],
)
def test_a_search_is_called_what_it_is(size: int, found: float, greedy: float, kind: str, lang: str) -> None:
    sentence = sentences.beam(
        size, Candidate("ab", found, 0), Candidate("cd", greedy, 0), Candidate("ef", -1.5, 0), lang
    )
    assert [name for name, part in BEAM[lang].items() if part in sentence] == [kind]
    assert "−1.50" in sentence
    assert {"en": "has not found", "zh": "没有找到"}[lang] in sentence
    assert ("2.7" in sentence) == (kind in ("better", "worse"))  # e to the difference of 1
    repeating = {"en": "repeats itself", "zh": "重复自己"}[lang]
    assert repeating not in sentence
    same = Candidate("haha" * 3, found, 0)
    sentence = sentences.beam(size, same, Candidate("cd", greedy, 0), same, lang)
    assert {"en": "This is the most probable", "zh": "这就是"}[lang] in sentence
    assert repeating in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("temperature", "kind"), [(0.5, "sharper"), (1.0, "proportions"), (1.5, "flatter")])
def test_a_temperature_is_said_to_do_what_it_does(temperature: float, kind: str, lang: str) -> None:
    before = np.array([0.5, 0.3, 0.2])
    after = decoding.reshape(before, temperature, 2)
    sentence = sentences.reshaped("x", ["a", "b", "c"], before, after, temperature, 2, lang)
    words = {
        "en": {"sharper": "sharper", "proportions": "keeps the proportions", "flatter": "flatter"},
        "zh": {"sharper": "更尖", "proportions": "不改变比例", "flatter": "更平"},
    }[lang]
    assert [name for name, part in words.items() if part in sentence] == [kind]
    assert "80%" in sentence
    assert f"{after[0]:.0%}" in sentence
    whole = sentences.reshaped("x", ["a", "b", "c"], before, before, temperature, 3, lang)
    stays = {"en": "stays as it is", "zh": "原样不变"}[lang]
    assert (stays in whole) == (temperature == 1)
    assert stays not in sentence
    only = sentences.reshaped("x", ["a"], np.ones(1), np.ones(1), temperature, 1, lang)
    assert {"en": "no choice", "zh": "没有什么可选"}[lang] in only
