"""The position of a recorded run that plays."""

from __future__ import annotations

import pytest

from rnnlab.view.data.playback import SPEEDS, Playback

CLOCK = (2.0, 4.0, 5.0, 9.0)  # four epochs, of which the last is slow


def test_it_plays_by_its_clock() -> None:
    playback = Playback(since=100.0, speed=1)
    assert [playback.at(CLOCK, 100.0 + second) for second in (0, 1.9, 2, 4.5, 5, 8.9, 9, 1000)] == [
        0,
        0,
        1,
        2,
        3,
        3,
        4,
        4,
    ]
    assert playback.playing(CLOCK, 108.9)
    assert not playback.playing(CLOCK, 109.0)


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_speed_shortens_the_time(speed: int) -> None:
    playback = Playback(since=0.0, speed=speed)
    assert playback.at(CLOCK, 8.99 / speed) == 3
    assert playback.at(CLOCK, 9.01 / speed) == 4


def test_still_it_stays_where_it_is() -> None:
    still = Playback(since=0.0, speed=1).pause(CLOCK, 5.5)
    assert (still.epoch, still.since) == (3, None)
    assert still.at(CLOCK, 1e6) == 3
    assert not still.playing(CLOCK, 1e6)
    on = still.play(CLOCK, 1000.0)
    assert on.at(CLOCK, 1003.9) == 3
    assert on.at(CLOCK, 1004.1) == 4


def test_at_the_end_it_begins_again() -> None:
    again = Playback().move(4).play(CLOCK, 50.0)
    assert again.playing(CLOCK, 50.0)
    assert again.at(CLOCK, 50.0) == 0


def test_another_speed_leaves_it_where_it_is() -> None:
    playback = Playback(since=0.0, speed=1).at_speed(16, CLOCK, 4.5)
    assert (playback.epoch, playback.speed, playback.at(CLOCK, 4.5)) == (2, 16, 2)
    assert Playback().move(3).at_speed(4, CLOCK, 7.0) == Playback(3, None, 4)


def test_a_run_with_no_epoch_has_nothing_to_play() -> None:
    assert Playback(since=0.0).at((), 10.0) == 0
    assert not Playback(since=0.0).playing((), 10.0)
