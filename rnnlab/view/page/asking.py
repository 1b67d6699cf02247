"""Questions to a checkpoint that take longer than a page may: asked aside, once for all viewers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import t
from rnnlab.view.page import refresh, session

T = TypeVar("T")

PATIENCE = 0.15
"""Seconds that one drawing of the page waits, in all, for answers that are about to come."""
_TICK = 0.5
_KEPT = 400
_SPENT = "asking.spent"
OPEN = "asking.open"
_LIVE = "asking.live"  # run -> its version as it is drawn
_PACE = 2.5


@dataclass(frozen=True)
class Answer(Generic[T]):
    """How a question stands: with a `value`, an `error`, or neither as long as it is being worked on."""

    value: T | None = None
    error: RNNLabError | None = None

    @property
    def waiting(self) -> bool:
        """Whether nothing has come yet."""
        return self.value is None and self.error is None


class _Book:
    """Every question with its answer to come; a few at a time, so that nobody's training is starved."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="ask")
        self._asked: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def future(self, key: Hashable, work: Callable[[], Any] | None) -> Future[Any] | None:
        with self._lock:
            found = self._asked.get(key)
            if found is None and work is not None:
                found = self._asked[key] = self._pool.submit(work)
            if found is not None:
                self._asked.move_to_end(key)
            # what is still being worked on has somebody who waits for it
            for old in [one for one, future in self._asked.items() if future.done()][: len(self._asked) - _KEPT]:
                del self._asked[old]
            return found

    def forget(self, key: Hashable) -> None:
        with self._lock:
            self._asked.pop(key, None)


@st.cache_resource(show_spinner=False)
def _book() -> _Book:
    return _Book()


def begin() -> None:
    """Begin a page: nothing is waited for yet."""
    st.session_state[_SPENT] = 0.0
    st.session_state[OPEN] = []
    st.session_state[_LIVE] = {}


def ask(key: Hashable, work: Callable[[], T]) -> Answer[T]:
    """Return how the question `key` stands; at its first time it is asked, by calling `work` in another thread."""
    future = _book().future(key, work)
    assert future is not None
    return _answer(future)


def known(key: Hashable) -> Answer[Any] | None:
    """Return how the question `key` stands, or None where nobody has asked it."""
    future = _book().future(key, None)
    return None if future is None else _answer(future)


def _answer(future: Future[Any]) -> Answer[Any]:
    left = PATIENCE - float(st.session_state.get(_SPENT, 0.0))
    if not future.done() and left > 0:
        begun = time.monotonic()
        wait([future], timeout=left)
        st.session_state[_SPENT] = PATIENCE - left + time.monotonic() - begun
    if not future.done():
        st.session_state.setdefault(OPEN, []).append(future)
        return Answer()
    problem = future.exception()
    if isinstance(problem, RNNLabError):
        return Answer(error=problem)
    return Answer(value=future.result())


def explain(answer: Answer[Any], key: Hashable, height: int = 120) -> None:
    """Draw an answer that is none: that it is being worked on, or what went wrong, with a button to ask again."""
    lang = session.language()
    if answer.error is not None:
        session.complain(answer.error)
        st.button(
            t("diagnose.again", lang), icon=":material/refresh:", type="tertiary", key=f"asking.again.{key}",
            on_click=_book().forget, args=(key,),
        )  # fmt: skip
    elif answer.waiting:
        st.caption(t("diagnose.asking", lang))
        st.skeleton(height=height)


def follow(record: RunRecord) -> None:
    """Note that the page shows a run: while it is live, the page follows it."""
    if record.live:
        st.session_state.setdefault(_LIVE, {})[record.id] = record.version


def watch() -> None:
    """End a page: while an answer is waited for, or a run on it trains, look again, and draw it anew with what came."""
    open_, live = list(st.session_state.get(OPEN, ())), dict(st.session_state.get(_LIVE, {}))
    if not open_ and not live:
        return
    begun = time.monotonic()

    def news() -> bool:
        if any(future.done() for future in open_):
            return True
        return time.monotonic() - begun >= _PACE and any(_moved(*one) for one in live.items())

    refresh.moving(news, _TICK if open_ else _PACE, rest=False)


def _moved(run_id: str, version: int) -> bool:
    try:
        return session.store().version(run_id) != version
    except RunError:  # deleted meanwhile
        return True
