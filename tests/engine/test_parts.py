"""Work in parts: every thread has the same settings, errors arrive, and nothing is divided that would change a bit."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from rnnlab.engine import parts


def test_all_parts_are_computed_at_the_same_time() -> None:
    parts.use_threads(3)
    together = threading.Barrier(3, timeout=20)  # broken, unless three threads wait at it
    done: list[int] = []

    def work(number: int) -> None:
        together.wait()
        done.append(number)

    parts.compute(work, [0, 1, 2])
    assert sorted(done) == [0, 1, 2]


def test_one_thread_computes_the_parts_in_order() -> None:
    parts.use_threads(1)
    done: list[tuple[int, int]] = []
    parts.compute(lambda number: done.append((number, threading.get_ident())), [0, 1, 2])
    assert done == [(number, threading.get_ident()) for number in range(3)]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_is_raised_when_all_parts_have_ended(failing: int) -> None:
    parts.use_threads(3)
    ended: list[int] = []

    def work(number: int) -> None:
        try:
            if number == failing:
                raise ValueError(str(number))
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match=str(failing)):
        parts.compute(work, [0, 1, 2])
    assert sorted(ended) == [0, 1, 2]
    parts.compute(lambda number: None, [0, 1, 2])  # the threads are still there


def test_more_work_than_threads_is_done_in_turn() -> None:
    parts.use_threads(2)
    done: list[tuple[int, int]] = []
    parts.compute(lambda number: done.append((number, threading.get_ident())), range(5))
    assert sorted(number for number, _ in done) == list(range(5))
    assert len({thread for _, thread in done}) == 2


def test_threads_end_and_begin_again() -> None:
    parts.close()
    parts.use_threads(3)
    before = threading.active_count()
    parts.compute(lambda number: None, range(3))
    assert threading.active_count() == before + 2
    parts.close()
    assert threading.active_count() == before
    done: list[int] = []
    parts.compute(done.append, range(3))
    assert sorted(done) == [0, 1, 2]


def test_a_part_is_not_divided_further() -> None:
    parts.use_threads(4)
    assert parts.parts_of(8) == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]
    within: list[list[slice]] = []
    parts.compute(lambda part: within.append(parts.parts_of(8)), parts.parts_of(8))
    assert within == [[slice(0, 8)]] * 4
    assert parts.number_of_threads() == 4


@pytest.mark.parametrize(
    ("size", "multiple", "number", "ends"),
    [(8, 1, None, [3, 6, 8]), (2, 1, None, [1, 2]), (100, 16, None, [48, 96, 100]), (8, 1, 1, [8]), (0, 1, None, [0])],
)
def test_parts_cover_everything_once(size: int, multiple: int, number: int | None, ends: list[int]) -> None:
    parts.use_threads(3)
    divided = parts.parts_of(size, multiple, number)
    assert [part.stop for part in divided] == ends
    assert [part.start for part in divided] == [0, *ends[:-1]]


def test_every_thread_has_the_settings_of_the_run() -> None:
    denormal = torch.tensor([1e-40])
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush denormal numbers")
    for flush in (True, False, True):
        parts.prepare(flush)
        parts.use_threads(3)
        seen: list[tuple[bool, int, bool, bool]] = []
        with torch.no_grad():
            parts.compute(
                lambda number, seen=seen: seen.append(  # type: ignore[misc]
                    (
                        (denormal * 1.0).item() == 0,
                        torch.get_num_threads(),
                        torch.is_grad_enabled(),
                        torch._C._get_graph_executor_optimize(),
                    )
                ),
                [0, 1, 2],
            )
        assert seen == [(flush, 1, False, False)] * 3


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_shares_are_all_elements_once(threads: int) -> None:
    parts.use_threads(threads)
    generator = torch.Generator().manual_seed(0)
    shapes = [(1300, 913), (77,), (300, 401), (1,)]
    wanted = [torch.randn(shape, generator=generator) for shape in shapes]
    wanted[2] = wanted[2].t()  # stored in columns
    steps = [torch.randn(shape, generator=generator) for shape in shapes]
    steps[2] = steps[2].t()
    found = [tensor.clone() for tensor in wanted]
    torch._foreach_add_(wanted, steps, alpha=-0.3)
    shares = parts.shares(found, steps)
    assert len(shares) == threads
    numbers: list[int] = []

    def work(share: parts.Share) -> None:
        places, (values, of_steps) = share
        numbers.extend(places)
        torch._foreach_add_(values, of_steps, alpha=-0.3)

    parts.compute(work, shares)
    assert set(numbers) == {0, 1, 2, 3}
    assert all(map(torch.equal, found, wanted))


def test_tensors_of_different_layouts_are_not_divided() -> None:
    parts.use_threads(2)
    assert len(parts.shares([torch.zeros(600, 600)], [torch.zeros(600, 600).t()])) == 1


def test_exactness_is_tried_once_for_each_case() -> None:
    tried: list[Tensor] = []

    def compare() -> bool:
        tried.append(parts.noise((2, 3), torch.float32))
        return len(tried) == 1

    exact = parts.Exact()
    assert [exact.holds(case, compare) for case in ("a", "a", "b", "b", "a")] == [True, True, False, False, True]
    assert len(tried) == 2
    assert torch.equal(*tried)
