"""Work with an order, which threads take as they become free.

Much of a minibatch can begin before what precedes it has ended: the next layer can read the first time steps while this
one walks through the others, and the gradient of the output layer's weights can be computed beside the walk back in
time. `Tasks` are such work. Each names the tasks that must have ended before it can begin. A free thread takes, of
those that can begin, the one that was added first, urgent ones before the others. A single thread does each of them
when it is added, so that memory is free again as soon as possible.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable

from rnnlab.engine.parts import Work, number_of_threads, run


class Task:
    """Work that can begin when other tasks have ended."""

    __slots__ = ("followers", "place", "waits_for", "work")

    def __init__(self, work: Work, place: tuple[bool, int]) -> None:
        self.work, self.place = work, place
        self.followers: list[Task] = []
        self.waits_for = 0

    def __lt__(self, other: Task) -> bool:
        return self.place < other.place


_ENDED = Task(lambda: None, (False, 0))


class Tasks:
    """Tasks that are done once, by as many threads as there are."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._threads = number_of_threads()

    def add(self, work: Work, after: Iterable[Task] = (), urgent: bool = True) -> Task:
        """Add work that can begin when all tasks of `after` have ended; return its task.

        Several threads begin work that is not urgent only when nothing urgent can begin.
        """
        if self._threads == 1:
            work()
            return _ENDED
        task = Task(work, (not urgent, len(self._tasks)))
        for before in after:
            before.followers.append(task)
            task.waits_for += 1
        self._tasks.append(task)
        return task

    def run(self) -> None:
        """Do all work that has not been done; raise the first error when no thread is at work any more."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            run([_Queue(tasks).work] * min(self._threads, len(tasks)))


class _Queue:
    """The tasks that can begin."""

    def __init__(self, tasks: list[Task]) -> None:
        self._left = len(tasks)
        self._ready = [task for task in tasks if not task.waits_for]
        heapq.heapify(self._ready)
        self._changed = threading.Condition(threading.Lock())
        self._waiting = 0

    def work(self) -> None:
        """Do one task after another until all have begun, or one has failed."""
        done: Task | None = None
        try:
            while (task := self._next(done)) is not None:
                task.work()
                done = task
        except BaseException:
            with self._changed:
                self._left = 0
                self._changed.notify_all()
            raise

    def _next(self, done: Task | None) -> Task | None:
        """Return the next task when one can begin; None if there is none."""
        with self._changed:
            if done is not None:
                self._end(done)
            while not self._ready and self._left > 0:
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1
            return heapq.heappop(self._ready) if self._left > 0 else None

    def _end(self, done: Task) -> None:
        self._left -= 1
        for task in done.followers:
            task.waits_for -= 1
            if not task.waits_for:
                heapq.heappush(self._ready, task)
        if self._left <= 0:
            self._changed.notify_all()
        elif self._waiting and len(self._ready) > 1:  # this thread takes one of them itself
            self._changed.notify(len(self._ready) - 1)
