"""Tasks that wait for each other, done by whichever thread is free.

Much of a minibatch can begin before what precedes it has ended: the next layer can read the first time steps while this
one walks through the others, and the gradient of the output layer's weights can be computed beside the walk back in
time. `Tasks` holds such work: each task names those that must have ended before it begins. A free thread takes, of
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
    """Tasks that are done once, by as many threads as there are when it is made.

    A single thread does a task within `add`, so everything that the work reads must be set before.
    """

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
        """Do all work that has not been done.

        After an error, no more tasks begin; it is raised when those at work have ended.
        """
        threads, queue = min(self._threads, len(self._tasks)), _Queue(self._tasks)
        self._tasks = []
        if threads:
            run([queue.work] * threads)


class _Queue:
    """Gives tasks to threads, each as soon as those that it waits for have ended."""

    def __init__(self, tasks: list[Task]) -> None:
        self._left = len(tasks)
        self._ready = [task for task in tasks if not task.waits_for]
        heapq.heapify(self._ready)
        self._changed = threading.Condition(threading.Lock())
        self._waiting = 0

    def work(self) -> None:
        """Do one task after another until all have ended or one has failed."""
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
        """Note that `done` has ended; wait for a task that can begin and return it, or None at the end."""
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
