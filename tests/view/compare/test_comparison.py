"""Comparisons of runs: the measures, and sentences that are true of the compared runs."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError, RunError
from rnnlab.recipes import RECIPES, rungs
from rnnlab.view.compare import charts
from rnnlab.view.compare.measures import (
    AXES,
    Pinned,
    agrees,
    bands,
    check_pins,
    common_band,
    differences,
    distances,
    finish_line,
    finishing_order,
    missing_seeds,
    outcome,
    read_pins,
    smoothed,
    write_pins,
)
from rnnlab.view.compare.pushed import Comparison, ComparisonLook
from rnnlab.view.compare.sentences import (
    READY,
    greatest_step,
    labels,
    same_curve,
    verdict,
    why,
    width_of_chance,
)
from rnnlab.view.compare.tables import ROOM, band_tables, overlay_newest, overlay_tables
from rnnlab.view.compare.variants import parse_own, variants
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data import recorded
from rnnlab.view.data.crossing import first_below
from rnnlab.view.data.facts import FactBook, Reading
from rnnlab.view.data.history import History
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.numbers import duration, perplexity_text
from rnnlab.view.page.charts import columns, cut
from rnnlab.view.watch.stream import Edition
from tests.made import epoch, started
from tests.view.watch.test_tables import rows

LADDER = {0: 1000.0, 1: 270.0, 2: 8.0}
FACTS = FactBook(lambda name: None)


def a_run(*perplexities: float | None, pin: str = "one", **changes: Any) -> Pinned:
    """A run whose epochs had these perplexities, half a second and 9000 characters each."""
    epochs = [epoch(number, value) for number, value in enumerate(perplexities, 1)]
    settings = {"config": TrainConfig(num_epochs=10), "ladder": LADDER, "recipe": "A2", "exact": True, **changes}
    title, state = settings.pop("title", ""), settings.pop("state", "finished")
    history = History([started(), *epochs])
    return Pinned(identity=Identity.of_run(pin), title=title, state=state, history=history, **settings)


def reading(
    loop: int | None = None, coverage: float = 0.5, blanks: int = 2, length: int = 10, longest: int = 0
) -> Reading:
    return Reading(html="", coverage=coverage, loop=loop, blanks=blanks, length=length, quotes=(), longest=longest)


@cache
def recorded_run(name: str) -> Pinned:
    """A recorded run as the page pins it."""
    recording = recorded.recording(name)
    written = recording.history.written()[-1]
    texts = FACTS.of(recording.config)
    return Pinned(
        identity=Identity.of_recording(name),
        recipe=name,
        exact=True,
        title="",
        state="recorded",
        config=recording.config,
        history=recording.history,
        ladder=texts.ladder,
        readings=tuple(texts.read(text, prefix, "en") for prefix, text in recording.history.texts[written].items()),
        published=RECIPES[name] if RECIPES[name].published else None,
    )


# pins


def test_pins_are_read_once_each_and_in_order() -> None:
    pins = read_pins(" b,a, ,b,recorded:A6,run:a,")
    assert pins == [Identity.of_run("b"), Identity.of_run("a"), Identity.of_recording("A6")]
    assert write_pins(pins) == "b,a,recorded:A6"
    assert read_pins("") == []


def test_too_many_pins_are_refused_with_the_number_allowed() -> None:
    check_pins(read_pins("a,b,c,d,e,f"))
    with pytest.raises(RunError) as caught:
        check_pins(read_pins("a,b,c,d,e,f,g"))
    assert (caught.value.code, caught.value.params) == ("compare_too_many", {"given": 7, "allowed": 6})


# settings


def test_only_what_differs_is_listed() -> None:
    base = TrainConfig()
    different = differences([base, base.change(learning_rate=5.0), base.change(cell="gru")])
    assert different == {"cell": ["rnn", "rnn", "gru"], "learning_rate": [100.0, 5.0, 100.0]}
    assert differences([base]) == differences([base, base]) == {}


def test_the_ladder_goes_from_one_recipe_to_the_other_one_difference_at_a_time() -> None:
    start, goal = RECIPES["A6"].config, RECIPES["A7"].config
    chain = rungs(start, goal)
    assert (chain[0].config, chain[-1].config) == (start, goal)
    switched = [name for rung in chain for name in rung.changes]
    assert sorted(switched) == sorted(goal.changes_from(start))
    # a learning rate for SGD does not suit Adam
    assert {"optimizer", "learning_rate"} in [set(rung.changes) for rung in chain]
    for below, rung in itertools.pairwise(chain):
        assert rung.config.changes_from(below.config) == dict(rung.changes)
    assert [len(rung.changes) for rung in rungs(start, start)] == [0]


# results


def test_the_outcome_is_counted_from_the_run() -> None:
    texts = (reading(coverage=1.0, length=30, longest=22), reading(loop=2, coverage=0.0, blanks=8, longest=6))
    run = a_run(90.0, 3.0, 4.0, readings=texts)
    result = outcome(run)
    assert (result.epochs, result.best, result.best_epoch) == (3, 3.0, 2)
    assert result.perplexity == pytest.approx(4.0)
    assert (result.seconds_per_epoch, result.characters_per_second, result.num_params) == (0.5, 18_000, 10)
    assert (result.quoted, result.longest, result.loops, result.blanks) == (0.75, 22, (None, 2), 0.25)


def test_a_run_that_has_not_begun_has_no_outcome() -> None:
    result = outcome(a_run())
    assert (result.epochs, result.perplexity, result.best, result.seconds_per_epoch, result.quoted) == (0, *[None] * 4)


def test_an_infinite_perplexity_is_never_the_best() -> None:
    result = outcome(a_run(90.0, None))
    assert (result.perplexity, result.best, result.best_epoch) == (math.inf, 90.0, 1)


def test_distances_count_epochs_seconds_and_characters() -> None:
    history = a_run(9.0, 8.0).history
    assert distances(history, "epoch") == [1.0, 2.0]
    assert distances(history, "seconds") == [0.5, 1.0]
    assert distances(history, "characters") == [9000.0, 18_000.0]


def test_the_first_crossing_counts_even_when_the_curve_comes_back() -> None:
    history = a_run(20.0, 7.0, 12.0, None, 6.0).history
    crossing = first_below(history, 8.0)
    assert crossing is not None
    assert (crossing.epoch, crossing.seconds, crossing.characters) == (2, 1.0, 18_000)
    assert first_below(history, 8.0, until=1) is None
    assert first_below(history, 7.0, until=4) is None  # below, not at


def test_the_finishing_order_is_by_the_line_and_ties_share_a_place() -> None:
    runs = [a_run(20.0, 20.0, 30.0), a_run(20.0, 7.0), a_run(20.0, 6.0), a_run(7.0), a_run(20.0, 11.0)]
    places = finishing_order(runs, "bigram", "epoch")
    assert [(place.index, place.rank) for place in places] == [(3, 1), (2, 2), (1, 2), (4, None), (0, None)]
    assert [place.rank for place in finishing_order(runs, "2", "epoch")] == [None] * 5


def test_by_seconds_the_faster_one_comes_first() -> None:
    slow = a_run(7.0)
    slow.history.epochs[0] = epoch(1, 7.0, seconds=3.0)
    quick = a_run(20.0, 20.0, 7.0)
    assert finishing_order([slow, quick], "bigram", "epoch")[0].index == 0
    assert finishing_order([slow, quick], "bigram", "seconds")[0].index == 1


def test_a_text_without_bigrams_has_no_such_line() -> None:
    assert finish_line(a_run(ladder={0: 5.0}), "bigram") is None
    assert finish_line(a_run(ladder={0: 5.0}), "10") == 10.0
    assert finishing_order([a_run(2.0, ladder={0: 5.0})], "bigram", "epoch")[0].rank is None


# random seeds


def test_the_band_spans_what_the_runs_have_reached() -> None:
    histories = [a_run(9.0, 5.0, 3.0).history, a_run(12.0, 4.0).history, a_run(10.0, 8.0).history]
    all_bands = bands(histories)
    assert [(band.epoch, band.count) for band in all_bands] == [(1, 3), (2, 3)]  # a single run has no band
    assert [round(value, 6) for value in (all_bands[1].low, all_bands[1].median, all_bands[1].high)] == [4.0, 5.0, 8.0]
    common = common_band(histories)
    assert common is not None
    assert (common.epoch, common.ratio) == (2, pytest.approx(2.0))
    assert common_band(histories[:1]) is None
    assert common_band([*histories, History()]) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_width_of_the_band_is_said_as_it_is(lang: str) -> None:
    wide = width_of_chance([a_run(9.0, 4.0), a_run(9.0, 8.0)], lang)
    assert wide == t("compare.seeds.wide", lang, count=2, epoch=2, low="4", high="8", median="6", ratio="2")
    narrow = width_of_chance([a_run(4.0), a_run(4.1)], lang)
    assert narrow == t("compare.seeds.narrow", lang, count=2, epoch=1, low="4", high="4.1", median="4.05", ratio="1.02")
    assert width_of_chance([a_run(9.0)], lang) == t("compare.seeds.too_few", lang)
    over = width_of_chance([a_run(9.0), a_run(None)], lang)
    assert over == t("compare.seeds.overflow", lang, count=2, epoch=1, low="9", high="∞")


def test_the_missing_seeds_are_the_smallest_free_ones() -> None:
    assert missing_seeds([]) == [0, 1, 2, 3, 4]
    assert missing_seeds([0, 2, 9]) == [1, 3]
    assert missing_seeds(range(7)) == []


def test_smoothing_is_light_has_no_lag_at_the_start_and_leaves_what_is_drawn() -> None:
    assert smoothed([7.0, 7.0, 7.0]) == pytest.approx([7.0, 7.0, 7.0])
    values = [100.0, 10.0, 100.0, 10.0]
    drawn = smoothed(values)
    assert drawn[0] == pytest.approx(100.0)
    assert max(drawn[2:]) / min(drawn[2:]) < 4
    assert smoothed([*values, 1.0])[:4] == drawn
    # on a log scale: the geometric mean, not the arithmetic
    assert smoothed([1.0, 100.0], weight=1 - 1e-9)[1] == pytest.approx(10.0, rel=1e-3)


# variants


def test_variants_hold_the_setting_of_the_base() -> None:
    assert variants(TrainConfig(num_layers=4), "num_layers") == [1, 2, 4, 6]
    assert variants(TrainConfig(learning_rate=5000.0), "learning_rate") == [500.0, 1500.0, 5000.0]
    assert variants(TrainConfig(), "cell") == ["rnn", "gru", "lstm"]
    assert variants(TrainConfig(), "computation") == ["fast", "as_written"]


def test_own_variants_are_read_and_a_bad_one_is_refused() -> None:
    variants = parse_own(TrainConfig(), "cell=gru; num_layers=2，learning_rate=5；")
    assert {name: config.changes_from(TrainConfig()) for name, config in variants.items()} == {
        "cell=gru": {"cell": "gru"},
        "num_layers=2, learning_rate=5": {"num_layers": "2", "learning_rate": "5"},
    }
    for text, code in [
        ("cell", "config_not_a_pair"),
        ("cell=cnn", "config_value"),
        ("cel=rnn", "config_unknown_field"),
        (";".join(["cell=rnn"] * 5), "compare_variants"),
    ]:
        with pytest.raises(ConfigError) as caught:
            parse_own(TrainConfig(), text)
        assert caught.value.code == code


# sentences


def verdict_of(left: Pinned, right: Pinned, lang: str = "en") -> str:
    return verdict(left, right, ("L", "R"), lang)


def has_clause(sentence: str, key: str, lang: str = "en", **params: Any) -> bool:
    return t(f"compare.verdict.{key}", lang, **params) in sentence


def test_two_final_perplexities_are_set_against_each_other() -> None:
    sentence = verdict_of(a_run(100.0, 20.0), a_run(100.0, 5.0, 2.0))
    # after the last epoch that both have finished
    assert has_clause(sentence, "ratio", epoch=2, low="R", low_value="5", high="L", high_value="20", ratio="4")
    assert has_clause(
        verdict_of(a_run(5.0), a_run(5.1)), "alike", epoch=1, low="L", low_value="5", high="R", high_value="5.1"
    )
    assert has_clause(verdict_of(a_run(5.0), a_run(None)), "overflow", epoch=1, low="L", low_value="5", high="R")
    assert has_clause(verdict_of(a_run(None), a_run(None)), "both_overflow", epoch=1)
    assert verdict_of(a_run(), a_run(5.0)) == t("compare.verdict.none", "en")


def test_the_labels_of_runs_off_the_scale_stand_below_each_other() -> None:
    runs = [a_run(None, None), a_run(5.0, 4.0, pin="two"), a_run(None, 5.0, pin="three")]
    off = overlay_newest(runs, ["a", "b", "c"], [0, 1, 2], "epoch", False, "en")["off"]
    labelled = [row for slot, label, row in zip(off["slot"], off["label"], off["row"], strict=True) if label]
    assert labelled == [0, 1]


def test_the_ratio_is_that_of_the_figures_beside_it() -> None:
    sentence = verdict_of(a_run(40.9015), a_run(89839.9))
    # unrounded, the ratio would be 2196; of 40.9 and 89,840 it is 2197 (rounded from 2196.6)
    assert has_clause(
        sentence, "ratio", epoch=1, low="L", low_value="40.9", high="R", high_value="89,840", ratio="2197"
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_perplexities_on_different_texts_are_not_set_in_a_ratio(lang: str) -> None:
    sentence = verdict_of(a_run(20.0), a_run(5.0, ladder={**LADDER, 1: 180.0}), lang)
    assert has_clause(sentence, "other_texts", lang, epoch=1, low="R", low_value="5", high="L", high_value="20")


def test_who_came_below_the_bigram_line_is_said_as_it_was() -> None:
    early, late, never = a_run(7.0, 6.0, 5.0), a_run(20.0, 20.0, 7.0), a_run(20.0, 20.0, 20.0)
    assert has_clause(verdict_of(early, late), "first", name="L", other="R", line="8", at=1, later=3)
    assert has_clause(verdict_of(late, early), "first", name="R", other="L", line="8", at=1, later=3)
    assert has_clause(verdict_of(never, late), "only", name="R", other="L", line="8", at=3)
    assert has_clause(verdict_of(early, early), "together", line="8", at=1)
    assert has_clause(verdict_of(never, never), "neither", line="8")
    # epochs that only one run has do not count
    assert has_clause(verdict_of(late, a_run(20.0)), "neither", line="8")
    # different texts have different lines
    assert t("ngram.2", "en") not in verdict_of(early, a_run(20.0, ladder={0: 30.0, 1: 17.0, 2: 9.0}))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pairs_of_the_book_say_what_their_recordings_show(lang: str) -> None:
    for left, right in READY:
        sentence = verdict(recorded_run(left), recorded_run(right), (left, right), lang)
        assert left in sentence
        assert right in sentence
        assert "{" not in sentence
    a9 = verdict(recorded_run("A8"), recorded_run("A9"), ("A8", "A9"), lang)
    unigram = recorded_run("A9").ladder[1]
    assert abs(recorded_run("A9").history.epochs[-1].perplexity / unigram - 1) < 0.1  # type: ignore[operator]
    assert has_clause(a9, "flat", lang, name="A9", line=perplexity_text(unigram))
    assert not has_clause(a9, "flat", lang, name="A8", line=perplexity_text(unigram))
    # the other run of the pair is not on that line
    a6 = verdict(recorded_run("A6"), recorded_run("A7"), ("A6", "A7"), lang)
    assert not any(has_clause(a6, "flat", lang, name=name, line=perplexity_text(unigram)) for name in ("A6", "A7"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [("A1", "A2", "sampling_alike"), ("A6", "A7", "adam"), ("A8", "A9", "depth"), ("A5", "A10", "leak")],
)
def test_the_verdict_on_a_pair_of_the_book_is_explained(left: str, right: str, cause: str, lang: str) -> None:
    values = {"num_steps": 35, "low_layers": 2, "high_layers": 6}
    sentence = t(f"compare.why.{cause}", lang, **values)
    assert why(recorded_run(left), recorded_run(right), lang) == sentence
    assert why(recorded_run(right), recorded_run(left), lang) == sentence


@pytest.mark.parametrize(
    ("low", "high", "cause"),
    [
        ({"cell": "gru"}, {}, "gates"),
        ({}, {"cell": "lstm"}, "gates_slow"),
        ({"clip_norm": 0.01}, {"clip_norm": None}, "clipping"),
        ({}, {"sampling": "random"}, "sampling"),
        ({"random_seed": 1}, {"random_seed": 2, "sampling": "random"}, "sampling"),  # the seed explains nothing
        ({"learning_rate": 10.0}, {"learning_rate": 1.0}, "small_steps"),
        ({"learning_rate": 1.0}, {"learning_rate": 10.0}, "large_steps"),
        ({"num_hiddens": 64}, {"num_hiddens": 32}, "units"),
        # against expectation, or too much at once: no explanation
        ({"num_hiddens": 32}, {"num_hiddens": 64}, ""),
        ({"clip_norm": None}, {"clip_norm": 0.01}, ""),
        ({"clip_norm": 0.01, "optimizer": "adam"}, {"clip_norm": None, "optimizer": "adam"}, ""),
        ({"cell": "gru", "num_hiddens": 64}, {}, ""),
        ({}, {}, ""),
    ],
)
def test_an_explanation_follows_from_what_differs_and_from_the_result(
    low: dict[str, Any], high: dict[str, Any], cause: str
) -> None:
    base = TrainConfig(num_epochs=10)
    better, worse = a_run(5.0, config=base.change(**low)), a_run(50.0, config=base.change(**high))
    said = why(better, worse, "en")
    expected = t(f"compare.why.{cause}", "en", num_steps=35, low_layers=1, high_layers=1) if cause else ""
    assert said == expected
    alike = why(better, a_run(5.1, config=base.change(**high)), "en")
    assert alike == (t("compare.why.sampling_alike", "en", num_steps=35) if cause == "sampling" else "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_curve_computed_in_two_ways_is_said_to_its_digits(lang: str) -> None:
    base = TrainConfig(num_epochs=10)
    fast, slow = a_run(100.0, 20.0, config=base), a_run(100.002, 20.001, 9.0, config=_as_written(base))
    for index in range(2):
        slow.history.epochs[index] = epoch(index + 1, (100.002, 20.001)[index], seconds=1.5)
    slow.history.epochs.pop()  # the third epoch is not finished
    sentence = same_curve(fast, slow, lang)
    assert t("compare.same_curve.digits", lang, epochs=2, digits=4) in sentence
    times = {"fast": duration(0.5, lang), "as_written": duration(1.5, lang)}
    assert t("compare.same_curve.pace", lang, ratio="3", **times) in sentence
    # in either order, and as the sentence that compares two runs
    assert sentence == same_curve(slow, fast, lang) == verdict(fast, slow, ("L", "R"), lang)
    apart = same_curve(a_run(10.0, config=base), a_run(10.5, config=_as_written(base)), lang)
    assert t("compare.same_curve.apart", lang, epochs=1, share="5 %") in apart
    exact = same_curve(a_run(10.0, None, config=base), a_run(10.0, None, config=_as_written(base)), lang)
    assert t("compare.same_curve.exact", lang, epochs=2) in exact


def test_two_curves_are_one_only_where_nothing_else_differs() -> None:
    base = TrainConfig(num_epochs=10)
    left = a_run(10.0, config=base)
    assert same_curve(left, a_run(10.0, config=base), "en") == ""
    assert same_curve(left, a_run(10.0, config=_as_written(base).change(num_hiddens=8)), "en") == ""
    assert same_curve(left, a_run(config=_as_written(base)), "en") == ""
    # the other run has fewer epochs
    assert same_curve(left, a_run(10.0, config=_as_written(base).change(num_epochs=20)), "en")


def _as_written(config: TrainConfig) -> TrainConfig:
    return config.change(computation="as_written")


def test_the_leak_is_said_of_the_bidirectional_run_and_of_no_other() -> None:
    sentence = verdict(recorded_run("A5"), recorded_run("A10"), ("A5", "A10"), "en")
    periods = sorted({reading.loop for reading in recorded_run("A10").readings})
    assert None not in periods
    assert has_clause(sentence, "leak", name="A10", period=", ".join(str(period) for period in periods))
    assert "A5 reads both ways" not in sentence
    for left, right in (("A6", "A7"), ("A1", "A2")):
        assert "loop" not in verdict(recorded_run(left), recorded_run(right), (left, right), "en")


def test_a_loop_needs_every_text_and_a_low_perplexity() -> None:
    looping = a_run(1.1, readings=(reading(loop=2), reading(loop=2)))
    assert has_clause(verdict_of(looping, a_run(9.0)), "loop", name="L", period="2")
    for other in (a_run(1.1, readings=(reading(loop=2), reading())), a_run(5.0, readings=(reading(loop=2),))):
        assert "loop" not in verdict_of(other, a_run(9.0))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_loop_is_explained_by_what_the_network_was_trained_for(lang: str) -> None:
    other = a_run(9.0)
    for name, key in (("A10", "leak"), ("A10-cloze", "loop_cloze"), ("A10-one-way", "loop")):
        looping = a_run(1.1, readings=(reading(loop=2),), config=RECIPES[name].config)
        sentence = verdict_of(looping, other, lang)
        for clause in ("leak", "loop_cloze", "loop"):
            assert has_clause(sentence, clause, lang, name="L", period="2") == (clause == key)


def test_the_share_of_clipped_minibatches_is_said_where_only_one_clips() -> None:
    sentence = verdict(recorded_run("A8"), recorded_run("A8-repaired"), ("A8", "A8-repaired"), "en")
    clipped = [event.clipped_share for event in recorded_run("A8-repaired").history.epochs]
    assert has_clause(sentence, "clipped", name="A8-repaired", share=f"{sum(clipped) / len(clipped):.0%}")
    assert "clipped" not in verdict_of(a_run(5.0), a_run(6.0))


def test_a_run_whose_clipping_was_switched_on_while_it_trained_is_not_said_to_have_clipped_nothing() -> None:
    off, on = TrainConfig(num_epochs=10, clip_norm=None), TrainConfig(num_epochs=10, clip_norm=0.01)
    none: dict[str, Any] = {"clip_norm": None, "clipped_share": 0.0}
    switched = [epoch(1, 9.0, **none), epoch(2, 6.0, clip_norm=0.01, clipped_share=0.5)]
    began_off, clips, never = (
        replace(a_run(pin=name, config=config), history=History([started(), *rows]))
        for name, config, rows in (
            ("began", off, switched),
            ("clips", on, [epoch(1, 8.0), epoch(2, 5.0)]),
            ("never", off, [epoch(1, 8.0, **none), epoch(2, 5.0, **none)]),
        )
    )
    assert "clipped" not in verdict_of(began_off, clips)
    assert has_clause(verdict_of(began_off, never), "clipped", name="L", share="25%")
    assert has_clause(verdict_of(never, clips), "clipped", name="R", share="75%")
    # a run that begins with clipping and is switched off at once clips nothing either
    assert "clipped" not in verdict_of(replace(never, config=on), never)


def test_the_pace_is_compared_on_one_machine_only() -> None:
    slow = a_run(5.0)
    slow.history.epochs[0] = epoch(1, 5.0, seconds=2.0)
    assert has_clause(verdict_of(slow, a_run(5.0)), "pace", slow="L", fast="R", ratio="4")
    assert "as long" not in verdict_of(slow, a_run(5.0, state="recorded"))
    assert "as long" not in verdict_of(a_run(5.0), a_run(5.0))


def test_the_greatest_step_of_a_ladder_is_the_one_that_changed_most() -> None:
    chain = rungs(RECIPES["A6"].config, RECIPES["A7"].config)[:4]
    runs: list[Pinned | None] = [a_run(200.0), a_run(201.0), a_run(100.0), a_run(4.0)]
    sentence = greatest_step(chain, runs, "en")
    assert "Optimiser: Adam" in sentence
    assert "from 100 to 4" in sentence
    runs[3] = a_run(4000.0)
    assert "goes up from 100 to 4000" in greatest_step(chain, runs, "en")
    assert "no step" in greatest_step(chain[:2], runs[:2], "en")
    assert greatest_step(chain, [a_run(9.0), None, a_run(8.0), None], "en") == ""


def test_parity_is_judged_by_both_figures() -> None:
    assert agrees({"logits_difference": 3e-7, "gradient_difference": 1e-8})
    assert not agrees({"logits_difference": 0.27, "gradient_difference": 1e-8})
    assert not agrees({"logits_difference": 3e-7, "gradient_difference": 1e-2})


# labels and tables


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_two_labels_are_alike_and_none_is_wide(lang: str) -> None:
    base = TrainConfig(num_epochs=10)
    runs = [
        a_run(),
        a_run(config=base.change(learning_rate=50.0)),
        a_run(config=base.change(learning_rate=50.0)),
        a_run(state="recorded"),
        a_run(title="梯度裁剪打开与关闭的长标题"),
        a_run(recipe="A6"),
    ]
    names = labels(runs, lang)
    assert len(set(names)) == 6
    assert names[5] == "A6"
    assert names[4].endswith("…")
    assert all(columns(name) <= 24 for name in names)
    assert "50" in names[1]


def test_a_race_is_labelled_by_what_varies() -> None:
    base = TrainConfig(num_epochs=10)
    runs = [a_run(config=base.change(cell=cell), exact=False) for cell in ("rnn", "gru", "lstm")]
    assert labels(runs, "en") == ["RNN", "GRU", "LSTM"]
    # compared with another experiment, its name is needed
    assert labels([*runs[:2], a_run(recipe="A6")], "en")[1:] == ["A2 var. GRU", "A6"]
    assert cut("abc", 3) == "abc"
    assert cut("困惑度曲线", 6) == "困惑…"


def test_the_tables_hold_what_the_curves_are_drawn_from() -> None:
    runs = [a_run(500.0, 90.0), a_run(400.0, None)]
    tables = overlay_tables(runs, ["L", "R"], [0, 1], "seconds", True, "en")
    lines = rows(tables["line"])
    assert [(row["x"], row["slot"]) for row in lines] == [(0.5, 0), (1.0, 0), (0.5, 1), (1.0, 1)]
    assert [row["value"] for row in rows(tables["raw"])][:3] == [500.0, 90.0, 400.0]
    assert rows(tables["raw"])[3]["value"] is None  # off the scale: an arrow at its top, no line
    assert [(row["x"], row["slot"], row["value"]) for row in rows(tables["off"])] == [(1.0, 1, 10_000.0)]
    assert rows(tables["targets"])[3]["shown"] == "∞"
    assert [row["label"] for row in rows(tables["ends"])] == ["L", "R"]
    assert rows(overlay_tables(runs, ["L", "R"], [0, 1], "epoch", False, "en")["raw"]) == []
    assert rows(overlay_tables(runs, ["L", "R"], [0, 1], "epoch", False, "en")["extent"])[1]["x"] == 10 * ROOM


def browser(tables: Mapping[str, list[dict[str, Any]]], message: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The tables in a browser after a message, as `plot.js` applies it."""

    def by_row(table: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
        return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]

    after = {name: by_row(message["put"][name]) if name in message["put"] else list(tables[name]) for name in tables}
    for name, places in message.get("drop", {}).items():
        after[name] = [row for row in after[name] if row["x"] not in places]
    for name, table in message["add"].items():
        after[name] += by_row(table)
    return after


def in_order(table: Iterable[Mapping[str, Any]]) -> list[str]:
    # the order of the rows makes no difference to a chart
    return sorted(json.dumps({name: row[name] for name in sorted(row)}) for row in table)


@pytest.mark.parametrize(
    ("kind", "by", "smooth"),
    [("band", "epoch", False), *(("overlay", by, smooth) for by in AXES for smooth in (False, True))],
)
def test_what_is_pushed_completes_the_tables_that_a_page_drew(kind: str, by: str, smooth: bool) -> None:
    # three seeds, of which the first is ahead, the second begins and the third waits; then all go on
    curves = ([900.0, 500.0, 90.0, 20.0, 7.0], [800.0, 700.0, 60.0], [600.0, 650.0])
    steps = ((3, 1, 0), (4, 1, 0), (5, 3, 2))
    shown = Comparison(
        "band" if kind == "band" else "overlay",
        tuple(Identity.of_run(name) for name in "abc"), ("A", "B", "C"), (2, 0, 1), "zh", by, smooth, "bigram",
    )  # fmt: skip

    def at(step: Sequence[int]) -> list[Pinned]:
        return [a_run(*curve[:count], pin=name) for name, curve, count in zip("abc", curves, step, strict=True)]

    def drawn(runs: Sequence[Pinned]) -> dict[str, list[dict[str, Any]]]:
        if kind == "band":
            tables = band_tables(runs, shown.names, shown.slots, "zh")
        else:
            tables = overlay_tables(runs, shown.names, shown.slots, by, smooth, "zh")
        return {name: rows(table) for name, table in tables.items()}

    held = drawn(at(steps[0]))
    for before, step in itertools.pairwise(steps):
        look = ComparisonLook(shown, Snapshot(tuple(at(step)), ()))
        message = look.point(Edition("zh"), tuple(map(float, before)))
        held = browser(held, json.loads(json.dumps(message)))
        for name, table in drawn(at(step)).items():
            assert in_order(held[name]) == in_order(table), name
    if kind == "overlay":
        assert message["board"]["训练"][0] == "A"  # the only one below the bigram line
        assert message["board"]["名次"] == ["1", "–", "–"]


def test_labels_at_the_same_end_do_not_cover_each_other() -> None:
    runs = [a_run(1.01 + 0.001 * i) for i in range(6)]
    places = sorted(
        row["place"] for row in rows(overlay_tables(runs, list("abcdef"), range(6), "epoch", False, "en")["ends"])
    )
    gaps = [math.log(upper / lower) for lower, upper in itertools.pairwise(places)]
    assert min(gaps) > 0.03 * math.log(1400)


def place_of(label: str, *runs: Pinned) -> float:
    names = [chr(ord("a") + i) for i in range(len(runs))]
    tables = overlay_tables(runs, names, range(len(runs)), "epoch", False, "en")
    return next(row["place"] for row in rows(tables["ends"]) if row["label"] == label)


def test_a_label_leaves_a_flat_curve_that_goes_on_behind_it() -> None:
    short, flat = a_run(500.0, 20.0, 2.0), a_run(300.0, 30.0, *[2.1] * 8)
    assert place_of("a", short) == pytest.approx(2.0)
    assert place_of("a", short, flat) > 2.1 * 1.2
    # of a curve that is elsewhere, or falls through the label, it keeps its place
    assert place_of("a", short, a_run(300.0, 30.0, *[20.0] * 8)) == pytest.approx(2.0)
    assert place_of("a", short, a_run(*[300.0] * 3, 1.1)) == pytest.approx(2.0)
    # and it stays near its own curve if there are curves all the way up
    assert place_of("a", short, flat, a_run(300.0, 30.0, *[3.0] * 8)) < 2.0 * 2


def test_the_label_of_the_lower_line_begins_where_no_curve_crosses_it() -> None:
    def begins(*runs: Pinned) -> float:
        tables = overlay_tables(runs, ["L", "R"][: len(runs)], range(len(runs)), "epoch", False, "en")
        return next(row["end"] for row in rows(tables["ladder"]) if row["order"] == 2)

    late, early = a_run(*[300.0] * 6, 2.0), a_run(300.0, 2.0)
    assert begins(late) == 0
    assert 2 < begins(late, early) < 4.5
    assert begins(early, a_run(*[300.0] * 4, 2.0)) == 5.5


def test_published_points_stand_where_they_mean_something() -> None:
    runs = [recorded_run("A6"), recorded_run("A6"), recorded_run("A1")]
    by_epoch = rows(overlay_tables(runs, list("abc"), range(3), "epoch", False, "en")["published"])
    assert [(row["x"], row["slot"]) for row in by_epoch[:4]] == [(40.0, 0), (80.0, 0), (120.0, 0), (160.0, 0)]
    assert len(by_epoch) == 4 + 5  # each recipe only once
    assert (
        rows(overlay_tables(runs, list("abc"), range(3), "characters", False, "en")["published"])[0]["x"] == 40 * 8960
    )
    assert rows(overlay_tables(runs, list("abc"), range(3), "seconds", False, "en")["published"]) == []


def test_reference_lines_need_one_text() -> None:
    same = overlay_tables([a_run(9.0), a_run(8.0)], ["L", "R"], [0, 1], "epoch", False, "en")
    assert [row["value"] for row in rows(same["ladder"])] == [270.0, 8.0]
    other = overlay_tables([a_run(9.0), a_run(8.0, ladder={0: 27.0})], ["L", "R"], [0, 1], "epoch", False, "en")
    assert rows(other["ladder"]) == []


def fields(layer: dict[str, Any]) -> Iterable[str]:
    for channel in layer["encoding"].values():
        for encoding in channel if isinstance(channel, list) else [channel]:
            if "field" in encoding:
                yield encoding["field"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_specifications_name_their_tables_and_hold_nothing_of_a_run(lang: str, theme: str) -> None:
    runs = [a_run(9.0, 8.0), a_run(9.0, 7.0)]
    specs = [
        (
            charts.overlay(lang, theme, by),
            overlay_tables(runs, ["L", "R"], [0, 1], by, True, lang),
            charts.OVERLAY_TABLES,
        )
        for by in ("epoch", "seconds", "characters")
    ]
    specs.append((charts.seed_band(lang, theme), band_tables(runs, ["L", "R"], [0, 1], lang), charts.BAND_TABLES))
    for spec, tables, names in specs:
        assert set(names) == set(tables) == {layer["data"]["name"] for layer in spec["layer"]}
        assert "datasets" not in spec
        for layer in spec["layer"]:
            held = set(pa.ipc.open_stream(tables[layer["data"]["name"]]).schema.names)
            held |= {step["as"] for step in layer.get("transform", ()) if "calculate" in step}
            assert set(fields(layer)) <= held, layer["data"]
        assert '"L"' not in json.dumps(spec)


def test_the_room_for_labels_has_few_steps() -> None:
    assert len({charts.room(wide) for wide in range(25)}) <= 9
    assert charts.room(16) >= 16 * 7
