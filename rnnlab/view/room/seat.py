"""A member's part of a room: a name, the settings that are open, and the run."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import streamlit as st

from rnnlab.config import SETTINGS, TrainConfig
from rnnlab.errors import ConfigError
from rnnlab.recipes import RECIPES
from rnnlab.runs.rooms import MAX_NAME, Member, Room
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import summary
from rnnlab.view.page import address, fields, session
from rnnlab.view.room import state
from rnnlab.view.room.address import ADDRESS
from rnnlab.view.room.address import SETTINGS as SETTING_NAMES
from rnnlab.view.watch import follow, stage


def join(room: Room) -> None:
    """Draw the field for the name with which a visitor joins."""
    lang = session.language()
    st.header(t("room.join", lang, code=room.code), anchor=False)
    st.caption(" · ".join(filter(None, [plain(room.title), plain(summary(room.config, lang))])))
    if not room.is_open:
        st.info(t("error.room_ended", lang, room=room.code), icon=":material/logout:")
        return
    with st.form("room.join", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            t("room.your_name", lang), max_chars=MAX_NAME, width=240, help=t("room.your_name.help", lang)
        )
        joined = st.form_submit_button(t("room.join.button", lang), type="primary", icon=":material/login:")
    if joined:
        state.PROBLEMS.guard(session.client().join_room, room.code, name)
        st.rerun()


def draw(room: Room, member: Member) -> None:
    """Draw the settings that are open with the button that starts, and the member's newest run."""
    lang = session.language()
    with st.container(key="room.seat", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{room.code}** · {plain(member.name or t('room.nameless', lang))}", width="content")
        st.caption(plain(room.title), width="stretch")
        st.button(t("room.close", lang), key="room.close", icon=":material/close:", on_click=state.leave)
    record = newest_run(room, member)
    if room.is_open:
        address.once(f"room.seat.{room.code}", partial(_read_url, room))
        _settings(room)
        _write_url(room)
        live = record is not None and record.live
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                t("controls.start", lang),
                key="room.start",
                type="primary",
                icon=":material/play_arrow:",
                on_click=state.PROBLEMS.guard,
                args=(_start, room),
            )
            if record is not None and live:
                st.button(
                    t("controls.stop", lang),
                    key="room.stop",
                    icon=":material/stop:",
                    on_click=state.PROBLEMS.guard,
                    args=(session.client().stop, record.id),
                )
            if record is not None:
                st.page_link(
                    address.PAGES["train"][0],
                    label=t("room.whole_page", lang),
                    query_params={"run": record.id, "lang": lang},
                    icon=":material/open_in_full:",
                )
    else:
        st.info(t("error.room_ended", lang, room=room.code), icon=":material/logout:")
    if record is not None:
        with st.container(key="room.run"):
            follow.follow(record, stage.draw)


def newest_run(room: Room, member: Member) -> RunRecord | None:
    """Return the newest run of a member in a room, or None."""
    store = session.store()
    mine = [run for run in map(store.run, store.runs_of_room(room.code)) if run.owner == member.visitor]
    return mine[-1] if mine else None


def _start(room: Room) -> None:
    # read the widgets now: the last script run may not have had the newest input
    start(room, _chosen(room))


def start(room: Room, config: TrainConfig) -> str:
    """Start a run in a room, and return its id."""
    recipe = RECIPES.get(room.recipe)
    exact = recipe is not None and recipe.config == config
    name, based_on = (room.recipe, "") if exact else ("", room.recipe)
    return session.start_run(config, name=name, based_on=based_on, room=room.code)


def _settings(room: Room) -> None:
    """Draw the widgets of the settings that are open."""
    lang = session.language()
    if not room.opened:
        st.caption(f"{plain(summary(room.config, lang))} · {t('room.all_locked', lang)}")
        return
    with st.grid("auto", min_column_width=190, gap="small"):
        for name in room.opened:
            held, key = getattr(_last(room), name), _key(room, name)
            with st.container(gap="xsmall"):
                if SETTINGS[name].switch:
                    fields.draw_switch(name, held is not None, f"{key}.on", lang)
                    if not st.session_state[f"{key}.on"]:
                        continue
                    held = TrainConfig.model_fields[name].default if held is None else held
                fields.draw(name, fields.shown(held), key, lang)


def _chosen(room: Room) -> TrainConfig:
    """Return the settings of this visitor, with the newest values of the widgets."""
    changes: dict[str, Any] = {}
    for name in room.opened:
        key = _key(room, name)
        if SETTINGS[name].switch and not st.session_state.get(f"{key}.on", True):
            changes[name] = None
        elif key in st.session_state:
            changes[name] = fields.read(name, st.session_state[key])
    return _last(room).change(**changes)


def _last(room: Room) -> TrainConfig:
    """Return the settings of this visitor in the last run of the page, at first the preset of the room."""
    config: TrainConfig = st.session_state.get(_kept(room), room.config)
    return config


def _read_url(room: Room) -> None:
    """Read the open settings from the URL, e.g. after a reload; ignore values that are not allowed."""
    given = {name: ADDRESS.get(name) for name in room.opened if ADDRESS.given(name)}
    config = room.config if given else _last(room)
    for name, text in given.items():
        with suppress(ConfigError):
            config = config.change_from_text({name: text})
    st.session_state[_kept(room)] = config


def _write_url(room: Room) -> None:
    """Write the open settings that differ from the preset to the URL."""
    with suppress(ConfigError):  # two widgets may contradict each other until the second is changed, too
        st.session_state[_kept(room)] = _chosen(room)
    changes = _last(room).changes_from(room.config)
    ADDRESS.write(**{name: changes.get(name) for name in SETTING_NAMES if name in changes or ADDRESS.given(name)})


def _kept(room: Room) -> str:
    return f"room.seat.{room.code}"


def _key(room: Room, name: str) -> str:
    return session.key(state.FORM.key(f"{room.code}.{name}"))
