"""The limits of a visitor, and the controls of the teacher for all runs."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.protocol import LIVE
from rnnlab.view.language.i18n import t, together
from rnnlab.view.page import login, session
from rnnlab.view.page.forms import Problems

_PROBLEMS = Problems("everybody")


def draw() -> None:
    """Draw the limits of a visitor, or the controls of the teacher; nothing in the profile *alone*."""
    lang, who = session.language(), session.visitor()
    if who.role == "alone":
        return
    _PROBLEMS.show()
    try:
        status = session.client().status(memory=True) if who.role == "teacher" else session.status()
    except RNNLabError as error:
        session.show_error(error)
        return
    with st.container(border=True, gap="small"):
        if who.role == "teacher":
            _teacher(status, lang)
        else:
            st.caption(_limits(status["limits"], lang))
            login.draw()


def _limits(limits: dict[str, float], lang: str) -> str:
    """Return the sentences on the limits of a visitor; a limit of 0 means no limit."""
    said = [t("runs.limits.yours", lang)]
    if limits["visitor_running"]:
        said.append(t("runs.limits.runs", lang, running=limits["visitor_running"], waiting=limits["visitor_waiting"]))
    if limits["visitor_mb"]:
        said.append(t("runs.limits.bytes", lang, mb=f"{limits['visitor_mb']:g}"))
    if limits["keep_days"]:
        said.append(t("runs.limits.days", lang, days=f"{limits['keep_days']:g}"))
    return together(lang, *said)


def _teacher(status: dict[str, float], lang: str) -> None:
    counts = session.store().counts()
    figures = {"running": counts["running"], "paused": counts["paused"], "queued": counts["queued"]}
    st.markdown(t("runs.teacher", lang, **figures, slots=status["slots"], memory=f"{status['memory_mb']:.0f}"))
    live = sum(figures.values())
    st.button(
        t("runs.teacher.stop_all", lang, count=live),
        key="everybody.stop_all",
        icon=":material/stop_circle:",
        help=t("runs.teacher.stop_all.help", lang),
        on_click=_PROBLEMS.guard,
        args=(_stop_all,),
        disabled=not live,
    )
    login.draw()


def _stop_all() -> None:
    client = session.client()
    for record in session.store().runs(limit=1000, states=LIVE):
        _PROBLEMS.guard(client.stop, record.id)  # it may have ended by itself
