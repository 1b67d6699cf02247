"""What every lesson stands in: contents, heading, formula, previous and next; and what the session has seen."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import contents
from rnnlab.view.lessons.address import ADDRESS
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.page import session

WIDTH = 900
"""The longest line, in pixels: an article, not a wall."""
_SEEN = "lessons.seen"


def chosen() -> Lesson | None:
    """Return the lesson that the URL names; None for the table of contents. A wrong name is said."""
    name = ADDRESS.get("lesson")
    return contents.find(name) if name else None


def seen() -> set[str]:
    """Return the lessons that this session has opened, and the exercises in which it has made a guess."""
    found: set[str] = st.session_state.setdefault(_SEEN, set())
    return found


def link(lesson: Lesson, label: str, icon: str | None, where: str) -> bool:
    """Draw what leads to a lesson, and say whether it was pressed; in a fragment the page has to run again then.

    A button: a link to the page that is shown looks as if it were the current one, and does not change the URL.
    """
    return st.button(
        label,
        key=f"lessons.{where}",
        icon=icon,
        type="tertiary",
        on_click=_open,
        args=(lesson.name,),
    )


def _open(name: str) -> None:
    ADDRESS.write(lesson=name or None, run=None, tune=None)


def title(lesson: Lesson) -> str:
    """Name a lesson with its number or its id."""
    lang = session.language()
    name = t(f"{lesson.key}.title", lang)
    if lesson.is_exercise:
        return f"{lesson.name} · {name}"
    return f"{contents.LESSONS.index(lesson) + 1} · {name}"


def sidebar(current: Lesson) -> None:
    """Draw the table of contents beside a lesson, with what has been seen."""
    lang, done = session.language(), seen()
    with st.sidebar:
        st.button(
            t("lessons.contents", lang),
            key="lessons.contents",
            icon=":material/toc:",
            type="tertiary",
            on_click=_open,
            args=("",),
        )
        for heading, members in (("lessons.part", contents.LESSONS), ("lessons.exercises", contents.EXERCISES)):
            st.caption(t(heading, lang))
            with st.container(gap="xxsmall"):
                for one in members:
                    icon = ":material/check:" if one.name in done else ":material/circle:"
                    if one is current:
                        icon = ":material/arrow_right:"
                    link(one, f"**{title(one)}**" if one is current else title(one), icon, f"to.{one.name}")


def index() -> None:
    """Draw the table of contents as the page: every lesson with its one sentence."""
    lang, done = session.language(), seen()
    for heading, note, members in (
        ("lessons.part", "lessons.part.note", contents.LESSONS),
        ("lessons.exercises", "lessons.exercises.note", contents.EXERCISES),
    ):
        st.subheader(t(heading, lang), anchor=False)
        st.caption(t(note, lang))
        with st.grid("auto", min_column_width=300, gap="small"):
            for one in members:
                with st.container(border=True, height="stretch", gap="xsmall"):
                    link(
                        one,
                        f"**{title(one)}**",
                        ":material/check:" if one.name in done else ":material/circle:",
                        f"index.{one.name}",
                    )
                    st.caption(t(f"{one.key}.lead", lang))


def article(lesson: Lesson, play: Callable[[Lesson], None]) -> None:
    """Draw a lesson: what it is about, its formula, the place in the book, something to play with, where to go on."""
    lang = session.language()
    if not lesson.is_exercise:
        seen().add(lesson.name)
    with st.container(width=WIDTH):
        st.header(title(lesson), anchor=False)
        st.caption(t("lessons.place", lang, section=lesson.section, second=lesson.place(lang)))
        st.markdown(t(f"{lesson.key}.lead", lang))
        for formula in lesson.formulas:
            st.latex(formula)
        st.caption(t(f"{lesson.key}.try", lang))
        play(lesson)
        _onward(lesson)


def conclude(text: str) -> None:
    """Say what follows from what has just been computed."""
    st.info(text, icon=":material/lightbulb:")


def _onward(lesson: Lesson) -> None:
    before, after = contents.neighbours(lesson)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if before is not None:
            link(before, title(before), ":material/arrow_back:", "before")
        if after is not None:
            link(after, title(after), ":material/arrow_forward:", "after")
