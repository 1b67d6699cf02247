"""The controls of a recorded run, and the fragment that moves it; standing still it costs nothing."""

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
"""Seconds between two pictures of a recorded run that plays."""
_STATE = "player.state"
_FORM = Edition("player.slider")


def show(recording: Recording, draw: Callable[[Scene, Callable[[], None]], None], row: DeltaGenerator) -> None:
    """Play a recorded run from the epoch that the URL names, or from its beginning.

    Args:
        recording: the run.
        draw: shows the run as it stood after an epoch, with the slider, which it calls where that is to stand; called
            at each tick while the run plays.
        row: where the controls stand.
    """
    lang, clock = session.language(), recording.clock
    address.once("player", partial(_read_url, recording))
    playback = _held(recording)
    # where it stands is part of the address; while it moves the address stays as it is
    ADDRESS.write(epoch=str(playback.epoch) if playback.since is None and clock else None)
    playing = playback.playing(clock, time.monotonic())
    if clock:
        with row:
            _controls(recording, playback, playing)

    def look() -> bool:
        now = time.monotonic()
        held = _held(recording)
        epoch = held.at(clock, now)
        scene = scenes.recorded_scene(recording, epoch, lang, session.theme())
        draw(scene, partial(_slider, recording, epoch, playing))
        return held.playing(clock, now)

    refresh.moving(look, EVERY if playing else None, playing)


def stands(name: str) -> bool:
    """Say whether the playing of the recorded run `name` was stopped, at any epoch."""
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
        format_func=lambda one: f"{one}×",
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
    if playing:  # a slider that follows is a new one at each picture: it is not to be dragged meanwhile
        _FORM.renew()
    key = _FORM.key(recording.name)
    st.slider(
        t("recorded.epoch", session.language()),
        1,
        last,
        epoch,
        key=key,
        disabled=playing,
        label_visibility="collapsed",  # the figures below it say the epoch
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
    if not ADDRESS.says("epoch"):
        return
    try:
        _put(recording, _held(recording).move(recorded.ask_epoch(recording, ADDRESS.get("epoch"))))
    except RecipeError as error:
        session.complain(error)


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
