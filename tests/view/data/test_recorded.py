"""The recorded runs that the gallery plays."""

from __future__ import annotations

import pytest

from rnnlab.errors import RecipeError, RunError
from rnnlab.events import RunFinished
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded


def test_there_are_recordings_and_each_is_a_whole_run_of_its_recipe_on_an_embedded_text() -> None:
    assert {"A2", "A6", "A10"} <= set(recorded.names())
    for name in recorded.names():
        recording = recorded.recording(name)
        assert recording.name == name
        assert recording.config == RECIPES[name].config
        assert recording.config.corpus in ("lyrics-zh", "verse-en")
        early = isinstance(recording.history.ending, RunFinished) and recording.history.ending.best_epoch is not None
        assert (recording.history.epoch < recording.config.num_epochs) == early == (name == "C4")
        assert recording.history.written()
        assert bool(recording.history.minibatches) == (not recording.config.detach)
        assert recording.ladder[0] == recording.vocab_size


def test_the_first_that_exists_is_chosen() -> None:
    chosen = recorded.choose(("Z9", "A6"))
    assert chosen is not None
    assert chosen.name == "A6"
    assert recorded.choose_exactly("Z9") is None


def test_a_file_that_is_no_recording_is_refused() -> None:
    with pytest.raises(RunError):
        recorded.read('{"format": "something else"}')


def test_every_recording_is_small_and_plays_in_a_minute() -> None:
    for name in recorded.names():
        size = len(recorded.folder().joinpath(f"{name}{recorded.SUFFIX}").read_bytes())
        assert size < 100_000, name
        recording = recorded.recording(name)
        assert len(recording.clock) == recording.history.epoch
        assert list(recording.clock) == sorted(recording.clock)
        assert not recording.clock or recording.clock[-1] == pytest.approx(recorded.PLAYING_TIME)


def test_what_a_link_asks_for_is_checked() -> None:
    assert recorded.ask(" a6 ").name == "A6"
    with pytest.raises(RecipeError) as caught:
        recorded.ask("Z9")
    assert caught.value.code == "recording_unknown"
    assert "A6" in caught.value.params["allowed"]
    recording = recorded.recording("A6")
    assert recorded.ask_epoch(recording, "80") == 80
    assert recorded.ask_epoch(recording, "0") == 0
    for bad in ("161", "-1", "x", "", "1.5", "²"):
        with pytest.raises(RecipeError) as caught:
            recorded.ask_epoch(recording, bad)
        assert caught.value.params["last"] == 160


def test_a_recording_is_found_by_its_settings() -> None:
    a2 = RECIPES["A2"].config
    assert recorded.like(a2) == "A2"
    assert recorded.like(a2.change(cell="lstm")) == "race-A2-lstm"
    assert recorded.like(a2.change(random_seed=3)) == "seed-A2-3"
    assert recorded.like(a2.change(random_seed=9)) is None
    assert "seed-A2-3" not in recorded.names(), "menus list the recipes"
    assert recorded.exists("seed-A2-3")
    assert not recorded.exists("../A2")
    assert recorded.recording("seed-A2-3").based_on == "A2"
