"""What exists once is made once, and closed once."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnlab import view
from rnnlab.view.data.once import Once, each_once


class Made:
    """Something that counts how often it was made and closed."""

    made = 0
    closed = 0

    def __init__(self) -> None:
        type(self).made += 1

    def close(self) -> None:
        type(self).closed += 1


def asked_together(ask: Callable[[], Any]) -> list[Any]:
    """Return what eight threads get that ask at the same time."""
    barrier, found = threading.Barrier(8), list[Any]()

    def one() -> None:
        barrier.wait()
        found.append(ask())

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_threads_get_the_same_one() -> None:
    class Thing(Made):
        pass

    def make() -> Thing:
        return Thing()

    found = asked_together(Once(make))
    assert Thing.made == 1
    assert len(set(found)) == 1


def test_who_needs_a_result_at_the_same_time_waits_for_it() -> None:
    computed: list[str] = []
    another = threading.Barrier(2)

    @each_once
    def specification(lang: str) -> dict[str, str]:
        computed.append(lang)
        with contextlib.suppress(threading.BrokenBarrierError):  # nobody else comes
            another.wait(timeout=0.3)
        return {"lang": lang}

    found = asked_together(lambda: specification("zh"))
    assert len(found) == 8
    assert all(one is found[0] for one in found)
    assert specification("en") == {"lang": "en"}
    assert computed == ["zh", "en"]


def test_no_chart_is_specified_by_each_of_the_first_visitors() -> None:
    modules = sorted(Path(view.__path__[0]).glob("*/charts.py"))
    assert len(modules) > 5
    for module in modules:
        assert "functools" not in module.read_text(encoding="utf-8"), f"{module}: use each_once"


def test_it_is_closed_when_it_is_released_and_then_made_anew() -> None:
    class Thing(Made):
        pass

    thing = Once(Thing, Thing.close)
    thing.release()  # there is nothing yet
    first = thing()
    thing.release()
    thing.release()
    assert Thing.closed == 1
    assert thing() is not first
    assert (Thing.made, Thing.closed) == (2, 1)


def test_it_is_closed_when_its_module_is_gone() -> None:
    class Thing(Made):
        pass

    thing = Once(Thing, Thing.close)
    thing()
    del thing
    gc.collect()
    assert Thing.closed == 1
