"""What every page stands in: language, navigation, the frame, and the one connection to the runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.client import Client
from rnnlab.runs.schema import home
from rnnlab.runs.store import Store
from rnnlab.view.clicks import Clicks
from rnnlab.view.facts import FactBook
from rnnlab.view.i18n import LANGUAGES, error_text, language_of, t

_ENTERED = "shell.entered"
_CLICKS = "shell.clicks"
_LANGUAGE = "shell.language"
_SWITCH = "shell.switch"
_LARGE = "shell.large"
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
LARGER = 1.25
"""How much larger the type is in projector mode."""

SIDEBAR = 320
"""Width of the sidebar in pixels: the names of the experiments fit."""

PAGES = {
    "home": ("pages/home.py", ":material/home:"),
    "train": ("pages/train.py", ":material/show_chart:"),
    "compare": ("pages/compare.py", ":material/stacked_line_chart:"),
    "diagnose": ("pages/diagnose.py", ":material/stethoscope:"),
    "inspect": ("pages/inspect.py", ":material/biotech:"),
    "lessons": ("pages/lessons.py", ":material/school:"),
    "runs": ("pages/runs.py", ":material/history:"),
}


def run() -> None:
    """Be the entry point: set up the page, find the language, and run the page that was asked for."""
    _configure()
    _follow_short_link()
    lang = _find_language()
    _find_size()
    st.session_state[_ENTERED] = True
    if _CLICKS not in st.session_state:
        st.session_state[_CLICKS] = Clicks()
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
    if not st.session_state.get(_ENTERED):
        _configure()  # else the named icon of the page would be fetched from another server, for the tab
        _navigation("en")
        st.rerun()
    return language()


def _configure() -> None:
    st.set_page_config(page_title="RNN Lab", page_icon=_ICON, layout="wide", initial_sidebar_state=SIDEBAR)


def language() -> str:
    """Return the language of this session."""
    return str(st.session_state.get(_LANGUAGE, "en"))


def key(name: str) -> str:
    """Return the key of a widget whose choices are words: one per language, as the browser sends the words back."""
    return f"{name}.{language()}"


def theme() -> str:
    """Return ``"light"`` or ``"dark"``."""
    return "dark" if st.context.theme.type == "dark" else "light"


def embedded() -> bool:
    """Say whether the page stands in another one (``embed=true`` in the URL): it shows, and nothing can be changed."""
    return bool(st.context.is_embedded)


def projector() -> bool:
    """Say whether the type is larger, for a room."""
    return bool(st.session_state.get(_LARGE))


@st.cache_resource(show_spinner=False)
def client() -> Client:
    """Return this server's one connection to the runs; it connects when the first page stands, or is asked to act."""
    return Client()


@st.cache_resource(max_entries=4, show_spinner=False)
def _connect_ahead(home: str) -> threading.Thread:
    """Start the supervisor, which loads torch ahead: behind the first page, which would otherwise wait for it."""
    thread = threading.Thread(target=_connect, args=(client(),), name="connect", daemon=True)
    thread.start()
    return thread


def _connect(one: Client) -> None:
    try:
        one.connect()
    except RNNLabError:
        return  # the first command that a person gives tries again, and says what is wrong


def clicks() -> Clicks:
    """Return what this session's clicks have set going."""
    found: Clicks = st.session_state[_CLICKS]
    return found


def start_run(config: TrainConfig, *, name: str = "", based_on: str = "") -> str:
    """Put a run into the queue and return its id; a click that comes twice starts one.

    Args:
        config: the run.
        name: of the recipe it is.
        based_on: of the recipe it departs from.

    Raises:
        RNNLabError: as `Client.create` says.
    """
    one, lang = client(), language()
    return clicks().once(
        ("start", config, name, based_on),
        lambda: one.create(config, name=name, based_on=based_on, language=lang),
    )


def store() -> Store:
    """Return the runs, to read."""
    return client().store


@st.cache_resource(show_spinner=False)
def facts() -> FactBook:
    """Return the facts of the training texts, shared by all viewers."""
    return FactBook(store().text, home() / "corpora")


def text_title(name: str) -> str | None:
    """Return what its owner called the uploaded text `name`; None for any other corpus."""
    return store().text_title(name) if name.startswith("text-") else None


def frame(title: str, lead: str = "") -> None:
    """Begin a page: its title, the switches of type and language beside it, one sentence that says what it is for.

    Embedded in another page it shows none of them.
    """
    if embedded():
        _style()
        return
    lang = language()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _style()
            _share()
            st.session_state[_LARGE_SWITCH] = projector()
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
        complain(broken)
    if "pandas" not in sys.modules:
        time.sleep(0.05)  # a fresh server: let the heading leave before the libraries of the charts are loaded


def _share() -> None:
    """Offer the address of the page as it stands; it is worked out when somebody asks for it."""
    opened = st.popover(
        t("share.page", language()),
        icon=":material/link:",
        type="tertiary",
        help=t("share.page.help", language()),
        key="shell.share",
        on_change="rerun",
    )
    if opened.open:
        from rnnlab.view.panels import share

        with opened:
            share.this_page()


def complain(error: RNNLabError) -> None:
    """Say what is wrong, in the reader's language."""
    st.error(error_text(error, language()), icon=":material/error:")


def parameters(**changes: str | None) -> None:
    """Set (or, with None, remove) parameters of the URL; nothing is sent where they are so already."""
    for name, value in changes.items():
        if value is None:
            if name in st.query_params:
                del st.query_params[name]
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def open_page(name: str, parameters: Mapping[str, str] | None = None) -> None:
    """Go to another page and keep the language."""
    st.switch_page(PAGES[name][0], query_params={"lang": language(), **(parameters or {})})


def _follow_short_link() -> None:
    """Go where a short link (``?s=code``) leads; one that leads nowhere is said on the page."""
    code = st.query_params.get("s")
    if code is None:
        return
    target = store().link(code)
    if target is None:
        del st.query_params["s"]
        st.session_state[_BROKEN] = RunError(
            "link_unknown", f"There is no short link {code[:20]!r} on this server.", link=code[:20]
        )
        return
    page = target.pop("page", "home")
    if target.get("lang") in LANGUAGES:
        st.session_state[_LANGUAGE] = target["lang"]
    _navigation("en")
    st.switch_page(PAGES[page if page in PAGES else "home"][0], query_params=target)


def _find_language() -> str:
    # the URL speaks once, at the first run of a session; later it may still be the one from before a switch, sent
    # along by a refresh that was on its way
    if _LANGUAGE not in st.session_state:
        asked = st.query_params.get("lang")
        st.session_state[_LANGUAGE] = asked if asked in LANGUAGES else language_of(st.context.locale)
    lang = language()
    parameters(lang=lang)
    return lang


def _style() -> None:
    # as Markdown: the browser has what draws it when the page begins, and other HTML some seconds later
    style = f"{_STYLE}{_LARGE_STYLE if projector() else ''}"
    st.markdown(f"<style>{style}</style>", unsafe_allow_html=True, width="content")


def _find_size() -> None:
    if _LARGE not in st.session_state:
        st.session_state[_LARGE] = st.query_params.get("projector") == "1"
    parameters(projector="1" if projector() else None)


def _switch_size() -> None:
    st.session_state[_LARGE] = bool(st.session_state.get(_LARGE_SWITCH))


def _switch() -> None:
    chosen = st.session_state.get(_SWITCH)
    if chosen in LANGUAGES:
        st.session_state[_LANGUAGE] = chosen
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
    return st.navigation(pages, position="hidden" if embedded() else "top")
