"""The frame of every page: entry point, language, type size, navigation."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import LANGUAGES, error_text, language_of, plain, t
from rnnlab.view.page import address, folded, led, plot, session, values
from rnnlab.view.page.address import PAGES, Address, Parameter, one_of
from rnnlab.view.page.clicks import Clicks
from rnnlab.view.page.forms import Problems

ADDRESS = Address(
    {
        "lang": Parameter("the language; by default that of the browser", read=one_of(LANGUAGES)),
        "projector": Parameter("1 for the larger type, for a projector", read=one_of(("1",))),
    }
)
"""The parameters that all pages keep in their URL."""

values.guard()  # before the first message of a browser is read

_SWITCH = "frame.switch"
_BROKEN_LINK = Problems("short link")
_SAID = "frame.said"
_LARGE_SWITCH = "frame.large_switch"


# a falling curve, given as SVG because a named icon would be fetched from another server
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<path d="M3 4 C6 15 9 9 12 14 S17 19 21 20" fill="none" stroke="#4C8BD0" stroke-width="3" stroke-linecap="round"/>'
    "</svg>"
)


_ASSETS = Path(__file__).parent / "assets"
STYLE = _ASSETS / "page.css"
"""CSS for what Streamlit's theme and layout cannot set."""
# Streamlit's lengths and the text of the charts are relative to the font size of the root; the gaps of the texts beside
# the curve are not enlarged, so that two texts fit on a projector; the sentence above it is where it fits in two lines
_LARGE_STYLE = """
html { font-size: 20px !important; --above: 14.6rem }
.st-key-train-quick { display: none }
[data-testid="stMainBlockContainer"] .st-key-stage-texts { gap: 0.5rem }
@media (min-width: 641px) {
  [data-testid="stMainBlockContainer"] .lab-memory { font-size: clamp(0.75rem, 1.45vw, 0.95rem) }
}
"""


@cache
def _sheet(name: str) -> str:
    return (_ASSETS / f"{name}.css").read_text(encoding="utf-8")


def run() -> None:
    """Run the app: set up the page, resolve the language, and run the requested page."""
    _configure()
    target = _short_link()
    lang = _find_language((target or {}).get("lang"))
    page = _navigation(lang)
    name = address.page_named(page.url_path) or "home"
    if target is not None:
        _follow(target, name)
    _find_size()
    st.session_state[session.ENTERED] = True
    if session.CLICKS not in st.session_state:
        st.session_state[session.CLICKS] = Clicks()
    address.open_page_is(name)
    led.arrive(name)
    st.session_state.pop(_SAID, None)
    try:
        page.run()
        if not session.embedded():
            led.show(name)
    except RNNLabError as error:  # the stored runs cannot be read: the same message on every page
        session.show_error(error)
    finally:
        _connect_ahead(str(session.connection().home))
    if st.session_state.get(_SAID, _left_out()) != _left_out():
        st.rerun()  # the page has changed its address below the head, which says what the address lacks


def enter() -> str:
    """Begin a page: read its URL if a visit begins, and return the language. Every page calls this first.

    After a server start the first deep link runs a script in ``pages`` without the entry point; in this case register
    the pages and rerun, through the entry point.
    """
    if not st.session_state.get(session.ENTERED):
        _configure()  # otherwise the named icon of the page would be fetched from another server
        _navigation("en")
        st.rerun()
    context = get_script_run_ctx()
    assert context is not None  # pages run only under Streamlit
    if address.begin(context.page_script_hash, anew=context.is_history_navigation):
        # a request to redraw a part of the page before, which was already on its way, would clear this page
        context.fragment_storage.clear()
    lang = session.language()
    ADDRESS.write(lang=lang, projector="1" if session.projector() else None)
    return lang


def _configure() -> None:
    st.set_page_config(page_title="RNN Lab", page_icon=_ICON, layout="wide", initial_sidebar_state="collapsed")


@lru_cache(maxsize=4)
def _connect_ahead(home: str) -> threading.Thread:
    """Start the supervisor in the background, so that it loads torch while the first page is drawn."""
    thread = threading.Thread(target=_connect, args=(session.connection(),), name="connect", daemon=True)
    thread.start()
    return thread


def _connect(client: Client) -> None:
    try:
        client.connect()
    except RNNLabError:
        return  # the next command tries again and reports the error


def head(title: str, lead: str = "", quiet: bool = False, shares: bool = False, sheets: Sequence[str] = ()) -> None:
    """Draw the head of a page: its title and lead sentence, and in the header the tools that every page has.

    An embedded page has none of them.

    Args:
        title: the title.
        lead: a sentence below it.
        quiet: whether only screen readers get the title, as the page needs the room and its name is in the navigation.
        shares: whether the page has a button of its own that shares it.
        sheets: names of further style sheets (in ``assets``) that the page needs in its present state.
    """
    lang = session.language()
    _style(sheets)  # first, so that nothing is drawn without it
    _document(title, lang)
    if session.embedded():
        return
    with st.container(key="frame.title" if quiet else None):
        st.title(title, anchor=False, width="content")
    with st.container(key="frame.tools", horizontal=True, vertical_alignment="center", width="content", gap="small"):
        if not shares:
            _share()
        st.session_state[_LARGE_SWITCH] = session.projector()
        st.toggle(t("frame.large", lang), key=_LARGE_SWITCH, help=t("frame.large.help", lang), on_change=_switch_size)
        st.session_state[_SWITCH] = lang
        st.segmented_control(
            t("frame.language", lang),
            LANGUAGES,
            key=_SWITCH,
            format_func=lambda code: {"zh": "中文", "en": "EN"}[code],
            required=True,
            label_visibility="collapsed",
            on_change=_switch,
        )
    led.follow()
    if lead:
        st.markdown(lead)
    _BROKEN_LINK.show()
    _say_what_is_left_out()
    if "pandas" not in sys.modules:
        time.sleep(0.05)  # after a server start, send the heading before the chart libraries are loaded


def _document(title: str, lang: str) -> None:
    """Set title, language and theme of the document; in its language, a browser does not offer to translate it."""
    st.set_page_config(page_title="RNN Lab" if title == "RNN Lab" else f"{title} · RNN Lab")
    if plot.served():
        # the component looks for itself which theme is shown; another one in its data lets it look again
        shown = {"lang": "zh-CN" if lang == "zh" else "en", "theme": session.theme()}
        _document_component()(key="frame.document", data=shown, height=1)


@cache
def _document_component() -> Any:
    script = (_ASSETS / "document.js").read_text(encoding="utf-8")
    return st.components.v2.component("rnnlab_document", js=script)


def _share() -> None:
    """Draw the popover that shares the page; its contents are made when it is opened."""
    help_text = t("share.page.help", session.language())
    folded.popover("share.page", _this_page, key="frame.share", icon=":material/link:", help=help_text)


def _this_page() -> None:
    from rnnlab.view.page import share

    share.this_page()


def _short_link() -> dict[str, str] | None:
    """Return the page and parameters of the short link in the URL (``?s=code``), or None if there is no known link."""
    code = address.short_link()
    if code is None:
        return None
    try:
        target = session.store().link(code)
        if target is None:
            raise RunError("link_unknown", f"There is no short link {code[:20]!r} on this server.", link=code[:20])
    except RNNLabError as error:
        address.drop_short_link()
        _BROKEN_LINK.add(error)
        return None
    return target


def _follow(target: dict[str, str], here: str) -> None:
    """Open the page of a short link with its parameters.

    Args:
        target: the page and its parameters.
        here: the name of the open page. After the browser's Back or Forward, and where the parameters are too long for
            the URL, its link stays in the URL, as another one would be a further step of Back.
    """
    context = get_script_run_ctx()
    assert context is not None
    if not address.begins(context.page_script_hash, anew=context.is_history_navigation):
        return  # an older URL, sent before the last click
    page = target.pop("page", "home")
    page = page if page in PAGES else "home"
    if page == here and (context.is_history_navigation or address.is_long(target)):
        address.resolve_short_link(target)
        return
    if target.get("lang") in LANGUAGES:
        st.session_state[session.LANGUAGE] = target["lang"]
    st.switch_page(PAGES[page][0], query_params=target)


def _say_what_is_left_out() -> None:
    st.session_state[_SAID] = _left_out()
    if (found := address.left_out()) is not None:
        lang, (names, error) = session.language(), found
        said = t("frame.left_out", lang, names=plain(", ".join(names)[:100]), why=error_text(error, lang))
        st.warning(said, icon=":material/link_off:")


def _left_out() -> tuple[str, ...]:
    """Return what the address lacks, and the code of the reason, to be compared."""
    found = address.left_out()
    return () if found is None else (found[1].code, *found[0])


# language and type size belong to the session: initially from the URL of the first page, then from the switches


def _find_language(linked: str | None) -> str:
    if session.LANGUAGE not in st.session_state:
        chosen = linked if linked in LANGUAGES else ADDRESS.get("lang")
        st.session_state[session.LANGUAGE] = chosen or language_of(st.context.locale)
    return session.language()


def _style(sheets: Sequence[str]) -> None:
    # as Markdown, which the browser can draw at once; other HTML is drawn some seconds later
    names = ("page", *sheets, *(("embedded",) if session.embedded() else ()))
    style = "".join(_sheet(name) for name in names) + (_LARGE_STYLE if session.projector() else "")
    st.markdown(f"<style>{style}</style>", unsafe_allow_html=True, width="content")


def _find_size() -> None:
    if session.LARGE not in st.session_state:
        st.session_state[session.LARGE] = ADDRESS.get("projector") == "1"


def _switch_size() -> None:
    st.session_state[session.LARGE] = bool(st.session_state.get(_LARGE_SWITCH))


def _switch() -> None:
    chosen = st.session_state.get(_SWITCH)
    if chosen in LANGUAGES:
        st.session_state[session.LANGUAGE] = chosen


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
