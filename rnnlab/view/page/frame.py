"""The frame of every page: entry point, language, type size, navigation."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import streamlit as st

from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.client import Client
from rnnlab.runs.schema import home
from rnnlab.view.language.i18n import LANGUAGES, language_of, t
from rnnlab.view.page import folded, session
from rnnlab.view.page.address import PAGES, parameters
from rnnlab.view.page.clicks import Clicks

_SWITCH = "shell.switch"


_BROKEN = "shell.broken_link"


_LARGE_SWITCH = "shell.large_switch"


# a curve that falls; a named icon would be fetched from another server
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<path d="M3 4 C6 15 9 9 12 14 S17 19 21 20" fill="none" stroke="#4C8BD0" stroke-width="3" stroke-linecap="round"/>'
    "</svg>"
)


# what a theme cannot say: captions are drawn too faint to be read well, white stands on the light blue of the dark
# theme, and the name of an experiment is cut off where it could go on in a second line. What waits for its chart stands
# still: its pulse takes a quarter of the processor's time for a page, where the processor draws. A tooltip gives
# all that is in it one size of type, the indices of a formula too
_STYLE = """
[data-testid="stElementContainer"]:has(style) { position: absolute }
[data-testid="stSkeleton"], [data-testid="stSkeleton"] * { animation: none !important }
[data-testid="stPageLink-NavLink"] :is(span, div, p) { white-space: normal; overflow: visible }
[data-testid="stCaptionContainer"] { opacity: 0.85 }
button[kind="primary"], button[kind="primary"]:hover { color: light-dark(#FFFFFF, #14171C) }
[data-testid="stTooltipContent"] .katex * { font-size: inherit }
[data-testid="stTooltipContent"] .katex { font-size: 1.1em }
"""


# every length of Streamlit's, and the text of the charts, follows the size of the root
_LARGE_STYLE = "html { font-size: 20px !important }"


SIDEBAR = 320
"""Width of the sidebar in pixels: the names of the experiments fit."""


def run() -> None:
    """Be the entry point: set up the page, find the language, and run the page that was asked for."""
    _configure()
    _follow_short_link()
    lang = _find_language()
    _find_size()
    st.session_state[session.ENTERED] = True
    if session.CLICKS not in st.session_state:
        st.session_state[session.CLICKS] = Clicks()
    page = _navigation(lang)
    try:
        page.run()
    finally:
        _connect_ahead(str(home()))


def enter() -> str:
    """Be the first thing a page does; return the language.

    After a server start the first deep link runs a page of the folder ``pages`` without the entry point: then register
    the pages and begin again, through the entry point.
    """
    if not st.session_state.get(session.ENTERED):
        _configure()  # else the named icon of the page would be fetched from another server, for the tab
        _navigation("en")
        st.rerun()
    return session.language()


def _configure() -> None:
    st.set_page_config(page_title="RNN Lab", page_icon=_ICON, layout="wide", initial_sidebar_state=SIDEBAR)


@st.cache_resource(max_entries=4, show_spinner=False)
def _connect_ahead(home: str) -> threading.Thread:
    """Start the supervisor, which loads torch ahead: behind the first page, which would otherwise wait for it."""
    thread = threading.Thread(target=_connect, args=(session.client(),), name="connect", daemon=True)
    thread.start()
    return thread


def _connect(one: Client) -> None:
    try:
        one.connect()
    except RNNLabError:
        return  # the first command that a person gives tries again, and says what is wrong


def head(title: str, lead: str = "") -> None:
    """Begin a page: its title, the switches of type and language beside it, one sentence that says what it is for.

    Embedded in another page it shows none of them.
    """
    if session.embedded():
        _style()
        return
    lang = session.language()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _style()
            _share()
            st.session_state[_LARGE_SWITCH] = session.projector()
            st.toggle(
                t("shell.large", lang), key=_LARGE_SWITCH, help=t("shell.large.help", lang), on_change=_switch_size
            )
            st.session_state[_SWITCH] = lang
            st.segmented_control(
                t("shell.language", lang),
                LANGUAGES,
                key=_SWITCH,
                format_func=lambda one: {"zh": "中文", "en": "English"}[one],
                required=True,
                label_visibility="collapsed",
                on_change=_switch,
            )
    if lead:
        st.markdown(lead)
    broken = st.session_state.pop(_BROKEN, None)
    if broken is not None:
        session.complain(broken)
    if "pandas" not in sys.modules:
        time.sleep(0.05)  # a fresh server: let the heading leave before the libraries of the charts are loaded


def _share() -> None:
    """Offer the address of the page as it stands; it is worked out when somebody asks for it."""
    help_text = t("share.page.help", session.language())
    folded.popover("share.page", _this_page, key="shell.share", icon=":material/link:", help=help_text)


def _this_page() -> None:
    from rnnlab.view.page import share

    share.this_page()


def _follow_short_link() -> None:
    """Go where a short link (``?s=code``) leads; one that leads nowhere is said on the page."""
    code = st.query_params.get("s")
    if code is None:
        return
    target = session.store().link(code)
    if target is None:
        del st.query_params["s"]
        st.session_state[_BROKEN] = RunError(
            "link_unknown", f"There is no short link {code[:20]!r} on this server.", link=code[:20]
        )
        return
    page = target.pop("page", "home")
    if target.get("lang") in LANGUAGES:
        st.session_state[session.LANGUAGE] = target["lang"]
    _navigation("en")
    st.switch_page(PAGES[page if page in PAGES else "home"][0], query_params=target)


def _find_language() -> str:
    # the URL speaks once, at the first run of a session; later it may still be the one from before a switch, sent
    # along by a refresh that was on its way
    if session.LANGUAGE not in st.session_state:
        asked = st.query_params.get("lang")
        st.session_state[session.LANGUAGE] = asked if asked in LANGUAGES else language_of(st.context.locale)
    lang = session.language()
    parameters(lang=lang)
    return lang


def _style() -> None:
    # as Markdown: the browser has what draws it when the page begins, and other HTML some seconds later
    style = f"{_STYLE}{_LARGE_STYLE if session.projector() else ''}"
    st.markdown(f"<style>{style}</style>", unsafe_allow_html=True, width="content")


def _find_size() -> None:
    if session.LARGE not in st.session_state:
        st.session_state[session.LARGE] = st.query_params.get("projector") == "1"
    parameters(projector="1" if session.projector() else None)


def _switch_size() -> None:
    st.session_state[session.LARGE] = bool(st.session_state.get(_LARGE_SWITCH))


def _switch() -> None:
    chosen = st.session_state.get(_SWITCH)
    if chosen in LANGUAGES:
        st.session_state[session.LANGUAGE] = chosen
        parameters(lang=chosen)


def _navigation(lang: str) -> Any:
    pages = [
        st.Page(
            path,
            title=t(f"page.{name}", lang),
            icon=icon,
            default=name == "home",
            url_path="" if name == "home" else name,
            help=t(f"page.{name}.help", lang),
        )
        for name, (path, icon) in PAGES.items()
    ]
    return st.navigation(pages, position="hidden" if session.embedded() else "top")
