"""Where the playing of a recorded run stands."""

from __future__ import annotations

import pytest

from rnnlab.view.playback import SPEEDS, Playback

TRAINED = (2.0, 4.0, 5.0, 9.0)  # four epochs, the last one slow


def test_it_plays_in_the_time_of_the_training() -> None:
    one = Playback(since=100.0, speed=1)
    assert [one.at(TRAINED, 100.0 + second) for second in (0, 1.9, 2, 4.5, 5, 8.9, 9, 1000)] == [1, 1, 1, 2, 3, 3, 4, 4]
    assert one.playing(TRAINED, 108.9)
    assert not one.playing(TRAINED, 109.0)


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_speed_shortens_the_time(speed: int) -> None:
    one = Playback(since=0.0, speed=speed)
    assert one.at(TRAINED, 8.99 / speed) == 3
    assert one.at(TRAINED, 9.01 / speed) == 4


def test_still_it_stays_where_it_is() -> None:
    still = Playback(since=0.0, speed=1).pause(TRAINED, 5.5)
    assert (still.epoch, still.since) == (3, None)
    assert still.at(TRAINED, 1e6) == 3
    assert not still.playing(TRAINED, 1e6)
    on = still.play(TRAINED, 1000.0)
    assert on.at(TRAINED, 1003.9) == 3
    assert on.at(TRAINED, 1004.1) == 4


def test_at_the_end_it_begins_again() -> None:
    again = Playback().move(4).play(TRAINED, 50.0)
    assert again.playing(TRAINED, 50.0)
    assert again.at(TRAINED, 50.0) == 1


def test_another_speed_leaves_it_where_it_is() -> None:
    one = Playback(since=0.0, speed=1).at_speed(16, TRAINED, 4.5)
    assert (one.epoch, one.speed, one.at(TRAINED, 4.5)) == (2, 16, 2)
    assert Playback().move(3).at_speed(4, TRAINED, 7.0) == Playback(3, None, 4)


def test_a_run_with_no_epoch_has_nothing_to_play() -> None:
    assert Playback(since=0.0).at((), 10.0) == 0
    assert not Playback(since=0.0).playing((), 10.0)
