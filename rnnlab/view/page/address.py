"""The address of a page: the parameters of its URL, and the links to other pages.

The URL is read once, when a visit of the page begins: by a link, or by the browser's Back and Forward. After that the
session holds the parameters, and the URL follows. A URL read later may be an older one, sent by a refresh that was
already on its way before a click.

If the parameters are too long for a URL, for example with a passage of a text as prefix, the URL has a short link.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.language.i18n import language_named
from rnnlab.view.page import session

PAGES = {
    "home": ("pages/home.py", ":material/home:"),
    "train": ("pages/train.py", ":material/show_chart:"),
    "compare": ("pages/compare.py", ":material/stacked_line_chart:"),
    "diagnose": ("pages/diagnose.py", ":material/stethoscope:"),
    "inspect": ("pages/inspect.py", ":material/biotech:"),
    "lessons": ("pages/lessons.py", ":material/school:"),
    "room": ("pages/room.py", ":material/groups:"),
    "runs": ("pages/runs.py", ":material/history:"),
}
MAX_QUERY = 4_000
"""Longest query of an address, in characters: many servers refuse longer ones when the address is opened again."""
_VISIT, _PAGE = "address.visit", "address.page"
_BY_HAND: dict[str, Callable[[str], str]] = {"lang": language_named}
"""By name, the function that understands how people type the value of a parameter."""


# reading the URL


@dataclass(frozen=True)
class _Short:
    """Parameters of a page, and what the URL has instead.

    Attributes:
        parameters: the parameters.
        url: a short link, or what is left of the parameters without the longest.
        refused: why there is no link; None if there is one.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    url: dict[str, str] = field(default_factory=dict)
    refused: RNNLabError | None = None


@dataclass
class _Visit:
    """A visit of a page, from the link that opened it to the one that leaves it.

    Attributes:
        page: identifies the page; empty before the first page of the session has begun.
        held: the parameters of its URL, initially those of the link.
        taken: the readers that have been called in this visit.
        short: the parameters that the URL had last as a short link, or would have had.
    """

    page: str
    held: dict[str, str]
    taken: set[str] = field(default_factory=set)
    short: _Short = field(default_factory=_Short)


def begins(page: str, anew: bool = False) -> bool:
    """Return whether a run of the page's script begins a visit, so that `begin` reads the URL; arguments as there."""
    visit = st.session_state.get(_VISIT)
    return visit is None or visit.page != page or anew


def begin(page: str, anew: bool = False) -> bool:
    """Begin a run of the page's script: read the URL if a visit begins, otherwise restore it.

    Returns whether another page was open before.

    Args:
        page: identifies the page.
        anew: whether to read the URL although the page is already open, after the browser's Back or Forward.
    """
    visit, url = st.session_state.get(_VISIT), _url()
    other = visit is not None and visit.page != page
    if visit is None or begins(page, anew):
        own = visit if visit is not None and _is_own(visit, url) else _Visit("", url)
        st.session_state[_VISIT] = visit = _Visit(page, own.held, short=own.short)
    if (fitted := _fitted(visit.held)) != url:
        st.query_params.from_dict(fitted)
    return other


def open_page_is(name: str) -> None:
    """Remember the name of the open page, one of `PAGES`."""
    st.session_state[_PAGE] = name


def once(reader: str, read: Callable[[], object]) -> bool:
    """Call `read` once per visit of the page, and return whether it was called.

    If the script is interrupted in `read`, its next run calls it again.

    Args:
        reader: identifies the caller.
        read: reads the parameters of the URL.
    """
    visit = _visit()
    if reader in visit.taken:
        return False
    read()
    visit.taken.add(reader)
    return True


def everything() -> dict[str, str]:
    """Return all parameters of the open page."""
    return dict(_visit().held)


def short_link() -> str | None:
    """Return the code of a short link (``?s=code``) that is to be opened; None for that of the open page itself."""
    visit = st.session_state.get(_VISIT)
    return None if visit is not None and _is_own(visit, _url()) else st.query_params.get("s")


def resolve_short_link(parameters: dict[str, str]) -> None:
    """Replace the parameters of the page by those stored for the short link; the URL keeps the link."""
    visit = _visit()
    visit.held, visit.short = dict(parameters), _Short(dict(parameters), _url())


def is_long(parameters: Mapping[str, str]) -> bool:
    """Return whether parameters are too long for a URL."""
    return len(urlencode(parameters)) > MAX_QUERY


def left_out() -> tuple[list[str], RNNLabError] | None:
    """Return the names of the parameters that are missing in the URL, and the error that prevented a short link."""
    short, held = _visit().short, _visit().held
    if short.refused is None or short.parameters != held:
        return None
    return sorted(held.keys() - short.url.keys()), short.refused


def drop_short_link() -> None:
    """Remove the code of a short link from the URL."""
    st.query_params.pop("s", None)


def _visit() -> _Visit:
    visit: _Visit = st.session_state.setdefault(_VISIT, _Visit("", _url()))
    return visit


def _is_own(visit: _Visit, url: Mapping[str, str]) -> bool:
    """Return whether the URL has the short link that the open page has put there."""
    return "s" in url and url == visit.short.url


def _fitted(parameters: dict[str, str]) -> dict[str, str]:
    """Return parameters as the URL has them: as they are, or as a short link if they are too long.

    Where no link can be stored, the longest are left out, which `left_out` tells.
    """
    visit = _visit()
    if parameters == visit.short.parameters:
        return visit.short.url
    if not is_long(parameters):
        return parameters
    link, instead, refused = {"page": st.session_state.get(_PAGE, "home"), **parameters}, dict(parameters), None
    try:
        instead = {"s": session.client().shorten(link, address=True)}
    except RNNLabError as error:
        refused = error
        while is_long(instead):
            del instead[max(instead, key=lambda name: len(instead[name]))]
    visit.short = _Short(dict(parameters), instead, refused)
    return instead


def _url() -> dict[str, str]:
    """Return the parameters of the URL that the browser has sent, as the tables spell them."""
    return {name: _BY_HAND.get(name, str)(text) for name, text in st.query_params.to_dict().items()}


def page_named(path: str) -> str | None:
    """Return the page that a person has typed the path of, in capitals or with a slash at its end; None for any other.

    The last part of the path counts, as the app may be in a folder of its server.
    """
    last = path.rstrip("/").rpartition("/")[2].strip().lower()
    return last if last in PAGES else None


# the parameters of a page


@dataclass(frozen=True)
class Parameter:
    """A parameter of the URL.

    Attributes:
        meaning: a short description.
        default: the value if the URL does not have the parameter, and never written to the URL; None if it depends on
            what the page shows.
        read: returns the value that a text in the URL stands for, or None if it stands for no value; raises RNNLabError
            if the page should show an error.
    """

    meaning: str
    default: str | None = None
    read: Callable[[str], str | None] = str


class Address:
    """The parameters that a page keeps in its URL; the page reads and writes them through this table.

    Args:
        parameters: by name in the URL.
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = dict(parameters)

    def given(self, name: str) -> bool:
        """Return whether the URL has the parameter `name`."""
        self._known(name)
        return name in _visit().held

    def get(self, name: str) -> str:
        """Return the value of a parameter; if the URL does not have it, its default or an empty text.

        A value that is not allowed is ignored and removed from the URL. If `Parameter.read` raises, the page shows the
        error.
        """
        parameter, text = self._known(name), _visit().held.get(name)
        if text is None:
            return parameter.default or ""
        value = None
        try:
            value = parameter.read(text)
        except RNNLabError as error:
            session.show_error(error)
        if value != text:
            self.write(**{name: value})
        return parameter.default or "" if value is None else value

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """Return an integer from `low` to `high`, or `default` if the URL has none."""
        text = whole(low, high)(self.get(name))
        return default if text is None else int(text)

    def write(self, **changes: str | None) -> None:
        """Set parameters, and remove those that are None or at their default.

        If nothing changes, nothing is sent to the browser; otherwise one message, which is one step of its Back button.
        """
        visit, before = _visit(), st.query_params.to_dict()
        held = visit.held
        after = dict(held if before and before == visit.short.url else before)
        for name, value in changes.items():
            if value in (None, self._known(name).default):
                held.pop(name, None)
                after.pop(name, None)
            else:
                held[name] = after[name] = str(value)
        fitted = _fitted(after)
        if fitted != before:
            st.query_params.from_dict(fitted)

    def _known(self, name: str) -> Parameter:
        return self.parameters[name]


def one_of(options: Collection[str]) -> Callable[[str], str | None]:
    """Return a reader of parameters that accepts any of `options`."""
    return lambda text: text if text in options else None


def whole(low: int, high: int) -> Callable[[str], str | None]:
    """Return a reader of parameters that accepts an integer from `low` to `high`."""

    def read(text: str) -> str | None:
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        return str(int(text)) if is_number and low <= int(text) <= high else None

    return read


def stored_run(text: str) -> str:
    """Read the id of a run of this server.

    Raises:
        RunError: the run does not exist.
    """
    return session.store().run(text).id


# links to other pages


def open_page(name: str, parameters: Mapping[str, str] | None = None) -> None:
    """Open another page in the same language."""
    st.switch_page(PAGES[name][0], query_params={"lang": session.language(), **(parameters or {})})
