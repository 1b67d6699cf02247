"""Work with an order: nothing begins too early, every thread finds work, and an error ends it all."""

from __future__ import annotations

import random
import threading

import pytest

from rnnlab.engine.parts import use_threads
from rnnlab.engine.tasks import Task, Tasks


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_task_begins_before_those_that_it_waits_for_have_ended(threads: int) -> None:
    use_threads(threads)
    generator = random.Random(0)
    for _ in range(30):
        tasks, before, ended = Tasks(), dict[int, list[int]](), list[int]()
        seen: dict[int, set[int]] = {}

        def work(number: int, seen: dict[int, set[int]] = seen, ended: list[int] = ended) -> None:
            seen[number] = set(ended)
            ended.append(number)

        added: list[Task] = []
        for number in range(40):
            before[number] = generator.sample(range(number), min(number, generator.randrange(4)))
            after = [added[other] for other in before[number]]
            added.append(tasks.add(lambda number=number: work(number), after, urgent=generator.random() < 0.5))  # type: ignore[misc]
        tasks.run()
        assert sorted(ended) == list(range(40))
        assert all(seen[number].issuperset(before[number]) for number in range(40))


def test_one_thread_does_everything_when_it_is_added() -> None:
    tasks, done = Tasks(), list[int]()
    for number in range(6):
        tasks.add(lambda number=number: done.append(number), urgent=number % 2 == 0)  # type: ignore[misc]
        assert done == list(range(number + 1))
    tasks.run()
    assert done == list(range(6))


def test_tasks_that_do_not_wait_for_each_other_run_at_the_same_time() -> None:
    use_threads(3)
    tasks, together = Tasks(), threading.Barrier(3, timeout=20)  # broken, unless three threads wait at it
    first = tasks.add(lambda: None)
    for _ in range(3):
        tasks.add(together.wait, [first])
    tasks.run()


def test_what_is_urgent_begins_first() -> None:
    use_threads(2)
    tasks, done = Tasks(), list[str]()
    other_waits, may_go = threading.Event(), threading.Event()

    def occupy() -> None:
        other_waits.set()
        assert may_go.wait(20)

    begun = tasks.add(lambda: other_waits.wait(20))
    tasks.add(occupy)  # one thread is busy until everything else has been done
    for number in range(3):
        tasks.add(lambda number=number: done.append(f"idle {number}"), [begun], urgent=False)  # type: ignore[misc]
    tasks.add(lambda: done.append("urgent"), [begun])
    tasks.add(may_go.set, [begun], urgent=False)
    tasks.run()
    assert done == ["urgent", "idle 0", "idle 1", "idle 2"]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("failing", [0, 3, 5])
def test_an_error_ends_all_tasks_and_is_raised(threads: int, failing: int) -> None:
    use_threads(threads)
    tasks, done, last = Tasks(), list[int](), list[Task]()

    def work(number: int) -> None:
        if number == failing:
            raise ValueError("as expected")
        done.append(number)

    with pytest.raises(ValueError, match="as expected"):  # noqa: PT012
        for number in range(6):
            last = [tasks.add(lambda number=number: work(number), last)]  # type: ignore[misc]
        tasks.run()
    assert done == list(range(failing))
    more = Tasks()
    for number in range(4):
        more.add(lambda number=number: done.append(-number))  # type: ignore[misc]
    more.run()  # the threads are still there
    assert len(done) == failing + 4


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_to_do_takes_no_time(threads: int) -> None:
    use_threads(threads)
    Tasks().run()
