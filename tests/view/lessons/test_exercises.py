"""The closing sentence of each exercise: on a run of which it is true, and on one of which it is not."""

from __future__ import annotations

import pytest

from rnnlab.events import Event, MinibatchFinished, RunDiverged, TextGenerated
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.lessons import contents, sentences
from rnnlab.view.lessons.compute import exercises, truncation, tuning
from rnnlab.view.lessons.compute.exercises import Finding
from tests.made import epoch


def run(*perplexities: float | None, seconds: float = 0.1, more: tuple[Event, ...] = ()) -> History:
    """A run with these perplexities by epoch; None for an overflow."""
    epochs = [
        epoch(i, p, seconds=seconds, grad_norm_max=1065.0, clipped_share=0.5) for i, p in enumerate(perplexities, 1)
    ]
    return History([*epochs, *more])


def minibatches(*seconds: float, memory: tuple[float | None, ...] = ()) -> tuple[Event, ...]:
    each = memory or (None,) * len(seconds)
    return tuple(
        MinibatchFinished(
            epoch=1, minibatch=i, num_minibatches=len(seconds), loss=1.0, grad_norm=1.0, clipped=True, seconds=s,
            memory_mb=m,
        )
        for i, (s, m) in enumerate(zip(seconds, each, strict=True), 1)
    )  # fmt: skip


def written(*texts: tuple[int, str]) -> tuple[Event, ...]:
    return tuple(TextGenerated(epoch=epoch, prefix="分开", text="分开" + text) for epoch, text in texts)


def outcome(found: Finding | None) -> tuple[str, str | None]:
    assert found is not None
    return found.key, found.came_true


def test_x2_says_in_which_epoch_it_overflowed_or_that_it_did_not() -> None:
    finding = exercises.without_clipping(run(500, None, None), 1000)
    assert outcome(finding) == ("overflowed", "breaks")
    assert finding is not None
    assert (finding.params["epoch"], finding.params["last"]) == (2, 3)
    assert outcome(exercises.without_clipping(run(500, None, 300), 1000)) == ("returned", "breaks")
    assert outcome(exercises.without_clipping(run(500, 4000), 1000)) == ("worse_than_blind", "breaks")
    broken = run(500, more=(RunDiverged(epoch=2, minibatch=5, grad_norm=3.0),))
    assert outcome(exercises.without_clipping(broken, 1000)) == ("diverged", "breaks")
    clipped = run(600, 300, 100)
    assert outcome(exercises.without_clipping(run(500, 200), 1000, clipped)) == ("faster", "faster")
    assert outcome(exercises.without_clipping(run(500, 400), 1000, clipped)) == ("slower", "slower")
    assert outcome(exercises.without_clipping(run(500, 400), 1000)) == ("learned", None)
    assert exercises.without_clipping(run(), 1000) is None


def test_x3_says_from_when_on_it_copies_and_what_writing_rarely_would_miss() -> None:
    def quoted(text: str, prefix: str) -> str:
        return "一二三四五" if "一二三四五" in text else ""

    every = tuple((epoch, "一二三四五" if epoch >= 12 else "的的的") for epoch in range(1, 15))
    finding = exercises.every_epoch(run(*[100.0] * 14, more=written(*every)), quoted)
    assert outcome(finding) == ("late", "by50")
    assert finding is not None
    assert (finding.params["epoch"], finding.params["shown_at"], finding.params["count"]) == (12, 50, 14)
    rarely = written((10, "的的的"), (20, "一二三四五"))
    assert outcome(exercises.every_epoch(run(*[100.0] * 20, more=rarely), quoted)) == ("coarse", None)
    never = written(*((epoch, "的的的") for epoch in range(1, 5)))
    assert outcome(exercises.every_epoch(run(*[100.0] * 4, more=never), quoted)) == ("never", None)
    exactly = tuple((epoch, "一二三四五" if epoch == 50 else "的") for epoch in range(1, 51))
    assert outcome(exercises.every_epoch(run(*[100.0] * 50, more=written(*exactly)), quoted)) == ("on_time", "by50")
    assert exercises.every_epoch(run(100.0), quoted) is None
    untrained = run(*[100.0] * 14, more=written((0, "一二三四五"), *every))
    assert exercises.every_epoch(untrained, quoted) == finding
    assert exercises.every_epoch(run(more=written((0, "一二三四五"))), quoted) is None


def test_x4_says_whether_a_minibatch_is_dearer_than_the_one_before() -> None:
    growing = run(9, more=minibatches(0.01, 0.02, 0.04, memory=(100, 130, 160)))
    finding = exercises.without_detach(growing)
    assert outcome(finding) == ("grows_both", "growing")
    assert finding is not None
    assert finding.params["ratio"] == pytest.approx(4)
    assert finding.params["memory"] == 60
    assert outcome(exercises.without_detach(run(9, more=minibatches(0.01, 0.04)))) == ("grows", "growing")
    flat = run(9, seconds=0.2, more=minibatches(0.01, 0.011))
    assert outcome(exercises.without_detach(flat)) == ("flat", None)
    assert outcome(exercises.without_detach(flat, run(9, seconds=0.1))) == ("flat", "constant")
    assert outcome(exercises.without_detach(flat, run(9, seconds=0.2))) == ("flat", "same")


def test_x4_without_single_minibatches_compares_whole_epochs() -> None:
    assert outcome(exercises.without_detach(run(9, seconds=0.3), run(9))) == ("epochs", None)
    assert outcome(exercises.without_detach(run(9, seconds=0.1), run(9))) == ("epochs_same", "same")
    assert outcome(exercises.without_detach(run(9))) == ("epochs_alone", None)
    assert exercises.without_detach(run()) is None


def test_x5_compares_at_the_same_epoch() -> None:
    tanh = run(500, 100, 10)
    assert outcome(exercises.relu_for_tanh(run(500, 120), tanh)) == ("worse", "worse")
    assert outcome(exercises.relu_for_tanh(run(500, 80), tanh)) == ("better", "better")
    assert outcome(exercises.relu_for_tanh(run(500, 101), tanh)) == ("same", "same")
    assert outcome(exercises.relu_for_tanh(run(500, None), tanh)) == ("worse", "worse")
    assert outcome(exercises.relu_for_tanh(run(500), None)) == ("alone", None)
    broken = run(500, more=(RunDiverged(epoch=2, minibatch=1, grad_norm=None),))
    assert outcome(exercises.relu_for_tanh(broken, tanh)) == ("diverged", "worse")


def test_only_what_the_exercise_is_about_may_differ() -> None:
    base = RECIPES["A2"].config
    assert exercises.comparable(RECIPES["X5"].config, base, ("activation",))
    assert exercises.comparable(RECIPES["X5"].config.change(num_epochs=3), base, ("activation",))
    assert not exercises.comparable(RECIPES["X5"].config.change(num_hiddens=8), base, ("activation",))


def test_a_click_runs_the_very_exercise() -> None:
    assert exercises.plan("X4") == {"X4": RECIPES["X4"].config}
    race = exercises.plan("X1", "learning_rate")
    assert [config.learning_rate for config in race.values()] == [1, 10, 100, 1000]
    assert {config.num_epochs for config in race.values()} == {tuning.SHORT}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_can_be_said(lang: str) -> None:
    """With all parameters that occur; no placeholder is left."""
    tanh, texts = run(500, 100), written((1, "一二三四五"))
    broken = run(500, more=(RunDiverged(epoch=2, minibatch=1, grad_norm=None),))
    findings = [
        *(
            ("X2", exercises.without_clipping(ended, 1000))
            for ended in (broken, run(None), run(None, 9), run(9), run(2000))
        ),
        *(("X2", exercises.without_clipping(run(perplexity), 1000, run(90))) for perplexity in (9, 900)),
        ("X3", exercises.every_epoch(run(9, more=texts), lambda *_: "一二*三")),
        ("X3", exercises.every_epoch(run(9, more=texts), lambda *_: "")),
        ("X3", exercises.every_epoch(run(*[9] * 7, more=written((7, "一"))), lambda *_: "一")),
        ("X4", exercises.without_detach(run(9, more=minibatches(0.1, 0.4, memory=(1, 9))))),
        ("X4", exercises.without_detach(run(9, more=minibatches(0.1, 0.4)))),
        ("X4", exercises.without_detach(run(9, more=minibatches(0.1, 0.1)))),
        *(("X4", exercises.without_detach(run(9, seconds=s), run(9))) for s in (0.1, 0.5)),
        ("X4", exercises.without_detach(run(9))),
        *(("X5", exercises.relu_for_tanh(relu, tanh)) for relu in (broken, run(9), run(900), run(500))),
        ("X5", exercises.relu_for_tanh(run(9), None)),
    ]
    distinct = set()
    for name, found in findings:
        assert found is not None
        text = sentences.finding(name, found, lang)
        assert "{" not in text
        assert "None" not in text
        distinct.add(text)
    assert len(distinct) == len(findings)


def test_the_recorded_runs_say_what_they_show() -> None:
    clipped = recorded.recording("A2").history
    relu = exercises.relu_for_tanh(recorded.recording("X5").history, clipped)
    assert outcome(relu) == ("worse", "worse")
    broken = exercises.without_clipping(recorded.recording("X2").history, recorded.recording("X2").vocab_size, clipped)
    assert outcome(broken)[1] == "breaks"
    # the clipped run itself never overflows
    assert outcome(exercises.without_clipping(clipped, recorded.recording("A2").vocab_size))[0] == "learned"


def test_every_exercise_has_something_to_guess() -> None:
    names = [entry.name for entry in contents.EXERCISES]
    assert ["X1", *exercises.GUESSES] == names
    for name in names:
        for setting in tuning.GRID if name == "X1" else [""]:
            assert len(exercises.guesses(name, setting)) >= 3


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_verdict_is_followed_by_why(lang: str) -> None:
    reasons = [sentences.why(name, "", lang) for name in exercises.GUESSES]
    reasons += [sentences.why("X1", setting, lang) for setting in tuning.GRID]
    assert len(set(reasons)) == len(reasons)
    assert all("{" not in reason for reason in reasons)


def test_the_recorded_x4_settles_the_guess() -> None:
    """Each minibatch takes longer than the one before, and the recording has the minibatches to show it."""
    history = recorded.recording("X4").history
    found = exercises.without_detach(history, recorded.recording("A2").history)
    assert outcome(found)[1] == "growing"
    assert found is not None
    assert found.params["ratio"] > 1.8
    cost = truncation.cost_by_minibatch(history.minibatches)
    assert cost is not None
    assert history.started is not None
    assert list(cost.minibatches) == list(range(1, history.started.num_minibatches + 1))
    assert cost.seconds[-1] > cost.seconds[len(cost.seconds) // 2] > cost.seconds[0]
