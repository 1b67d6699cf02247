"""The address of a page: what a link asks for when the page begins, what the page keeps there, the way to other pages.

The URL is read once, when a page begins: by a link, or by the browser's Back and Forward. From then on this session
knows the parameters, and the URL only follows. A later one may be from before a click, sent along by a refresh that
was on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.page import session

PAGES = {
    "home": ("pages/home.py", ":material/home:"),
    "train": ("pages/train.py", ":material/show_chart:"),
    "compare": ("pages/compare.py", ":material/stacked_line_chart:"),
    "diagnose": ("pages/diagnose.py", ":material/stethoscope:"),
    "inspect": ("pages/inspect.py", ":material/biotech:"),
    "lessons": ("pages/lessons.py", ":material/school:"),
    "runs": ("pages/runs.py", ":material/history:"),
}
_VISIT = "address.visit"


# when the URL is read


@dataclass
class _Visit:
    """One look at a page, from the link that led there to the one that leads away.

    Attributes:
        page: tells it from others; empty before the first page of the session has begun.
        held: the parameters of its URL, at first as the link had them.
        taken: the readers that had their turn.
    """

    page: str
    held: dict[str, str]
    taken: set[str] = field(default_factory=set)


def begin(page: str, anew: bool = False) -> None:
    """Begin a run of the script that draws `page`: read the URL where the page begins, else put it right.

    Args:
        page: tells the page from others.
        anew: whether the URL is to be read even though that page is open already: the browser went back or forward.
    """
    visit, url = st.session_state.get(_VISIT), st.query_params.to_dict()
    if visit is None or visit.page != page or anew:
        st.session_state[_VISIT] = _Visit(page, url)
    elif visit.held != url:
        st.query_params.from_dict(visit.held)


def once(reader: str, read: Callable[[], object]) -> bool:
    """Call `read` where the page begins, and only then; say whether it was called.

    Where the script is broken off in `read`, its next run calls it again.

    Args:
        reader: tells one use of this function from another.
        read: takes over what the URL asks for.
    """
    visit = _visit()
    if reader in visit.taken:
        return False
    read()
    visit.taken.add(reader)
    return True


def everything() -> dict[str, str]:
    """Return all parameters of the page that is open."""
    return dict(_visit().held)


def short_link() -> str | None:
    """Return the code of a short link (``?s=code``); it says nothing of the page and leads to another one."""
    return st.query_params.get("s")


def drop_short_link() -> None:
    """Take the code of a short link out of the URL."""
    st.query_params.pop("s", None)


def _visit() -> _Visit:
    visit: _Visit = st.session_state.setdefault(_VISIT, _Visit("", st.query_params.to_dict()))
    return visit


# what stands in it


@dataclass(frozen=True)
class Parameter:
    """One parameter of the URL.

    Attributes:
        meaning: what it says, in a few words.
        default: what holds without it, which is never written; None where that depends on what is shown.
        read: returns the value that a text of the URL stands for, or None where it stands for none; raises RNNLabError
            where the reader is to be told.
    """

    meaning: str
    default: str | None = None
    read: Callable[[str], str | None] = str


class Address:
    """The table of all that a page keeps in its URL; the page reads and writes its parameters through it.

    Args:
        parameters: by their names in the URL.
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = dict(parameters)

    def says(self, name: str) -> bool:
        """Say whether the URL has the parameter `name`."""
        self._known(name)
        return name in _visit().held

    def get(self, name: str) -> str:
        """Return the value of a parameter; its default, or nothing, where the URL does not have it.

        A value that is not allowed counts as none and leaves the URL; where `Parameter.read` raises, the page says why.
        """
        parameter, text = self._known(name), _visit().held.get(name)
        if text is None:
            return parameter.default or ""
        value = None
        try:
            value = parameter.read(text)
        except RNNLabError as error:
            session.complain(error)
        if value != text:
            self.write(**{name: value})
        return parameter.default or "" if value is None else value

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """Return a whole number from `low` to `high`, or `default` where the URL names none."""
        text = whole(low, high)(self.get(name))
        return default if text is None else int(text)

    def write(self, **changes: str | None) -> None:
        """Set parameters, or take those out that are None or at their default.

        Nothing is sent to the browser where they are so already; else one message, one step of its Back button.
        """
        held = _visit().held
        before = st.query_params.to_dict()
        after = dict(before)
        for name, value in changes.items():
            if value in (None, self._known(name).default):
                held.pop(name, None)
                after.pop(name, None)
            else:
                held[name] = after[name] = str(value)
        if after != before:
            st.query_params.from_dict(after)

    def _known(self, name: str) -> Parameter:
        return self.parameters[name]


def one_of(options: Collection[str]) -> Callable[[str], str | None]:
    """Return what reads a parameter that is one of `options`."""
    return lambda text: text if text in options else None


def whole(low: int, high: int) -> Callable[[str], str | None]:
    """Return what reads a parameter that is a whole number from `low` to `high`."""

    def read(text: str) -> str | None:
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        return str(int(text)) if is_number and low <= int(text) <= high else None

    return read


def stored_run(text: str) -> str:
    """Read a parameter that is the id of a run of this server.

    Raises:
        RunError: there is no such run.
    """
    return session.store().run(text).id


# the way to other pages


def open_page(name: str, parameters: Mapping[str, str] | None = None) -> None:
    """Go to another page and keep the language."""
    st.switch_page(PAGES[name][0], query_params={"lang": session.language(), **(parameters or {})})
