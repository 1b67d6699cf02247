"""The player of a recorded run: its controls, and the fragment that redraws it only while it plays."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.errors import RecipeError
from rnnlab.view.data import recorded
from rnnlab.view.data.playback import SPEEDS, Playback
from rnnlab.view.data.recorded import Recording
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, refresh, session
from rnnlab.view.page.forms import Edition
from rnnlab.view.watch import scenes
from rnnlab.view.watch.address import ADDRESS
from rnnlab.view.watch.scenes import Scene

EVERY = 0.5
"""Seconds between two frames of a recorded run that plays."""
_STATE = "player.state"
_FORM = Edition("player.slider")


def show(recording: Recording, draw: Callable[[Scene, Callable[[], None]], None], row: DeltaGenerator) -> None:
    """Play a recorded run from the epoch in the URL, or from its beginning.

    Args:
        recording: the run.
        draw: draws the run after an epoch, and the slider, by calling the given function; called for each frame while
            the run plays.
        row: the row for the controls.
    """
    lang, clock = session.language(), recording.clock
    address.once("player", partial(_read_url, recording))
    playback = _held(recording)
    # the URL has the epoch while the player is paused, and does not change while it plays
    ADDRESS.write(epoch=str(playback.epoch) if playback.since is None and clock else None)
    playing = playback.playing(clock, time.monotonic())
    if clock:
        with row:
            _controls(recording, playback, playing)

    def frame() -> bool:
        now = time.monotonic()
        held = _held(recording)
        epoch = held.at(clock, now)
        scene = scenes.recorded_scene(recording, epoch, lang, session.theme())
        draw(scene, partial(_slider, recording, epoch, playing))
        return held.playing(clock, now)

    refresh.moving(frame, EVERY if playing else None, playing)


def again(recording: Recording, draw: Callable[[Scene], object]) -> None:
    """Draw another part of the page for the recorded run that `show` plays, at the same epoch."""
    lang, clock = session.language(), recording.clock
    playing = _held(recording).playing(clock, time.monotonic())

    def frame() -> bool:
        now = time.monotonic()
        held = _held(recording)
        draw(scenes.recorded_scene(recording, held.at(clock, now), lang, session.theme()))
        return held.playing(clock, now)

    refresh.moving(frame, 2.0 if playing else None, playing)


def stopped(name: str) -> bool:
    """Return whether the player of the recorded run `name` is paused, at any epoch."""
    held = st.session_state.get(f"{_STATE}.{name}")
    return not isinstance(held, Playback) or held.since is None


def _controls(recording: Recording, playback: Playback, playing: bool) -> None:
    lang = session.language()
    st.button(
        t("recorded.pause" if playing else "recorded.play", lang),
        key=f"player.play.{recording.name}",
        icon=":material/pause:" if playing else ":material/play_arrow:",
        on_click=_pause if playing else _play,
        args=(recording,),
    )
    st.segmented_control(
        t("recorded.speed", lang),
        SPEEDS,
        default=playback.speed,
        key=_speed(recording),
        format_func=lambda speed: f"{speed}×",
        required=True,
        label_visibility="collapsed",
        help=t("recorded.speed.help", lang),
        on_change=_set_speed,
        args=(recording,),
    )
    st.button(
        t("recorded.to_end", lang),
        key=f"player.end.{recording.name}",
        icon=":material/skip_next:",
        type="tertiary",
        help=t("recorded.to_end.help", lang),
        on_click=_put,
        args=(recording, playback.move(recording.history.epoch)),
    )


def _slider(recording: Recording, epoch: int, playing: bool) -> None:
    last = recording.history.epoch
    if last < 2:
        return
    if playing:  # while playing, each frame has a new slider, which cannot be dragged
        _FORM.renew()
    key = _FORM.key(recording.name)
    st.slider(
        t("recorded.epoch", session.language()),
        0,
        last,
        epoch,
        key=key,
        disabled=playing,
        label_visibility="collapsed",  # the epoch is shown in the figures below it
        on_change=_moved,
        args=(recording, key),
    )


def _state(recording: Recording) -> str:
    return f"{_STATE}.{recording.name}"


def _speed(recording: Recording) -> str:
    return f"player.speed.{recording.name}"


def _held(recording: Recording) -> Playback:
    held = st.session_state.get(_state(recording))
    if not isinstance(held, Playback):
        held = st.session_state[_state(recording)] = Playback(since=time.monotonic())
    return held


def _read_url(recording: Recording) -> None:
    if not ADDRESS.given("epoch"):
        return
    try:
        _put(recording, _held(recording).move(recorded.ask_epoch(recording, ADDRESS.get("epoch"))))
    except RecipeError as error:
        session.show_error(error)


def _put(recording: Recording, playback: Playback) -> None:
    st.session_state[_state(recording)] = playback
    _FORM.renew()


def _pause(recording: Recording) -> None:
    _put(recording, _held(recording).pause(recording.clock, time.monotonic()))


def _play(recording: Recording) -> None:
    _put(recording, _held(recording).play(recording.clock, time.monotonic()))


def _set_speed(recording: Recording) -> None:
    speed = st.session_state.get(_speed(recording))
    if speed in SPEEDS:
        _put(recording, _held(recording).at_speed(speed, recording.clock, time.monotonic()))


def _moved(recording: Recording, key: str) -> None:
    epoch = st.session_state.get(key)
    if isinstance(epoch, int):
        st.session_state[_state(recording)] = _held(recording).move(epoch)
        ADDRESS.write(epoch=str(epoch))
