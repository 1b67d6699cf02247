"""The lesson on tokens, and how the tables of lesson 1 predict held-out text."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pyarrow as pa
import pytest

from rnnlab.recipes import RECIPES
from rnnlab.text import corpora, ngrams
from rnnlab.text.vocab import Vocab
from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.lessons import sentences, tables
from rnnlab.view.lessons.compute import markov, tokens


@pytest.fixture(scope="module", params=["A2", "B1"])
def prepared(request: pytest.FixtureRequest) -> corpora.Prepared:
    """The embedded texts, each prepared as its edition of the book does."""
    config = RECIPES[request.param].config
    return corpora.prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars)


def test_tokens_are_counted_at_every_position() -> None:
    assert tokens.frequencies("abracadabra").counts == (5, 2, 2, 1, 1)
    pairs = tokens.frequencies("aaab", 2)
    assert pairs.counts == (2, 1)  # overlapping
    assert (pairs.distinct, pairs.once) == (2, 1)
    assert tokens.frequencies("abracadabra").covered(1) == pytest.approx(5 / 11)
    assert tokens.frequencies("abracadabra").covered(99) == 1


def test_counts_that_follow_the_law_give_its_exponent() -> None:
    for alpha in (0.5, 1.0, 1.5):
        law = tokens.Frequencies(tuple(round(1e9 / rank**alpha) for rank in range(1, 200)))
        assert law.alpha == pytest.approx(alpha, abs=1e-4)
        assert law.is_straight
    assert not tokens.Frequencies((100,) * 20 + (1,)).is_straight
    assert tokens.Frequencies((7,)).alpha == 0
    assert tokens.Frequencies((7, 7, 7)).line == pytest.approx((0, math.log(7), 1))


def test_the_line_is_that_of_the_least_squares(prepared: corpora.Prepared) -> None:
    for length in tokens.LENGTHS:
        found = tokens.frequencies(prepared.train, length)
        ranks = [math.log(rank) for rank in range(1, found.distinct + 1)]
        counts = [math.log(count) for count in found.counts]
        expected = statistics.linear_regression(ranks, counts)
        slope, intercept, explained = found.line
        assert (slope, intercept) == pytest.approx((expected.slope, expected.intercept))
        assert explained == pytest.approx(statistics.correlation(ranks, counts) ** 2)


def test_the_indices_are_those_of_the_vocabulary(prepared: corpora.Prepared) -> None:
    text, vocab = prepared.train[:200], Vocab(prepared.train)
    assert tokens.encode(text, prepared.train, len(vocab)) == vocab.encode(text)
    assert tokens.readable(text, prepared.train, len(vocab)) == text
    for k in (1, 10):
        known = set(vocab.idx_to_token[:k])
        assert tokens.readable(text, prepared.train, k) == "".join(c if c in known else tokens.UNKNOWN for c in text)
        assert [i is None for i in tokens.encode(text, prepared.train, k)] == [c not in known for c in text]


def test_sizes_to_choose_from_end_at_the_vocabulary() -> None:
    assert tokens.sizes(27) == [1, 2, 5, 10, 20, 27]
    assert tokens.sizes(1013)[-2:] == [1000, 1013]
    assert tokens.sizes(10) == [1, 2, 5, 10]


def column(table: bytes, name: str) -> list[float]:
    values: list[float] = pa.ipc.open_stream(table).read_all()[name].to_pylist()
    return values


def test_the_chart_has_the_counts_themselves(prepared: corpora.Prepared) -> None:
    by_length = {length: tokens.frequencies(prepared.train, length) for length in tokens.LENGTHS}
    drawn = tables.zipf(by_length, 5, "en")
    ranks, counts, names = (column(drawn["counts"], name) for name in ("rank", "count", "tokens"))
    for length, name in ((1, "characters"), (3, "triples")):
        points = [(int(r), c) for r, c, n in zip(ranks, counts, names, strict=True) if n == name]
        assert points[0] == (1, by_length[length].counts[0])
        assert points[-1] == (by_length[length].distinct, by_length[length].counts[-1])
        assert all(by_length[length].counts[rank - 1] == count for rank, count in points)
    assert column(drawn["now"], "count") == [by_length[1].counts[4]]
    share = tables.coverage(by_length[1], 5)
    assert column(share["share"], "share")[-1] == 1
    assert column(share["now"], "share") == [pytest.approx(sum(by_length[1].counts[:5]) / len(prepared.train))]


# characters that are on a line, and characters that are not
LAW = tokens.Frequencies(tuple(round(1e6 / rank) for rank in range(1, 100)))
BENT = tokens.Frequencies((100,) * 20 + (1, 1))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("characters", "straight"), [(LAW, True), (BENT, False)])
def test_the_law_is_said_to_hold_where_it_does(characters: tokens.Frequencies, straight: bool, lang: str) -> None:
    sentence = sentences.tokens({1: characters, 3: LAW}, 2, lang)
    holds, fails = {"en": ("lie nearly on a line", "do not lie on a line"), "zh": ("近似一条直线", "点不成直线")}[lang]
    assert (holds in sentence, fails in sentence) == (straight, not straight)
    covered = {"en": "The 2 most frequent characters cover", "zh": "最常见的 2 个字符占文本的"}[lang]
    assert covered in sentence
    assert f"{characters.covered(2):.0%}" in sentence
    assert covered not in sentences.tokens({1: characters, 3: LAW}, characters.distinct, lang)


# the tables of lesson 1 on held-out text


def by_definition(text: str, context: str, character: str) -> Fraction:
    """P(character | context) by the book's smoothing with ε = 1, as a fraction, straight from the definition."""
    shorter = by_definition(text, context[1:], character) if context else Fraction(1, len(set(text)))
    places = [at for at in range(len(text) - len(context)) if text[at : at + len(context)] == context]
    followed = sum(text[at + len(context)] == character for at in places)
    return (followed + shorter) / (len(places) + 1)


def test_held_out_text_is_predicted_as_defined() -> None:
    text, other = "abracadabra abra", "cadabraxabra c"
    found = markov.held_out(text, other, 2)
    assert found is not None
    predicted = [at for at in range(2, len(other)) if other[at] != "x"]
    assert found.left_out == 1
    for size in range(3):
        shares = [by_definition(text, other[at - size : at], other[at]) for at in predicted]
        nats = -sum(math.log(share) for share in shares) / len(shares)
        assert found.perplexities[size] == pytest.approx(math.exp(nats))
        new = [other[at - size : at + 1] not in text for at in predicted]
        assert found.unseen[size] == pytest.approx(sum(new) / len(new))
    # a distribution
    for context in ("", "a", "ab", "zz"):
        assert sum(by_definition(text, context, character) for character in set(text)) == 1
    assert markov.held_out(text, "xyz", 2) is None
    assert markov.held_out(text, "", 2) is None


def test_the_embedded_texts_are_learned_by_heart(prepared: corpora.Prepared) -> None:
    """Looking back further, the training perplexity falls and that of the held-out text rises in the end."""
    found = markov.held_out(prepared.train, prepared.held_out)
    assert found is not None
    training = ngrams.ladder(prepared.train)
    assert training[6] < 1.5
    best = min(found.perplexities)
    assert found.perplexities[-1] > 1.3 * best
    assert list(found.unseen) == sorted(found.unseen)


def test_of_two_numbers_beside_each_other_the_lower_one_is_below_its_curve() -> None:
    def below(held_out: markov.HeldOut | None) -> dict[str, float]:
        table = pa.ipc.open_stream(tables.ladder({1: 17.0, 2: 5.3}, held_out, 1, "en")["rungs"]).read_all()
        return dict(zip(table["label"].to_pylist(), table["below"].to_pylist(), strict=True))

    assert below(markov.HeldOut((16.4, 7.1), (0.0, 0.1), 0)) == {"17": 0.0, "5.3": 1.0, "16.4": 1.0, "7.1": 0.0}
    assert below(None) == {"17": 1.0, "5.3": 1.0}
