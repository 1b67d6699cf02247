"""Parts of a minibatch, each computed by a thread of its own.

torch can divide single operations among threads, but between two time steps there is too little to divide, and the last
bits of some operations depend on the number of threads. Here threads therefore compute parts that do not depend on each
other: all time steps of some rows of a minibatch, some columns of a product, some of the parameters. Each thread uses
torch with one thread of its own; torch releases Python's lock while it computes.

The number of threads must not change a result, so a part must be computed as it is within the whole. For sums, products
and functions of single elements that is certain as long as no sum is split. Libraries may choose another method for
another shape, which `Exact` tries with random numbers before the first time that parts of this shape are used.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

Part = TypeVar("Part")
Work = Callable[[], object]
Share = tuple[list[int], list[list[Tensor]]]
"""The places of some tensors in a list of tensors, and for each list the elements of them that a thread computes."""
MULTIPLE = 16
"""Columns of a product are divided at multiples of this number, so that vectors of the processor are not cut."""
DIVIDED = 2**21
"""Number of elements read from which a function of single elements is divided: about a third of a millisecond."""

_threads = 1
_others: list[_Thread] = []
_flush_denormal = False
_within = threading.local()


def use_threads(number: int) -> None:
    """Divide work among `number` threads from now on, including the thread that calls."""
    global _threads
    _threads = number


def prepare(flush_denormal: bool) -> None:
    """Set the settings of torch that each thread has for itself, in all threads.

    Denormal numbers become zero if `flush_denormal` is set. The loops of `rnnlab.engine.walks` run as they are
    compiled: to optimise them for new shapes takes a tenth of a second and gains nothing.
    """
    global _flush_denormal
    torch.set_flush_denormal(flush_denormal)
    torch._C._set_graph_executor_optimize(False)
    if flush_denormal != _flush_denormal:
        close()
    _flush_denormal = flush_denormal


def close() -> None:
    """End the other threads; they start again when they are needed."""
    while _others:
        _others.pop().close()


def number_of_threads() -> int:
    """Return the number of threads that share the work; 1 within a part."""
    return 1 if getattr(_within, "part", False) else _threads


def parts_of(size: int, multiple: int = 1, number: int | None = None) -> list[slice]:
    """Return slices that divide `size` elements evenly.

    Args:
        size: number of elements.
        multiple: all but the last part have a multiple of this number of elements.
        number: at most this many parts; by default, one for each thread.
    """
    number = number_of_threads() if number is None else number
    step = -(-max(1, size) // (number * multiple)) * multiple
    return [slice(start, min(start + step, size)) for start in range(0, max(1, size), step)]


def compute(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """Do the work for all parts, see `run`."""
    run([functools.partial(work, part) for part in parts])


def run(work: Sequence[Work]) -> None:
    """Do all work at the same time, the first in this thread; raise the first error when all have ended."""
    if number_of_threads() == 1 or len(work) < 2:
        for one in work:
            one()
        return
    grads, threads = torch.is_grad_enabled(), number_of_threads()
    if len(work) > threads:
        work = [functools.partial(in_turn, work[first::threads]) for first in range(threads)]
    while len(_others) < len(work) - 1:  # only when they are needed: before a fork there must be none
        _others.append(_Thread())
    others = _others[: len(work) - 1]
    for thread, one in zip(others, work[1:], strict=True):
        thread.start(one, grads)
    try:
        _alone(work[0], grads)
    finally:
        errors = [thread.join() for thread in others]
    for error in errors:
        if error is not None:
            raise error


def in_turn(work: Iterable[Work]) -> None:
    """Do all work, one after the other."""
    for one in work:
        one()


def shares(*lists: Sequence[Tensor]) -> list[Share]:
    """Divide corresponding tensors for functions of single elements, a share for each thread.

    Args:
        lists: lists of tensors without gaps in memory.
    """
    numbers = list(range(len(lists[0])))
    if any(a.stride() != b.stride() for others in lists[1:] for a, b in zip(lists[0], others, strict=True)):
        return [(numbers, [list(tensors) for tensors in lists])]
    flat = [[_as_stored(tensor) for tensor in tensors] for tensors in lists]
    if number_of_threads() == 1 or len(lists) * sum(tensor.numel() for tensor in lists[0]) < DIVIDED:
        return [(numbers, flat)]
    cut = [parts_of(tensor.numel(), MULTIPLE**2) for tensor in flat[0]]
    divided = []
    for thread in range(max(map(len, cut))):
        mine = [number for number in numbers if thread < len(cut[number])]
        divided.append((mine, [[tensors[number][cut[number][thread]] for number in mine] for tensors in flat]))
    return divided


def _as_stored(tensor: Tensor) -> Tensor:
    """Return the elements of a tensor as one axis, in the order in which they are stored: Adam copies anything else."""
    return (tensor if tensor.is_contiguous() else tensor.t()).view(-1)


def _alone(work: Work, grads: bool) -> None:
    """Do work that is not divided further."""
    _within.part = True
    try:
        with torch.set_grad_enabled(grads):
            work()
    finally:
        _within.part = False


class _Thread:
    """A thread that does one piece of work at a time.

    Two locks are all that is passed on, because there are tens of thousands of pieces in a minute: with a pool of the
    standard library, each begins and ends a twentieth of a millisecond later.
    """

    def __init__(self) -> None:
        self._work: Work | None = None
        self._grads = False
        self._error: BaseException | None = None
        self._begin, self._end = threading.Lock(), threading.Lock()
        self._begin.acquire()
        self._end.acquire()
        self._flush_denormal = _flush_denormal
        self._thread = threading.Thread(target=self._loop, name="part", daemon=True)
        self._thread.start()

    def start(self, work: Work, grads: bool) -> None:
        """Start work in the thread, with gradients enabled or not."""
        self._work, self._grads = work, grads
        self._begin.release()

    def join(self) -> BaseException | None:
        """Wait until the work has ended and return its error, if there was one."""
        self._end.acquire()
        error, self._error = self._error, None
        return error

    def close(self) -> None:
        """End the thread."""
        self._work = None
        self._begin.release()
        self._thread.join()

    def _loop(self) -> None:
        torch.set_num_threads(1)
        torch.set_flush_denormal(self._flush_denormal)
        torch._C._set_graph_executor_optimize(False)
        while True:
            self._begin.acquire()
            if self._work is None:
                return
            try:
                _alone(self._work, self._grads)
            except BaseException as error:  # raised again by the thread that waits for this one
                self._error = error
            self._work = None
            self._end.release()


class Exact:
    """The cases in which a result in parts equals the whole result to the last bit; each is tried once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, bool] = {}

    def holds(self, case: Hashable, compare: Callable[[], bool]) -> bool:
        """Return whether parts are exact in this case.

        Args:
            case: everything on which the answer depends.
            compare: computes random numbers both ways and returns whether all bits are equal.
        """
        if case not in self._known:
            with torch.no_grad():
                self._known[case] = compare()
        return self._known[case]


def noise(shape: Sequence[int], dtype: torch.dtype, stride: Sequence[int] | None = None) -> Tensor:
    """Return random numbers between -1 and 1, the same ones each time, in rows or with these strides."""
    generator = torch.Generator().manual_seed(0)
    empty = torch.empty(shape, dtype=dtype) if stride is None else torch.empty_strided(shape, stride, dtype=dtype)
    return empty.uniform_(-1, 1, generator=generator)
