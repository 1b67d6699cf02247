"""The recorded runs that the gallery plays."""

from __future__ import annotations

import pytest

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES
from rnnlab.view import recorded


def test_there_are_recordings_and_each_is_a_whole_run_of_its_recipe_on_an_embedded_text() -> None:
    assert {"A2", "A6", "A10"} <= set(recorded.names())
    for name in recorded.names():
        one = recorded.recording(name)
        assert one.name == name
        assert one.config == RECIPES[name].config
        assert one.config.corpus in ("lyrics-zh", "verse-en")
        assert one.history.epoch == one.config.num_epochs
        assert one.history.written()
        assert not one.history.minibatches
        assert one.ladder[0] == one.vocab_size


def test_the_first_that_exists_is_chosen() -> None:
    chosen = recorded.choose(("Z9", "A6"))
    assert chosen is not None
    assert chosen.name == "A6"
    assert recorded.choose_exactly("Z9") is None


def test_a_file_that_is_no_recording_is_refused() -> None:
    with pytest.raises(RunError):
        recorded.read('{"format": "something else"}')
