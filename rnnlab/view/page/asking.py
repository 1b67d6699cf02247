"""Questions to a checkpoint that take longer than drawing a page: computed in threads, once for all viewers."""

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
from rnnlab.view.data.once import Once
from rnnlab.view.language.i18n import t
from rnnlab.view.page import refresh, session

T = TypeVar("T")

PATIENCE = 0.15
"""Total seconds that one run of the page waits for answers."""
_TICK = 0.5
_KEPT = 400
_SPENT = "asking.spent"
OPEN = "asking.open"
_LIVE = "asking.live"  # run id -> version of the run that the page shows
_PACE = 2.5


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The answer to a question: with a `value`, an `error`, or neither while it is being computed."""

    value: T | None = None
    error: RNNLabError | None = None

    @property
    def waiting(self) -> bool:
        """Whether the answer is still being computed."""
        return self.value is None and self.error is None


class _Questions:
    """All questions and their futures; two threads, so that the answers leave the processor to the training."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="ask")
        self._asked: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def future(self, key: Hashable, work: Callable[[], Any] | None) -> Future[Any] | None:
        with self._lock:
            future = self._asked.get(key)
            if future is None and work is not None:
                future = self._asked[key] = self._pool.submit(work)
            if future is not None:
                self._asked.move_to_end(key)
            # futures that are not done have viewers who wait for them
            for old in [question for question, other in self._asked.items() if other.done()][
                : len(self._asked) - _KEPT
            ]:
                del self._asked[old]
            return future

    def forget(self, key: Hashable) -> None:
        with self._lock:
            self._asked.pop(key, None)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


_questions = Once(_Questions)


def close() -> None:
    """Compute nothing more, when the server stops; the thread of a question ends with the connection to the runs."""
    _questions().close()


def begin() -> None:
    """Begin a run of the page: forget what the previous run waited for."""
    st.session_state[_SPENT] = 0.0
    st.session_state[OPEN] = []
    st.session_state[_LIVE] = {}


def ask(key: Hashable, work: Callable[[], T], corpus: str) -> Answer[T]:
    """Return the answer to the question `key`; at the first request, start `work` in another thread.

    Args:
        key: identifies the question.
        work: computes the answer, which all viewers share.
        corpus: the text of the network that is asked; a visitor who may not read it gets no answer.
    """
    try:
        session.check_reads(corpus)
    except RNNLabError as error:
        return Answer(error=error)
    future = _questions().future(key, work)
    assert future is not None
    return _answer(future)


def known(key: Hashable) -> Answer[Any] | None:
    """Return the answer to the question `key`, or None if it has not been asked."""
    future = _questions().future(key, None)
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
    """Draw the state of a missing answer: a placeholder while it is computed, or the error and a button to retry."""
    lang = session.language()
    if answer.error is not None:
        session.show_error(answer.error)
        st.button(
            t("diagnose.again", lang), icon=":material/refresh:", type="tertiary", key=f"asking.again.{key}",
            on_click=_questions().forget, args=(key,),
        )  # fmt: skip
    elif answer.waiting:
        st.caption(t("diagnose.asking", lang))
        st.skeleton(height=height)


def follow(record: RunRecord) -> None:
    """Register a run that the page shows, so that the page follows it while it is live."""
    if record.live:
        st.session_state.setdefault(_LIVE, {})[record.id] = record.version


def watch() -> None:
    """End a run of the page: draw it again when an answer arrives or a live run on it has new events."""
    open_, live = list(st.session_state.get(OPEN, ())), dict(st.session_state.get(_LIVE, {}))
    if not open_ and not live:
        return
    begun = time.monotonic()

    def news() -> bool:
        if any(future.done() for future in open_):
            return True
        return time.monotonic() - begun >= _PACE and any(_changed(run_id, version) for run_id, version in live.items())

    refresh.moving(news, _TICK if open_ else _PACE, rest=False)


def _changed(run_id: str, version: int) -> bool:
    try:
        return session.store().version(run_id) != version
    except RunError:  # deleted in the meantime
        return True
