"""What forms share: widgets that can be reset, and errors of callbacks kept until the page is drawn."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.page import session


class Edition:
    """A set of widgets that can be reset: with a new key a widget is a new one and takes its initial value.

    Writing the value into the session's state is not safe: if two runs of the page follow each other closely, the
    browser can miss the written value and send the old one back as if the reader had chosen it.

    Args:
        form: the name of the form, the prefix of its widgets' keys.
    """

    def __init__(self, form: str) -> None:
        self._form = form

    @property
    def number(self) -> int:
        """How often the widgets have been reset in this session."""
        return int(st.session_state.get(f"edition.{self._form}", 0))

    def key(self, widget: str) -> str:
        """Return the key of a widget in this edition; if its options are translated, wrap it in `session.key`."""
        return f"{self._form}.{widget}.{self.number}"

    def renew(self) -> None:
        """Reset the widgets."""
        st.session_state[f"edition.{self._form}"] = self.number + 1


class Problems:
    """Errors of a part of the page, kept until the part is drawn.

    A callback runs before the page is drawn, so its own output would be lost.

    Args:
        part: the name of the part.
    """

    def __init__(self, part: str) -> None:
        self._key = f"problems.{part}"

    def guard(self, act: Callable[..., object], *args: object) -> None:
        """Call `act` and keep its RNNLabError; used as the callback of a widget."""
        try:
            act(*args)
        except RNNLabError as error:
            self.add(error)

    def add(self, error: RNNLabError, about: str = "") -> None:
        """Keep an error; the same error is kept only once.

        Args:
            error: the error.
            about: what the error is about if there are several things, such as the name of a file.
        """
        if not any((error.code, error.params, about) == (kept.code, kept.params, of) for kept, of in self._kept()):
            st.session_state[self._key] = [*self._kept(), (error, about)]

    def show(self, stay: bool = False) -> None:
        """Show the errors, and forget them unless they are to `stay` until `clear`."""
        for error, about in self._kept():
            session.show_error(error, about)
        if not stay:
            self.clear()

    def clear(self) -> None:
        """Forget the errors."""
        st.session_state.pop(self._key, None)

    def __len__(self) -> int:
        return len(self._kept())

    def _kept(self) -> list[tuple[RNNLabError, str]]:
        return list(st.session_state.get(self._key, ()))
