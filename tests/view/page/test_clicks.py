"""A click delivered twice: in sequence, at the same time, and after an error."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnlab.view.page.clicks import Clicks


def test_what_comes_twice_is_done_once_and_answered_alike() -> None:
    clicks, done = Clicks(), []
    for _ in range(2):
        assert clicks.once("start", lambda: done.append("run") or len(done)) == 1
    assert clicks.once("another", lambda: done.append("run") or len(done)) == 2
    assert clicks.once("start", lambda: done.append("run") or len(done), window=0.0) == 3  # after the window


def test_the_second_waits_for_the_first_and_takes_its_answer() -> None:
    clicks, begun, go_on, done = Clicks(), threading.Event(), threading.Event(), []

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        done.append("run")
        return "first"

    with ThreadPoolExecutor() as pool:
        first = pool.submit(clicks.once, "start", slow)
        assert begun.wait(10)
        second = pool.submit(clicks.once, "start", lambda: done.append("run") or "second")
        go_on.set()
        assert (first.result(10), second.result(10)) == ("first", "first")
    assert done == ["run"]


def test_what_was_refused_is_tried_again() -> None:
    def refuse() -> str:
        raise ValueError("full")

    clicks = Clicks()
    with pytest.raises(ValueError, match="full"):
        clicks.once("start", refuse)
    assert clicks.once("start", lambda: "run") == "run"
