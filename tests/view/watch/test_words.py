"""The sentences on a run are true of it: its change, its place on the ladder, its differences from the recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rnnlab.config import TrainConfig
from rnnlab.events import RunDiverged, RunFinished
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.data.history import History
from rnnlab.view.data.identity import Identity
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.language.i18n import LANGUAGES, t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import departure
from rnnlab.view.watch import curve, progress, texts
from rnnlab.view.watch.scenes import Scene
from tests.made import epoch
from tests.view.compare.test_comparison import reading
from tests.view.watch.test_tables import LADDER


def scene(*perplexities: float | None, lang: str = "en", state: str = "finished", **settings: Any) -> Scene:
    """A run with these perplexities, one per epoch."""
    return Scene(
        identity=Identity.of_run("some-run"),
        state=state,
        config=TrainConfig.make(**settings),
        recipe=None,
        history=History([epoch(i + 1, perplexity) for i, perplexity in enumerate(perplexities)]),
        version=0,
        vocab_size=1000,
        ladder=LADDER,
        text=None,
        lang=lang,
        theme="light",
        shelf=Shelf(),
    )


@pytest.mark.parametrize(
    ("perplexities", "said"),
    [
        ((211.0, 40.0, 3.9), "From epoch 1 to epoch 3 the perplexity fell from 211 to 3.9."),
        ((270.0, 268.0, 269.0), "hardly changed: 270 at first, 269 at the end."),
        ((50.0, 20.0, 900.0), "rose from 50 to 900."),
        ((50.0, 20.0, None), "rose from 50 to ∞."),
        ((None, 300.0), "fell from ∞ to 300."),
        ((None, None), "The perplexity overflows in epoch 1, and still does in epoch 2."),
        ((300.0,), "After epoch 1 the perplexity is 300."),
    ],
)
def test_the_change_is_computed_from_first_to_last(perplexities: tuple[float | None, ...], said: str) -> None:
    assert said in curve.change(scene(*perplexities))
    assert said in curve._finding(scene(*perplexities))


def test_the_change_is_said_in_chinese_and_before_the_first_epoch_not() -> None:
    assert "困惑度从 211 降到 3.9" in curve.change(scene(211.0, 3.9, lang="zh"))
    assert curve.change(scene()) == ""


def test_a_run_that_diverged_says_so_and_another_does_not() -> None:
    wild, tame = scene(200.0, 100.0, state="diverged"), scene(200.0, 100.0)
    wild.history.ending = RunDiverged(epoch=3, minibatch=2, grad_norm=9.0)
    assert t("curve.diverged", "en", epoch=3) in curve._finding(wild)
    assert "diverged" not in curve._finding(tame)


RUNGS = [
    (2000.0, "memory.worse", {"uniform": "1000"}),
    (900.0, "memory.0", {}),
    (200.0, "memory.1", {}),
    (5.0, "memory.2", {}),
    (1.5, "memory.3", {"memory": 2, "order": 3}),
    (1.05, "memory.all", {"memory": 3}),
]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("perplexity", "key", "params"), RUNGS)
def test_memory_is_said_of_the_training_text(perplexity: float, key: str, params: dict[str, Any], lang: str) -> None:
    sentence = progress.measured(scene(perplexity, lang=lang))
    assert sentence == t("memory.measured", lang, memory=t(key, lang, **params))
    assert {"en": "easured on the training text", "zh": "以训练文本衡量"}[lang] in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("perplexity", "key", "memory"),
    [
        (268.5, "memory.at_1", 0),
        (271.5, "memory.at_1", 0),
        (8.1, "memory.at_2", 1),
        (1.595, "memory.at_3", 2),
        (1.1, "memory.at_3", 3),
        (260.0, "memory.1", 0),
        (280.0, "memory.0", 0),
        (7.5, "memory.2", 0),
    ],
)
def test_on_a_rung_no_memory_beyond_it_is_claimed(perplexity: float, key: str, memory: int, lang: str) -> None:
    assert progress.memory(scene(perplexity, lang=lang)) == t(key, lang, memory=memory, order=memory + 1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_recorded_networks_without_memory_are_not_said_to_have_some(lang: str) -> None:
    """Six stuck layers, one of them below the unigram perplexity of the text, and a network that learns."""
    texts = {}
    for name in ("A9", "A9-repaired", "X1-lr-10"):
        tape = recorded.recording(name)
        texts[name] = progress.memory(replace(scene(lang=lang), history=tape.history, ladder=tape.ladder))
    assert texts == {
        "A9": t("memory.at_1", lang),
        "A9-repaired": t("memory.at_1", lang),
        "X1-lr-10": t("memory.1", lang),
    }
    last = recorded.recording("A9-repaired").history.last
    assert last is not None
    assert last.perplexity is not None
    assert last.perplexity < recorded.recording("A9-repaired").ladder[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_above_the_curve_of_six_stuck_layers_stands_why(lang: str) -> None:
    for name, stuck in {"A9": True, "A9-repaired": True, "A9-residual": False, "A8": False, "A6": False}.items():
        tape = recorded.recording(name)
        for after in range(1, tape.history.epoch + 1):
            shown = replace(scene(lang=lang), history=tape.history.until(after), ladder=tape.ladder)
            if not stuck:
                assert progress.starved(shown) == "", (name, after)
            elif after >= 5:
                assert progress.starved(shown), (name, after)
    last = recorded.recording("A9").history.last
    assert last is not None
    shown = replace(scene(lang=lang), history=recorded.recording("A9").history, ladder=recorded.recording("A9").ladder)
    why = t("memory.starved", lang, lowest="0", output=number(last.grad_norm_by_layer[-1], 2))
    assert progress.figures(shown)["memory"] == why


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_nothing_can_be_said_of_memory_nothing_is(lang: str) -> None:
    claims = [t(key, lang).split("{")[0][:10] for key in ("memory.0", "memory.1", "memory.2", "memory.3")]
    both = {"cell": "lstm", "implementation": "library", "bidirectional": True}
    cases = {
        "memory.none": scene(lang=lang),
        "memory.infinite": scene(None, lang=lang),
        "memory.bidirectional": scene(1.01, lang=lang, **both),
        "memory.cloze": scene(1.5, lang=lang, objective="cloze", **both),
    }
    for key, one in cases.items():
        sentence = progress.measured(one)
        assert sentence == t(key, lang)
        assert not [claim for claim in claims if claim in sentence], key


def test_without_the_ladder_of_its_text_a_run_knows_nothing_by_heart() -> None:
    assert progress.memory(replace(scene(5.0), ladder={0: 1000.0})) == t("memory.uniform", "en")
    assert progress.memory(replace(scene(5000.0), ladder={0: 1000.0})) == t("memory.worse", "en", uniform="1000")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_beside_the_copied_share_stands_the_longest_copy(lang: str) -> None:
    copies, invents = reading(coverage=0.96, longest=34), reading(coverage=0.0)
    sentence = texts.copied(copies, lang)
    assert t("lyrics.quoted", lang, share="96%") in sentence
    assert t("lyrics.longest", lang, count=34) in sentence
    assert texts.copied(invents, lang) == t("lyrics.quoted", lang, share="0%")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_setup_that_departs_from_its_recipe_says_so_first(lang: str) -> None:
    recipe = RECIPES["A9"]
    sentence = departure(recipe, recipe.config.change(residual=True), lang)
    assert "A9" in sentence
    assert t("field.residual", lang) in sentence
    assert sentence == t(
        "explain.departs", lang, id="A9", changes=sentence.partition({"zh": "：", "en": ": "}[lang])[2][:-1]
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_setup_that_is_its_recipe_says_nothing_more(lang: str) -> None:
    for recipe in RECIPES.values():
        assert departure(recipe, recipe.config, lang) == ""


def test_what_was_changed_while_it_trained_is_named() -> None:
    recipe = RECIPES["A2"]
    sentence = departure(recipe, recipe.config, "en", ["lr 25"])
    assert "original A2" in sentence
    assert "settings changed during the run (lr 25)" in sentence


def test_a_recording_ends_where_its_alternative_text_says() -> None:
    recording = recorded.recording("A6")
    assert isinstance(recording.history.ending, RunFinished)
    one = replace(
        scene(state="recorded"),
        identity=Identity.of_recording("A6"),
        history=recording.history.until(80),
        config=recording.config,
    )
    first, last = recording.history.epochs[0], recording.history.at(80)
    assert last is not None
    sentence = curve.change(one)
    assert "epoch 80" in sentence
    assert number(first.perplexity, 5) in sentence
    assert number(last.perplexity, 5) in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_that_failed_by_accident_says_how_it_goes_on(lang: str) -> None:
    killed = {"code": "run_killed", "message": "", "params": {"signal": 9}}
    failed = replace(scene(90.0, lang=lang, state="failed"), error=killed)
    said = t("error.run_killed", lang, signal=9)
    again, further = t("state.again", lang), t("state.continuable", lang)
    assert progress.special(failed) == together(lang, said, again)
    assert progress.special(replace(failed, continuable=True)) == together(lang, said, further)
    # the same would happen again
    greedy = replace(failed, continuable=True, error={"code": "run_out_of_memory", "message": "", "params": {}})
    assert progress.special(greedy) == t("error.run_out_of_memory", lang)
    interrupted = scene(90.0, lang=lang, state="interrupted")
    assert progress.special(interrupted).endswith(again)
    assert progress.special(replace(interrupted, continuable=True)).endswith(further)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whoever_clips_is_not_advised_to_clip(lang: str) -> None:
    for clip_norm, advice in ((None, "state.calmer"), (1.0, "state.slower")):
        assert progress.special(scene(None, lang=lang, clip_norm=clip_norm)).endswith(t(advice, lang))
        wild = scene(90.0, lang=lang, state="diverged", clip_norm=clip_norm)
        wild.history.add([RunDiverged(epoch=2, minibatch=1, grad_norm=5.0)])
        assert progress.special(wild).endswith(t(advice, lang))
    assert progress.special(scene(90.0, lang=lang)) == ""
