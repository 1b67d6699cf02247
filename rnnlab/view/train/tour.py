"""A tour of the Train page in five steps: a card that can be closed at any time and does not block the page."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import session

STEPS = {
    "choose": ".st-key-train-quick",
    "start": ".st-key-train-bar",  # a single button has no space around it for a frame
    "curve": ".st-key-stage-curve",
    "texts": ".st-key-stage-texts",
    "why": ".st-key-train-sections",
}
"""CSS selectors of the part of the page that each step is about."""

_STEP = "tour.step"
# Streamlit has no sticky or highlighted containers
_STYLE = """
[data-testid="stLayoutWrapper"]:has(> .st-key-tour-card) {{ position: sticky; top: 3.75rem; z-index: 90 }}
.st-key-tour-card {{ background: light-dark(#FDFDFB, #14171C) }}
{about} {{ outline: 2px dashed light-dark(#1F5FA6, #6FA8E3); outline-offset: 4px; border-radius: 6px }}
"""


def begin() -> None:
    """Start the tour at its first step when the Train page is drawn next."""
    st.session_state[_STEP] = 0


def draw() -> None:
    """Draw the current step of the tour, if it is taken."""
    step = st.session_state.get(_STEP)
    if step is not None and not session.embedded():
        _card(step)


def offer() -> None:
    """Draw the button that offers the tour."""
    lang = session.language()
    st.button(t("tour.offer", lang), key="tour.offer", icon=":material/tour:", type="tertiary", on_click=begin)


def _card(step: int) -> None:
    lang, names = session.language(), list(STEPS)
    name = names[step]
    st.html(f"<style>{_STYLE.format(about=STEPS[name])}</style>")
    with st.container(border=True, key="tour.card", gap="small"):
        st.markdown(f"**{t('tour.step', lang, step=step + 1, steps=len(names))} · {t(f'tour.{name}', lang)}**")
        st.markdown(t(f"tour.{name}.text", lang))
        with st.container(horizontal=True, gap="small"):
            last = step == len(names) - 1
            st.button(
                t("tour.done" if last else "tour.next", lang),
                key="tour.next",
                icon=":material/check:" if last else ":material/arrow_forward:",
                on_click=_leave if last else _go,
                args=() if last else (step + 1,),
            )
            st.button(t("tour.back", lang), key="tour.back", on_click=_go, args=(step - 1,), disabled=step == 0)
            st.button(t("tour.skip", lang), key="tour.skip", type="tertiary", on_click=_leave)


def _go(step: int) -> None:
    st.session_state[_STEP] = step


def _leave() -> None:
    st.session_state.pop(_STEP, None)
