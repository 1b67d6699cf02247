"""What every form needs: widgets that begin anew, and a place for what a callback got wrong."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.page import session


class Edition:
    """Widgets that can begin anew: under another key a widget is a new one, and takes its initial value.

    To write into the old ones by the session's state is not safe: when two runs of the page follow each other closely,
    the browser can miss what was written, and bring their old values back as if a reader had chosen them.

    Args:
        form: the name of the widgets' form; their keys begin with it.
    """

    def __init__(self, form: str) -> None:
        self._form = form

    @property
    def number(self) -> int:
        """How often the widgets began anew in this session."""
        return int(st.session_state.get(f"edition.{self._form}", 0))

    def key(self, widget: str) -> str:
        """Return the key of a widget in this edition; one whose choices are words needs `session.key` around it."""
        return f"{self._form}.{widget}.{self.number}"

    def renew(self) -> None:
        """Let the widgets begin anew."""
        st.session_state[f"edition.{self._form}"] = self.number + 1


class Problems:
    """What went wrong before a part of the page is drawn, kept for that part to say.

    A callback runs before the page is drawn, and what it wrote there would be gone.

    Args:
        part: of the page; its name.
    """

    def __init__(self, part: str) -> None:
        self._key = f"problems.{part}"

    def guard(self, act: Callable[..., object], *args: object) -> None:
        """Call `act`, and keep the error where it is refused; to be given to a widget as its callback."""
        try:
            act(*args)
        except RNNLabError as error:
            self.add(error)

    def add(self, error: RNNLabError, about: str = "") -> None:
        """Keep an error, the same one only once.

        Args:
            error: the error.
            about: what it is about where there are several things, such as the name of a file.
        """
        if not any((error.code, error.params, about) == (one.code, one.params, of) for one, of in self._kept()):
            st.session_state[self._key] = [*self._kept(), (error, about)]

    def say(self, stay: bool = False) -> None:
        """Say them; they are gone then, unless they are to `stay` until `clear`."""
        for error, about in self._kept():
            session.complain(error, about)
        if not stay:
            self.clear()

    def clear(self) -> None:
        """Forget them."""
        st.session_state.pop(self._key, None)

    def __len__(self) -> int:
        return len(self._kept())

    def _kept(self) -> list[tuple[RNNLabError, str]]:
        return list(st.session_state.get(self._key, ()))
