"""The sentences of the Diagnose page: each where it is true, and the alternative where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis, EpochFinished, TextGenerated
from rnnlab.recipes import RECIPES
from rnnlab.text import corpora
from rnnlab.view.data import recorded
from rnnlab.view.data.history import History
from rnnlab.view.diagnose import exhausted, sentences
from rnnlab.view.diagnose.sentences import Attempt
from rnnlab.view.language.i18n import LANGUAGES, t, together
from tests import made

UNIGRAM = 262.6
ONE_WAY = TrainConfig()
BOTH = RECIPES["A10"].config
CLOZE = RECIPES["A10-cloze"].config


def epoch(number: int, perplexity: float | None, **changes: Any) -> EpochFinished:
    """An epoch of a run without clipping."""
    usual: dict[str, Any] = {"seconds": 1.0, "clip_norm": None, "clipped_share": 0.0, "grad_norm": 0.2}
    return made.epoch(number, perplexity, **{**usual, **changes})


def history(perplexities: Sequence[float | None], **changes: Any) -> History:
    return History(epoch(number, value, **changes) for number, value in enumerate(perplexities, 1))


def diagnosis(**changes: Any) -> Diagnosis:
    """A diagnosis of a stuck network, as of A9, with `changes`."""
    values: dict[str, Any] = {
        "perplexity": 275.7, "honest_perplexity": 275.9, "unigram_perplexity": 270.4, "kl_to_unigram": 0.012,
        "sensitivity": 0.002, "held_out_perplexity": 300.0, "held_out_chars": 5000,
        "held_out_unknown": 400, "loss_by_position": (5.6,) * 35, "outputs": ((" ", 0.15, 0.149), ("我", 0.02, 0.021)),
        "grad_norm_by_layer": (0.0, 8e-16, 3e-9, 5e-4, 0.2), "denormal_share_by_layer": (0.4, 0.9, 0.1, 0.0, 0.0),
        **changes,
    }  # fmt: skip
    return Diagnosis(**values)


FREE = diagnosis(perplexity=1.02, honest_perplexity=1.03, kl_to_unigram=0.3, sensitivity=0.98)
LEAKY = diagnosis(perplexity=1.0001, honest_perplexity=48.7, loss_by_position=(0.0002,) * 34 + (4.2,), sensitivity=0.97)


def is_text(sentence: str, key: str, lang: str = "en") -> bool:
    """Whether a sentence has the text of the key, with any parameters."""
    first = t(key, lang).split("{")[0]
    others = [part for piece in t(key, lang).split("{")[1:] for part in [piece.partition("}")[2]] if part]
    return sentence.startswith(first) and all(part in sentence for part in others)


def test_the_plateau_of_six_layers_is_told_with_its_figures() -> None:
    sentence = sentences.plateau(history([900.0, 400.0, *[277.0, 276.5, 276.0] * 5]), UNIGRAM, "en")
    assert is_text(sentence, "find.plateau.over")
    assert "epoch 3 on" in sentence
    assert "15 epochs" in sentence
    assert "5.1%" in sentence  # 276.0 / 262.6


@pytest.mark.parametrize(
    ("curve", "key"),
    [
        ([900.0, 270.0, 262.0, 255.0], "find.plateau.under"),
        ([900.0, 200.0, 10.0, 1.02], "find.plateau.left"),
        ([900.0, 800.0, 700.0], "find.plateau.above"),
        ([900.0, None], "find.plateau.infinite"),
        ([], "find.plateau.none"),
    ],
)
def test_a_curve_elsewhere_is_no_plateau(curve: list[float | None], key: str) -> None:
    assert is_text(sentences.plateau(history(curve), UNIGRAM, "en"), key)


def test_where_the_curve_passed_the_line_is_named() -> None:
    assert "at epoch 3;" in sentences.plateau(history([900.0, 300.0, 200.0, 1.5]), UNIGRAM, "en")


def test_the_recorded_runs_stand_where_the_book_says() -> None:
    """The sentence on the plateau is true of the recorded six layers, and not of one or two."""
    six, two = recorded.recording("A9"), recorded.recording("A8")
    assert is_text(sentences.plateau(six.history, six.ladder[1], "en"), "find.plateau.over")
    assert is_text(sentences.plateau(two.history, two.ladder[1], "en"), "find.plateau.left")
    for recording, key in ((six, "find.vanish.zero"), (two, "find.vanish.no")):
        last = recording.history.epochs[-1]
        assert is_text(sentences.vanishing(last.grad_norm_by_layer, last.epoch, "en"), key)


def test_the_verdict_follows_the_diagnosis() -> None:
    stuck, free = sentences.verdict(diagnosis(), "en"), sentences.verdict(FREE, "en")
    assert "ignores its input" in stuck
    assert "2% above" in stuck
    assert "0.002" in stuck
    assert "by only < 0.001 of" in sentences.verdict(diagnosis(sensitivity=5e-8), "en")
    assert "ignores its input" not in free
    assert "below" in free
    assert is_text(sentences.verdict(diagnosis(perplexity=None), "en"), "find.verdict.infinite")


def test_the_blanks_are_explained_only_where_blanks_were_written() -> None:
    blanks = sentences.outputs(diagnosis(), ONE_WAY, {"分开": "分开" + " " * 50}, "en")
    assert is_text(blanks.partition(". ")[2].strip(), "find.outputs.blanks") or "Greedy decoding" in blanks
    assert "␣" in blanks
    other = sentences.outputs(diagnosis(), ONE_WAY, {"分开": "分开" + "慢" * 50}, "en")
    assert "Yet 100% of what it wrote is “慢”" in other
    varied = sentences.outputs(FREE, ONE_WAY, {"分开": "分开我想你了吗这里那里"}, "en")
    assert "the output depends on what came before" in varied
    assert sentences.outputs(diagnosis(), ONE_WAY, {}, "en").count("“") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_drawn_by_lot_is_not_taken_for_greedy_writing(lang: str) -> None:
    blanks, varied = {"分开": "分开" + " " * 50}, {"分开": "分开我想你了吗这里那里"}
    for config, greedy in (
        (ONE_WAY, True),
        (ONE_WAY.change(decoding="top_k", top_k=1), True),
        (ONE_WAY.change(decoding="top_k", top_k=5), False),
        (ONE_WAY.change(decoding="temperature", temperature=0.5), False),
    ):
        for texts, yes, no in ((blanks, "blanks", "same"), (varied, "varied", "drawn")):
            sentence = sentences.outputs(diagnosis(), config, texts, lang)
            params = {"character": "␣", "share": "100%", "count": 8, "length": 9}
            assert (t(f"find.outputs.{yes}", lang, **params) in sentence) is greedy
            assert (t(f"find.outputs.{no}", lang, **params) in sentence) is not greedy


@pytest.mark.parametrize(
    ("norms", "key"),
    [
        ((8e-13, 8e-12, 2e-10, 5e-9, 9e-7, 1e-4, 0.2), "find.vanish.yes"),
        ((0.0, 1e-16, 1e-4, 0.2), "find.vanish.zero"),
        ((0.01, 0.05, 0.2), "find.vanish.some"),
        ((0.027, 0.019, 0.02), "find.vanish.no"),
        ((0.3, 0.2), "find.vanish.single"),
    ],
)
def test_how_far_the_gradient_gets(norms: tuple[float, ...], key: str) -> None:
    assert is_text(sentences.vanishing(norms, 10, "en"), key)


def test_the_powers_of_ten_are_counted() -> None:
    assert "about 8 powers of ten" in sentences.vanishing((8e-13, 1e-9, 1e-4, 0.2), 10, "en")


def test_denormal_numbers_are_named_with_their_layer() -> None:
    sentence = sentences.denormal(diagnosis(), True, "en")
    assert t("chart.layer", "en", number=2) in sentence
    assert "90%" in sentence
    assert is_text(sentences.denormal(diagnosis(denormal_share_by_layer=(0.0, 0.0)), True, "en"), "find.denormal.none")
    assert is_text(sentences.denormal(diagnosis(denormal_share_by_layer=()), True, "en"), "find.denormal.unknown")


@pytest.mark.parametrize(("seconds", "key"), [(2.1, "slower"), (1.04, "same"), (0.96, "same"), (0.5, "faster")])
def test_what_denormal_numbers_cost_is_what_was_measured(seconds: float, key: str) -> None:
    flushed = history([300.0] * 10)
    kept = History(epoch(number, 300.0, seconds=1.0 if number <= 5 else seconds) for number in range(1, 11))
    sentence = sentences.slowdown(flushed, kept, "en")
    assert is_text(sentence, f"find.slow.{key}")
    assert "epochs 6 to 10" in sentence
    assert is_text(sentences.slowdown(history([300.0] * 3), kept, "en"), "find.slow.few")


@pytest.mark.parametrize(("lang", "elsewhere"), [("en", "others"), ("zh", "别的")])
def test_of_other_processors_nothing_is_said(lang: str, elsewhere: str) -> None:
    for seconds in (1.0, 2.1, 0.5):
        kept = history([300.0] * 10, seconds=seconds)
        assert elsewhere not in sentences.slowdown(history([300.0] * 10), kept, lang)


def test_the_rescues_that_worked_are_those_below_the_line() -> None:
    attempts = [
        Attempt("residual", 60, 1.02, True),
        Attempt("forget bias", 60, 274.96, True),
        Attempt("layer norm", 0, None, False),
        Attempt("rate", 30, 262.0, False),
        Attempt("Xavier", 60, 400.0, True),
    ]
    sentence = sentences.rescues(attempts, 270.4, "en")
    works, rest = sentence.split("**Still on the unigram line** (270.4, within 10%): ")
    on_line, above = rest.split("**Still above the unigram line** (270.4): ")
    assert "residual (1.02)" in works
    assert "forget bias" not in works
    assert on_line.strip() == "forget bias (275), rate (262)."
    assert above.startswith("Xavier (400).")
    assert "layer norm" not in sentence
    assert t("find.rescue.running", "en") in sentence
    assert sentences.rescues([], 270.4, "en") == t("find.rescue.none", "en")
    assert "Still" not in sentences.rescues(attempts[:1], 270.4, "en")


@pytest.mark.parametrize(
    ("times", "stands"),
    [(0.5, "works"), (0.899, "works"), (0.901, "on_line"), (0.95, "on_line"), (1.0, "on_line"), (1.05, "on_line"),
     (1.101, "fails"), (None, "fails")],
)  # fmt: skip
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_rescue_is_placed_below_the_line_on_it_or_above_it(times: float | None, stands: str, lang: str) -> None:
    attempt = Attempt("rate", 60, None if times is None else times * UNIGRAM, True)
    assert sentences.standing(attempt, UNIGRAM) == stands
    groups = [t(f"find.rescue.{key}", lang).split("{")[0] for key in ("works", "on_line", "fails")]
    sentence = sentences.rescues([attempt], UNIGRAM, lang)
    assert [sentence.startswith(group) for group in groups] == [stands == key for key in ("works", "on_line", "fails")]


def test_what_is_on_the_line_is_not_said_to_be_above_it() -> None:
    for lang, above in (("en", "above"), ("zh", "上方")):
        assert above in t("layers.rescue.fails", lang)
        assert above not in t("layers.rescue.on_line", lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_rescue_that_still_trains_has_not_failed_yet(lang: str) -> None:
    over = Attempt("rate", 60, 375.0, True)
    live = Attempt("rate", 30, 375.0, False, live=True)
    stopped = Attempt("rate", 30, 375.0, False)
    better = Attempt("rate", 30, 1.02, False, live=True)
    assert sentences.standing(over, 270.4) == sentences.standing(stopped, 270.4) == "fails"
    assert sentences.standing(live, 270.4) == "not_yet"
    assert sentences.standing(better, 270.4) == "works"
    fails, not_yet = (t(f"find.rescue.{key}", lang).split("{")[0] for key in ("fails", "not_yet"))
    sentence = sentences.rescues([live], 270.4, lang)
    assert fails not in sentence
    assert f"{not_yet}rate (375)" in sentence
    for ended in (over, stopped):
        sentence = sentences.rescues([ended], 270.4, lang)
        assert fails in sentence
        assert "rate (375)" in sentence
        assert not_yet not in sentence
    assert not_yet not in sentences.rescues([better], 270.4, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("found", "key"),
    [
        (LEAKY, "find.leak.yes"),
        (FREE, "find.leak.no"),
        (diagnosis(perplexity=5.0, honest_perplexity=4.7), "find.leak.no"),
        (diagnosis(perplexity=5.0, honest_perplexity=6.5), "find.leak.little"),
        (diagnosis(perplexity=5.0, honest_perplexity=2.5), "find.leak.better"),
        (diagnosis(perplexity=None, honest_perplexity=2.5), "find.leak.better"),
        (diagnosis(perplexity=5.0, honest_perplexity=None), "find.leak.yes"),
        (diagnosis(perplexity=None, honest_perplexity=None), "find.leak.infinite"),
    ],
)
def test_reading_the_answer(found: Diagnosis, key: str, lang: str) -> None:
    assert is_text(sentences.leak(found, BOTH, lang), key, lang)
    assert sentences.reads_the_answer(found, BOTH) == (key == "find.leak.yes")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("config", "key"), [(CLOZE, "find.leak.cloze"), (ONE_WAY, "find.leak.one_way")])
def test_only_a_network_that_predicts_what_it_has_read_reads_the_answer(
    config: TrainConfig, key: str, lang: str
) -> None:
    for found in (LEAKY, FREE, diagnosis(perplexity=5.0, honest_perplexity=None)):
        assert is_text(sentences.leak(found, config, lang), key, lang)
        assert not sentences.reads_the_answer(found, config)
    assert is_text(
        sentences.leak(diagnosis(perplexity=None, honest_perplexity=None), config, lang), "find.leak.infinite", lang
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_jump_at_the_last_position_is_explained_by_the_kind_of_network(lang: str) -> None:
    for config, key in ((BOTH, "last"), (CLOZE, "last_cloze"), (ONE_WAY, "last_one_way")):
        assert is_text(sentences.position(LEAKY, config, lang), f"find.position.{key}", lang)
        assert is_text(sentences.position(diagnosis(), config, lang), "find.position.flat", lang)
    rising = diagnosis(loss_by_position=(5.0, *(2.0,) * 34))
    for sampling, key in (("random", "first"), ("consecutive", "first_carried")):
        config = ONE_WAY.change(sampling=sampling)
        assert is_text(sentences.position(rising, config, lang), f"find.position.{key}", lang)


def test_the_last_position_jumps_only_where_it_does() -> None:
    jump = sentences.position(LEAKY, BOTH, "en")
    assert is_text(jump, "find.position.last")
    assert "4.2" in jump
    by_heart = sentences.position(diagnosis(loss_by_position=(0.0014,) * 34 + (0.0228,)), BOTH, "en")
    assert "jumps there to 0.0228, from 0.0014 on average before it (16 times)" in by_heart
    dip = diagnosis(loss_by_position=(0.1, 9.0, *(0.1,) * 32, 0.9))  # the last one is not the largest
    assert not is_text(sentences.position(dip, BOTH, "en"), "find.position.last")
    assert is_text(sentences.position(diagnosis(), BOTH, "en"), "find.position.flat")
    assert is_text(sentences.position(diagnosis(loss_by_position=(1.0,)), BOTH, "en"), "find.position.few")


def test_loops_are_read_from_the_texts() -> None:
    sentence = sentences.loops({"分开": "分开" + "来慢" * 20, "不分开": "不分开" + "一二三四五六七八九十"}, "en")
    assert "loop of 2 characters: “来慢”" in sentence
    assert t("find.loop.no", "en", prefix="不分开") in sentence
    assert sentences.loops({}, "en") == t("find.loop.untold", "en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_why_it_loops_is_said_of_a_network_that_copies_and_loops(lang: str) -> None:
    looping, free = {"分开": "分开" + "来慢" * 20}, {"分开": "分开一二三四五六七八九十"}
    assert sentences.why_loops(LEAKY, BOTH, looping, lang) == t("leak.loops.why", lang)
    for found, config, texts in (
        (LEAKY, BOTH, free),
        (LEAKY, BOTH, {}),
        (LEAKY, CLOZE, looping),
        (LEAKY, ONE_WAY, looping),
        (diagnosis(), BOTH, looping),  # stuck: it has not learned to copy
        (None, BOTH, looping),
    ):
        assert sentences.why_loops(found, config, texts, lang) == ""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_which_end_a_state_comes_from(lang: str) -> None:
    for config, consecutive, random in (
        (BOTH, "carried", "random"),
        (CLOZE, "cloze", "cloze_random"),
        (ONE_WAY, "one_way", "one_way_random"),
    ):
        for sampling, key in (("consecutive", consecutive), ("random", random)):
            other_config = config.change(sampling=sampling)
            assert sentences.wrong_end(other_config, lang) == t(f"find.wrong_end.{key}", lang, steps=config.num_steps)
            assert sentences.carries_to_the_wrong_end(other_config) == (key == "carried")


@pytest.mark.parametrize(
    ("both", "one_direction", "key"), [(0.6, 0.3, "cloze"), (0.31, 0.3, "same"), (0.1, 0.3, "one_way")]
)
def test_filling_gaps_is_compared_beyond_chance(both: float, one_direction: float, key: str) -> None:
    pair = ({"accuracy": share, "top5": 0.7, "num": 400} for share in (both, one_direction))
    assert is_text(sentences.gaps(*pair, held_out=True, lang="en"), f"find.gaps.{key}")


def test_what_clipping_did_in_a_run() -> None:
    off, quiet = history([5.0] * 4, grad_norm=0.21), history([5.0] * 4, grad_norm=0.002)
    on = history([5.0] * 4, grad_norm=1.0, clip_norm=0.01, clipped_share=0.75)
    assert is_text(sentences.clipping(off, 0.01, "sgd", "en"), "find.clip.would")
    assert "21 times" in sentences.clipping(off, 0.01, "sgd", "en")
    assert is_text(sentences.clipping(quiet, 0.01, "sgd", "en"), "find.clip.idle")
    assert "75%" in sentences.clipping(on, 0.01, "sgd", "en")
    assert is_text(sentences.clipping(on, 0.01, "sgd", "en"), "find.clip.on")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_clipping_that_was_switched_on_by_hand_counts_from_there(lang: str) -> None:
    off = [epoch(number, 5.0, grad_norm=9.0) for number in (1, 2)]
    on = [epoch(number, 5.0, grad_norm=1.0, clip_norm=0.1, clipped_share=0.75) for number in (3, 4)]
    sentence = sentences.clipping(History([*off, *on]), 0.01, "sgd", lang)
    assert sentence == t(
        "find.clip.part", lang, count=2, total=4, share="75%", norm="1", theta="0.1", times="10"
    )  # fmt: skip
    # the threshold of the run; if it was changed, the newest
    moved = epoch(5, 5.0, grad_norm=1.0, clip_norm=0.5, clipped_share=0.25)
    assert sentences.clipping(History([*on, moved]), 0.01, "sgd", lang) == t(
        "find.clip.part", lang, count=1, total=3, share="25%", norm="1", theta="0.5", times="2"
    )
    whole = sentences.clipping(History(on), 0.01, "sgd", lang)
    assert whole == t("find.clip.on", lang, share="75%", norm="1", theta="0.1", times="10")


def test_the_share_beside_a_switch_is_of_the_epochs_with_clipping_on() -> None:
    mixed = History([epoch(1, 60.0), epoch(2, 33.0, clip_norm=0.01, clipped_share=0.5), epoch(3, 20.0, clip_norm=0.01)])
    sentence = sentences.switch(history([50.0, 8.0]), mixed, UNIGRAM, "en")
    assert "where 50% of the minibatches" in sentence
    assert is_text(sentences.switch(history([50.0]), mixed, UNIGRAM, "en"), "find.switch.idle")


@pytest.mark.parametrize(
    ("off", "on", "share", "key"),
    [
        ([200.0, 1.02], [290.0, 285.4], 1.0, "stuck"),
        ([50.0, 8.0], [60.0, 33.0], 1.0, "slower"),
        ([200.0, 5.0], [100.0, 3.0], 0.5, "better"),
        ([200.0, 1.02], [200.0, 1.021], 0.9, "same"),
        ([200.0, 5.0], [100.0, 3.0], 0.0, "idle"),
    ],
)
def test_what_the_switch_of_clipping_changed(off: list[float], on: list[float], share: float, key: str) -> None:
    sentence = sentences.switch(history(off), history(on, clip_norm=0.01, clipped_share=share), UNIGRAM, "en")
    assert is_text(sentence, f"find.switch.{key}")
    assert "Epoch 2" in sentence


def test_a_switch_is_judged_at_the_last_epoch_that_both_have() -> None:
    on = history([90.0, 80.0], clip_norm=0.01, clipped_share=1.0)
    assert "Epoch 2: 60 with clipping off, 80 with it on" in sentences.switch(
        history([70.0, 60.0, 1.0]), on, UNIGRAM, "en"
    )
    assert sentences.switch(history([]), on, UNIGRAM, "en") == t("find.switch.none", "en")


@pytest.mark.parametrize(
    ("points", "key"),
    [
        ({10: (50.0, 90.0), 20: (5.0, 80.0), 30: (1.1, 240.0)}, "rises"),
        ({10: (50.0, 90.0), 20: (5.0, 80.0), 30: (1.1, 70.0)}, "gap"),
        ({10: (50.0, 60.0), 20: (40.0, 52.0)}, "close"),
        ({30: (1.1, 240.0)}, "one"),
        ({30: (1.1, None)}, "none"),
        ({}, "none"),
    ],
)
def test_overfitting_is_a_rise_on_text_not_trained_on(
    points: dict[int, tuple[float | None, float | None]], key: str
) -> None:
    assert is_text(sentences.overfitting(points, "en"), f"find.over.{key}")


def test_the_turning_point_is_named() -> None:
    sentence = sentences.overfitting({10: (50.0, 90.0), 20: (5.0, 80.0), 30: (1.25, 250.0)}, "en")
    assert "that of epoch 20 has the lowest perplexity on held-out text, 80" in sentence
    assert "200 times" in sentence


def test_unknown_characters_are_counted() -> None:
    told = sentences.unknown(diagnosis(), 6_000, "en")
    for part in ("Of the 6,000 characters", "5,000 were predicted", "400 (6.7%)", "The other 600 "):
        assert part in told
    assert "400 more" in sentences.unknown(diagnosis(), None, "en")
    assert is_text(sentences.unknown(diagnosis(held_out_unknown=0), 6_000, "en"), "find.unknown.none")
    nothing = diagnosis(held_out_chars=0, held_out_unknown=0)
    assert is_text(sentences.unknown(nothing, 0, "en"), "find.unknown.no_text")


def test_the_characters_of_the_held_out_text_add_up() -> None:
    """The figures of Train (13,028 held out) and of a recorded diagnosis are those of one text."""
    recording = recorded.recording("A9")
    prepared = corpora.prepare(corpora.load("lyrics-zh").text, "first_edition", 10_000)
    newest = recording.history.probes[160]
    unknown = sum(character not in set(prepared.train) for character in prepared.held_out)
    assert newest.held_out_unknown == unknown
    # 32 rows, each predicted from its second character on, in steps of 35
    length = (len(prepared.held_out) - unknown) // 32
    assert newest.held_out_chars == 32 * 35 * ((length - 1) // 35)
    told = sentences.unknown(newest, len(prepared.held_out), "en")
    rest = len(prepared.held_out) - newest.held_out_chars - unknown
    for count in (len(prepared.held_out), newest.held_out_chars, unknown, rest):
        assert f"{count:,}" in told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_two_figures_of_the_same_name_are_told_apart(lang: str) -> None:
    told = sentences.unigrams(260.982, 262.6, lang)
    assert "261" in told
    assert "262.6" in told
    assert sentences.unigrams(262.6, 262.61, lang) == sentences.unigrams(262.6, None, lang) == ""
    recording = recorded.recording("A9")
    newest = recording.history.probes[160]
    told = sentences.fixed_weights(recording.history, 160, newest, lang)
    assert "266.3" in told
    assert f"{newest.perplexity:.4g}" in told
    same = newest.model_copy(update={"perplexity": recording.history.epochs[-1].perplexity})
    assert sentences.fixed_weights(recording.history, 160, same, lang) == ""
    assert sentences.fixed_weights(recording.history, 161, newest, lang) == ""


@pytest.mark.parametrize(
    ("coverage", "key"),
    [
        ({10: 0.0, 20: 0.7}, "more"),
        ({10: 0.7, 20: 0.1}, "less"),
        ({10: 0.7, 20: 0.71}, "same"),
        ({10: 0.7}, "one"),
        ({}, "none"),
    ],
)
def test_how_copying_moved(coverage: dict[int, float], key: str) -> None:
    assert is_text(sentences.copying(coverage, "en"), f"find.copy.{key}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_longest_copy_is_that_of_the_newest_texts(lang: str) -> None:
    assert sentences.longest({10: 50, 20: 34}, lang) == t("find.copy.longest", lang, epoch=20, count=34)
    assert sentences.longest({10: 50, 20: 0}, lang) == sentences.longest({}, lang) == ""


def test_every_sentence_is_said_in_both_languages_with_the_same_figures() -> None:
    texts = {"分开": "分开" + " " * 50}
    for lang in LANGUAGES:
        assert "5.1%" in sentences.plateau(history([900.0, *[276.0] * 9]), UNIGRAM, lang)
        assert "␣" in sentences.outputs(diagnosis(), ONE_WAY, texts, lang)
        assert "48.7" in sentences.leak(LEAKY, BOTH, lang)
        assert "285.4" in sentences.switch(
            history([1.02]), history([285.4], clip_norm=0.01, clipped_share=1.0), UNIGRAM, lang
        )


def test_what_a_text_brings_is_no_markup() -> None:
    sentence = sentences.outputs(diagnosis(outputs=(("*", 0.5, 0.5),)), ONE_WAY, {"[x](y)": "[x](y)" + "*" * 50}, "en")
    assert "“\\*”" in sentence
    assert "\\[x\\]" in sentences.loops({"[x](y)": "[x](y)" + "*" * 50}, "en")


def test_an_exhausted_generator_clips_nothing_and_a_list_does() -> None:
    generator, kept = exhausted.demonstrate()
    assert generator == [3.0, 4.0]
    assert kept == pytest.approx([0.6, 0.8])


def test_the_code_that_is_shown_runs_and_prints_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    exec(exhausted.source(), {})
    assert capsys.readouterr().out.strip() == "[[3.0], [4.0]] [[0.6000000000000001], [0.8]]"


def test_the_generated_texts_of_the_recordings_loop_as_told() -> None:
    both = recorded.recording("A10").history
    assert isinstance(both.texts[160], dict)
    assert "ends up repeating one character: “" in sentences.loops(both.texts[160], "en")
    history = History([TextGenerated(epoch=1, prefix="分开", text="分开一二三四五六七八九十甲乙丙丁戊己")])
    assert "does not end in a loop" in sentences.loops(history.texts[1], "en")


# numbers that differ from those elsewhere


@pytest.mark.parametrize("lang", LANGUAGES)
def test_denormal_numbers_were_counted_without_flushing_and_it_is_said(lang: str) -> None:
    """Otherwise 11 % of a gradient are denormal that is "exactly 0" a paragraph above."""
    flushed, kept = (sentences.denormal(diagnosis(), flush, lang) for flush in (True, False))
    assert flushed.endswith(t("find.denormal.flushed", lang))
    assert kept.endswith(t("find.denormal.kept", lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_with_adam_the_scale_of_a_clipped_gradient_is_not_all_that_counts(lang: str) -> None:
    off = history([9.0] * 3)
    on = History(epoch(number, 9.0, clip_norm=0.01, clipped_share=0.75) for number in range(1, 4))
    for run in (off, on):
        adam, sgd = (sentences.clipping(run, 0.01, optimizer, lang) for optimizer in ("adam", "sgd"))
        assert adam == together(lang, sgd, t("find.clip.adam", lang))
    assert sentences.clipping(off, 1.0, "adam", lang) == sentences.clipping(off, 1.0, "sgd", lang)


def test_a_copied_share_that_falls_again_does_not_only_rise() -> None:
    """A2's texts: 0, then 90 % at epoch 200, then 71 %."""
    told = sentences.copying({50: 0.0, 100: 0.35, 150: 0.8, 200: 0.9, 250: 0.71}, "en")
    assert is_text(told, "find.copy.peak")
    assert all(figure in told for figure in ("0%", "90%", "epoch 200", "71%"))
    assert is_text(sentences.copying({50: 0.0, 100: 0.9, 150: 0.88}, "en"), "find.copy.more")
    assert is_text(sentences.copying({50: 0.9, 100: 0.95, 150: 0.2}, "en"), "find.copy.less")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_ratio_of_overfitting_is_that_of_the_figures_beside_it(lang: str) -> None:
    told = sentences.overfitting({40: (1.57449, 10123.0)}, lang)
    # unrounded, the ratio would be 6429
    assert t("find.over.one", lang, epoch=40, train="1.574", held="10,123", times="6431") == told
