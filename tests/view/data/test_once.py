"""What exists once is made once, and closed once."""

from __future__ import annotations

import gc
import threading

from rnnlab.view.data.once import Once


class Made:
    """Something that counts how often it was made and closed."""

    made = 0
    closed = 0

    def __init__(self) -> None:
        type(self).made += 1

    def close(self) -> None:
        type(self).closed += 1


def test_many_threads_get_the_same_one() -> None:
    class Thing(Made):
        pass

    barrier, found = threading.Barrier(8), []

    def make() -> Thing:
        return Thing()

    thing = Once(make)

    def ask() -> None:
        barrier.wait()
        found.append(thing())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Thing.made == 1
    assert len(set(found)) == 1


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
