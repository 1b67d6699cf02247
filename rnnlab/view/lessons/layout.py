"""The frame of every lesson: table of contents, heading, formulas, links to the neighbours, visited lessons."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import contents, progress
from rnnlab.view.lessons.address import ADDRESS
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.page import session

WIDTH = 900
"""Width of the text, in pixels; longer lines are hard to read."""
_CHART, _SLIDER = 330, 150  # the least widths of a chart and of a slider, in pixels


def chosen() -> Lesson | None:
    """Return the lesson in the URL, or None for the table of contents."""
    name = ADDRESS.get("lesson")
    return contents.find(name) if name else None


def link(lesson: Lesson, label: str, icon: str | None, where: str) -> bool:
    """Draw a link to a lesson and return whether it was clicked; in a fragment, the caller then has to rerun the page.

    It is a button, because Streamlit draws a link to the current page as active and does not change the URL.
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
    """Return the title of a lesson with its number, or of an exercise with its id."""
    lang = session.language()
    name = t(f"{lesson.key}.title", lang)
    if lesson.is_exercise:
        return f"{lesson.name} · {name}"
    return f"{contents.LESSONS.index(lesson) + 1} · {name}"


def sidebar(current: Lesson) -> None:
    """Draw the table of contents in the sidebar, with the visited lessons marked."""
    lang, visited = session.language(), progress.seen()
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
                for lesson in members:
                    icon = ":material/check:" if lesson.name in visited else ":material/circle:"
                    if lesson is current:
                        icon = ":material/arrow_right:"
                    link(
                        lesson,
                        f"**{title(lesson)}**" if lesson is current else title(lesson),
                        icon,
                        f"to.{lesson.name}",
                    )


def index() -> None:
    """Draw the table of contents as a page: each lesson with its summary."""
    lang, visited = session.language(), progress.seen()
    for heading, note, members in (
        ("lessons.part", "lessons.part.note", contents.LESSONS),
        ("lessons.exercises", "lessons.exercises.note", contents.EXERCISES),
    ):
        st.header(t(heading, lang), anchor=False)
        st.caption(t(note, lang))
        with st.grid("auto", min_column_width=300, gap="small"):
            for lesson in members:
                with st.container(border=True, height="stretch", gap="xsmall"):
                    link(
                        lesson,
                        f"**{title(lesson)}**",
                        ":material/check:" if lesson.name in visited else ":material/circle:",
                        f"index.{lesson.name}",
                    )
                    st.caption(t(f"{lesson.key}.lead", lang))


def article(lesson: Lesson, draw: Callable[[Lesson], None]) -> None:
    """Draw a lesson: summary, formulas, place in the book, the interactive part (`draw`), links to the neighbours."""
    lang = session.language()
    if not lesson.is_exercise:
        progress.seen().add(lesson.name)
    with st.container(horizontal_alignment="center"), st.container(width=WIDTH, key="lessons.article"):
        st.header(title(lesson), anchor=False)
        where = "lessons.place" if lesson.in_first else "lessons.place.second"
        st.caption(t(where, lang, section=lesson.section, second=lesson.place(lang)))
        st.markdown(t(f"{lesson.key}.lead", lang))
        if lesson.formulas:
            with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", gap="large"):
                for formula in lesson.formulas:
                    st.latex(formula, width="content")
        st.caption(t(f"{lesson.key}.try", lang))
        draw(lesson)
        _neighbour_links(lesson)


def beside() -> DeltaGenerator:
    """Return a grid of two columns, which become one where a chart would be too narrow for its legend."""
    return st.grid(2, min_column_width=_CHART, gap=(16, 32))


def sliders(count: int) -> DeltaGenerator:
    """Return a grid for `count` sliders: one row, or two columns on a phone, so that the chart below stays near."""
    return st.grid(count, min_column_width=_SLIDER, gap=("xsmall", "medium"))


def conclude(text: str) -> None:
    """Show the conclusion of a lesson."""
    st.info(text, icon=":material/lightbulb:")


def _neighbour_links(lesson: Lesson) -> None:
    before, after = contents.neighbours(lesson)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if before is not None:
            link(before, title(before), ":material/arrow_back:", "before")
        if after is not None:
            link(after, title(after), ":material/arrow_forward:", "after")
