"""Predict, then run: the teacher asks, members guess, a run answers, and a sentence made from the run says why."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.rooms import MAX_GUESS, QUESTIONS, Member, Room
from rnnlab.text.prefixes import brief
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.page import session
from rnnlab.view.room import seat, sentences, state
from rnnlab.view.room.pushed import Wall, WallLook
from rnnlab.view.watch import progress, scenes


def ask(room: Room) -> None:
    """Draw the buttons of the questions, or the open question with the button that starts the answering run."""
    lang = session.language()
    if not room.is_open:
        return
    asked = room.question
    with st.container(key="room.question", horizontal=True, vertical_alignment="center", gap="small"):
        if asked is None or asked.run:
            st.markdown(f"**{t('room.ask', lang)}**", width="content")
            for kind in QUESTIONS:
                st.button(
                    t(f"room.ask.{kind}", lang),
                    key=f"room.ask.{kind}",
                    icon=":material/help:",
                    on_click=state.PROBLEMS.guard,
                    args=(session.client().ask_room, room.code, kind),
                )
            return
        st.markdown(f"**{t(f'room.question.{asked.kind}', lang, **_facts(room))}**", width="stretch")
        st.button(
            t("room.answer", lang),
            key="room.answer",
            type="primary",
            icon=":material/play_arrow:",
            help=t("room.answer.help", lang),
            on_click=state.PROBLEMS.guard,
            args=(_resolve, room),
        )
        st.button(
            t("room.take_back", lang),
            key="room.take_back",
            icon=":material/undo:",
            on_click=state.PROBLEMS.guard,
            args=(session.client().ask_room, room.code, ""),
        )


def _resolve(room: Room) -> None:
    run_id = seat.start(room, room.config)
    session.client().resolve_room(room.code, run_id)


def guess(room: Room, member: Member) -> None:
    """Draw the open question with the controls for a guess, or what answered it."""
    lang, asked = session.language(), room.question
    if asked is not None and asked.run:
        result = outcome(WallLook(Wall.of(room.code)))
        if result is not None:
            st.info(plain(result.text) if result.known else t("room.answering", lang), icon=":material/how_to_vote:")
        return
    if asked is None or not room.is_open:
        return
    mine = next(
        (one.value for one in session.store().guesses(room.code)
         if one.visitor == member.visitor and one.question == asked.number), None
    )  # fmt: skip
    key = f"room.guess.{room.code}.{asked.number}"
    with st.container(key="room.guess", border=True, gap="small"):
        st.markdown(f"**{t(f'room.question.{asked.kind}', lang, **_facts(room))}**")
        if asked.kind == "crossing":
            with st.container(horizontal=True, vertical_alignment="bottom"):
                last, held = room.config.num_epochs, _middle(room, mine)
                value = st.slider(t("room.guess.epoch", lang), 1, last, held, key=key, width="stretch")
                _button(room, "room.guess.this", str(value))
                _button(room, "room.guess.never", "never")
        elif asked.kind == "learns":
            with st.container(horizontal=True):
                _button(room, "room.guess.yes", "yes")
                _button(room, "room.guess.no", "no")
        else:
            text = st.text_input(t("room.guess.text", lang), mine or "", max_chars=MAX_GUESS, key=key)
            _button(room, "room.guess.this", text)
        if mine is not None:
            st.caption(t("room.guess.mine", lang, value=plain(sentences.value_text(mine, lang))))


def _middle(room: Room, mine: str | None) -> int:
    return int(mine) if mine is not None and mine.isdigit() else max(1, room.config.num_epochs // 2)


def _button(room: Room, name: str, value: str) -> None:
    # not a callback: its arguments are the values of the previous script run, without the newest input
    pressed = st.button(
        t(name, session.language()),
        key=f"{name}.{room.code}",
        type="primary" if name == "room.guess.this" else "secondary",
    )
    if pressed:
        state.PROBLEMS.guard(session.client().guess_in_room, room.code, value)
        st.rerun()


def _facts(room: Room) -> dict[str, str]:
    return {"prefix": plain(brief(room.config.prefixes[0])), "epochs": str(room.config.num_epochs)}


def outcome(look: WallLook) -> sentences.Result | None:
    """Return the current result of the answering run, with its reason when it is known; None if nothing answers."""
    lang, asked = session.language(), look.room.question
    if asked is None or not asked.run:
        return None
    try:
        record = session.store().run(asked.run)
    except RNNLabError:
        return None
    scene = scenes.feed(asked.run).scene(record, lang, session.theme())
    guesses = [guess for guess in look.guesses if guess.question == asked.number]
    names = {member.visitor: member.name or t("room.nameless", lang) for member in look.members}
    cut_short = record.state in ("stopped", "failed", "interrupted")
    said = sentences.result(asked, guesses, names, scene.history, scene.ladder, scene.ended, lang, cut_short)
    why = progress.starved(scene) or progress.memory(scene) if said.known else ""
    return sentences.Result(together(lang, said.text, why), said.known)


def answer(look: WallLook, result: sentences.Result | None) -> None:
    """Draw the number of guesses, or the current result of the answering run."""
    lang, asked = session.language(), look.room.question
    if result is not None:
        st.info(plain(result.text), icon=":material/how_to_vote:")
    elif asked is not None and not asked.run:
        made = [guess.value for guess in look.guesses if guess.question == asked.number]
        said = t("room.guessing", lang, count=len(made), members=len(look.members))
        # on the chart there is no place for them
        never = t("room.guessing.never", lang, count=made.count("never")) if "never" in made else ""
        st.info(together(lang, said, never), icon=":material/how_to_vote:")
