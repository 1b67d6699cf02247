"""The wall of a room: all curves on one chart, or a card for each run, with what each has written."""

from __future__ import annotations

import streamlit as st

from rnnlab.runs.rooms import Room
from rnnlab.text.prefixes import tail
from rnnlab.view.data.highlight import literal
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import perplexity_text
from rnnlab.view.language.settings import changes_text, summary
from rnnlab.view.page import address, chart, plot, refresh, session, sparkline
from rnnlab.view.page.style import PALETTE
from rnnlab.view.room import charts, question, sentences, tables
from rnnlab.view.room.address import ADDRESS, VIEWS
from rnnlab.view.room.pushed import Wall, WallLook

TICK = 1.5
"""Seconds between two drawings where nothing is pushed."""
CARDS = 3.0
"""Seconds between two drawings of the cards."""
_TEXT = 60


def draw(room: Room, answered_above: bool = False, preset: bool = False) -> None:
    """Draw the wall, redrawn while the room is open or a run is live.

    Args:
        room: the room.
        answered_above: whether the known answer to the question stands above the wall already.
        preset: whether to show a summary of the room's setup beside the heading.
    """
    lang = session.language()
    with st.container(key="room.wall.head", horizontal=True, vertical_alignment="center", gap="small"):
        st.header(t("room.wall", lang), anchor=False, width="content")
        view = st.segmented_control(
            t("room.wall", lang),
            VIEWS,
            default=ADDRESS.get("wall"),
            key=session.key("room.view"),
            format_func=lambda name: t(f"room.wall.{name}", lang),
            required=True,
            label_visibility="collapsed",
        )
        if preset:
            st.caption(plain(summary(room.config, lang)), width="stretch")
    ADDRESS.write(wall=str(view))

    def update() -> object:
        wall = Wall.of(room.code)
        look = WallLook(wall)
        result = question.outcome(look)
        if not (answered_above and result is not None and result.known):
            question.answer(look, result)
        if view == "cards":
            _cards(look)
        else:
            _curves(wall, look)
        return _rest(look, result)

    wall = Wall.of(room.code)
    first = WallLook(wall)
    pushed = view == "curves" and plot.pushes()
    pace = None if pushed or not first.live else CARDS if view == "cards" else TICK
    refresh.moving(update, pace, _rest(first, question.outcome(first)))


def _rest(look: WallLook, result: sentences.Result | None) -> object:
    # the state on which the rest of the page depends
    return (
        look.room.question,
        result is not None and result.known,
        look.room.ended_at,
        plot.pushes(),
        [state in ("running", "queued") for state in look.states],
    )


def _curves(wall: Wall, look: WallLook) -> None:
    lang, theme = session.language(), session.theme()
    room = look.room
    lines = look.named(lang)
    shown = tables.wall(lines, look.ladder, look.top, room.config.num_epochs, look.bars(lang), lang)
    named = t("list.join", lang).join(line.name for line in lines)
    chart.show(
        charts.wall(lang, theme),
        shown,
        key="room.wall",
        alt=t("room.wall.alt", lang, count=len(look.lines), names=named),
        events=look.events(wall, lang),
        tall=True,
    )
    if not look.lines:
        st.caption(t("room.wall.none", lang))


def _cards(look: WallLook) -> None:
    lang, color = session.language(), PALETTE[session.theme()]["live"]
    if not look.lines:
        st.caption(t("room.wall.none", lang))
    with st.grid("auto", min_column_width=220, gap="small"):
        for line, state in zip(look.named(lang), look.states, strict=True):
            if state == "deleted":
                continue
            with st.container(border=True, height="stretch", gap="xsmall", key=f"room.card.{line.run}"):
                st.page_link(
                    address.PAGES["train"][0],
                    label=f"**{plain(line.name)}**",
                    query_params={"run": line.run, "lang": lang},
                )
                record = session.store().run(line.run)
                changed = changes_text(record.config, look.room.config, lang, None)
                st.caption(plain(changed) if changed else t("room.as_preset", lang))
                last = line.history.last
                if last is not None:
                    st.markdown(
                        f"{sparkline.curve(line.history.epochs, look.top, color, '')} "
                        f"**{perplexity_text(last.perplexity)}** · {last.epoch}/{record.num_epochs}"
                    )
                for text in _newest(line):
                    st.caption(literal(text))


def _newest(line: tables.Line) -> list[str]:
    written = line.history.written()
    if not written:
        return []
    texts = [tail(text, prefix) for prefix, text in line.history.texts[written[-1]].items()]
    return [text if len(text) <= _TEXT else f"{text[:_TEXT]}…" for text in texts][:1]
