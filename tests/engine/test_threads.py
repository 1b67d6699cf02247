"""The number of threads: it changes no result, to the last bit, and it is the one with which a minibatch is fastest."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine import passes, products
from rnnlab.engine.model import build_model
from rnnlab.engine.parts import Exact, use_threads
from rnnlab.engine.products import add_products, product
from rnnlab.engine.tasks import Tasks
from rnnlab.engine.threads import REST_SECONDS, Team
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import MinibatchFinished
from rnnlab.text.vocab import Vocab

CHARACTERS = "".join(chr(0x4E00 + i * 7 % 300) for i in range(2000))
KINDS: dict[str, dict[str, Any]] = {
    "rnn": {},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm", "implementation": "library"},
    "library gru, two layers, both directions": {
        "cell": "gru",
        "implementation": "library",
        "num_layers": 2,
        "bidirectional": True,
    },
    "odd sizes": {"cell": "gru", "num_hiddens": 77, "batch_size": 3, "num_steps": 7},
    "odd rows": {"cell": "lstm", "num_hiddens": 301, "batch_size": 5, "num_steps": 7},
    "small products": {"num_hiddens": 20, "batch_size": 5, "num_steps": 5},
    "normalised and residual": {"cell": "lstm", "num_layers": 3, "layer_norm": True, "residual": True},
    "cloze": {"objective": "cloze", "bidirectional": True},
    "not detached": {"detach": False},
    "as written": {"cell": "lstm", "computation": "as_written"},
    "adam, random sampling": {"optimizer": "adam", "learning_rate": 1e-3, "sampling": "random"},
    "a divided update": {"cell": "lstm", "num_layers": 2, "num_hiddens": 260, "optimizer": "adam"},
    "denormal": {"flush_denormal": False, "activation": "relu"},
}


@pytest.fixture(params=["ordinary", "onednn"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute products with either library, whichever this processor would use; what parts are exact depends on it."""
    monkeypatch.setattr(products, "_ONEDNN", products._OPERATORS if request.param == "onednn" else None)
    monkeypatch.setattr(passes, "_exact", Exact())
    monkeypatch.setattr(products, "_exact", Exact())


def history(settings: dict[str, Any], numbers: list[int]) -> tuple[list[tuple[float, float | None]], list[Tensor]]:
    """Train six minibatches with these numbers of threads in turn; return losses, gradient norms and weights."""
    config = TrainConfig.make(
        **{"num_hiddens": 200, "num_steps": 10, "num_chars": 2000, "prefixes": (CHARACTERS[:2],), **settings}
    )
    prepare_thread(config)
    vocab = Vocab(CHARACTERS)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    turns = itertools.cycle(numbers)
    use_threads(next(turns))
    trained = []
    for event in train(state, vocab, vocab.encode(CHARACTERS)):
        if isinstance(event, MinibatchFinished):
            trained.append((event.loss, event.grad_norm))
            use_threads(next(turns))
        if len(trained) == 6:
            break
    return trained, [parameter.detach().clone() for parameter in state.model.parameters()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("library")
def test_the_number_of_threads_changes_no_bit(kind: str) -> None:
    losses, weights = history(KINDS[kind], [1])
    for numbers in ([2], [5], [1, 3, 2, 8]):
        others = history(KINDS[kind], numbers)
        assert others[0] == losses, numbers
        assert all(torch.equal(a, b) for a, b in zip(weights, others[1], strict=True)), numbers


# as in a minibatch of the book's recipes and of much larger and smaller ones: rows, inner size, columns
SHAPES = [(32, 256, 1024), (1120, 256, 1027), (1027, 1120, 256), (256, 1120, 768), (7, 300, 100), (2240, 1000, 28)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.usefixtures("library")
def test_a_product_is_the_same_in_any_number_of_threads(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(inner, columns, generator=generator)
    for left in (a, a.t().contiguous().t()):
        results = []
        for number in (1, 2, 3, 4, 6, 8, 16):
            use_threads(number)
            tasks = Tasks()
            results.append(add_products(tasks, left, b))
            tasks.run()
            assert torch.equal(results[-1], results[0]), number
            assert torch.get_num_threads() == 1  # everything else runs in one thread
        torch.testing.assert_close(results[0], product(left, b), atol=1e-3, rtol=1e-5)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be pinned to a core here")
def test_a_process_that_is_pinned_to_one_core_computes_the_same() -> None:
    script = (
        "import json, os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from tests.engine.test_threads import history\n"
        "print(json.dumps(history({'cell': 'gru'}, [4])[0]))"
    )
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert [tuple(pair) for pair in json.loads(out.stdout)] == history({"cell": "gru"}, [1])[0]


class Machine:
    """A machine on which a minibatch takes seconds that depend on the number of threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds = seconds
        self.number = 1
        self.used: set[int] = set()
        self.team = Team(self.use)

    def use(self, number: int) -> None:
        self.number = number
        self.used.add(number)

    def train(self, seconds: float) -> float:
        """Train for so many seconds; return the share of them with the number of threads that is the fastest."""
        best, at_best, total = min(self.seconds, key=self.seconds.__getitem__), 0.0, 0.0
        while total < seconds:
            took = self.seconds[self.number]
            at_best += took * (self.number == best)
            total += took
            self.team.finished(took)
        return at_best / total


@pytest.mark.parametrize("minibatch", [0.002, 0.05, 0.5])
@pytest.mark.parametrize("best", [1, 2, 4, 8])
def test_a_team_finds_the_number_of_threads_that_is_the_fastest(best: int, minibatch: float) -> None:
    machine = Machine({number: minibatch * (1 + 0.3 * abs(best - number)) for number in range(1, 9)})
    machine.team.grant(8)
    assert machine.number == 8
    machine.train(40 * minibatch * 12)
    assert machine.train(100) > 0.8
    # something else begins to use the other cores
    machine.seconds = {number: minibatch * number for number in range(1, 9)}
    machine.train(300 * minibatch * 8 + 8 * REST_SECONDS[1])
    assert machine.train(100) > 0.8


def test_a_team_that_has_what_it_needs_seldom_tries_something_else() -> None:
    machine = Machine({1: 0.02, 2: 0.0125})
    machine.team.grant(2)
    machine.train(30)
    assert machine.train(300) > 0.98


def test_a_team_notices_soon_that_something_else_uses_the_other_core() -> None:
    machine = Machine({1: 0.02, 2: 0.0125})
    machine.team.grant(2)
    machine.train(120)
    machine.seconds[2] = 0.03
    machine.train(REST_SECONDS[0] + 1)
    assert machine.number == 1
    # and, once it is idle again, that it is
    machine.seconds[2] = 0.0125
    machine.train(REST_SECONDS[0] + 2)
    assert machine.number == 2


def test_a_machine_that_is_slower_as_a_whole_is_no_reason_for_trial_after_trial() -> None:
    machine = Machine({1: 0.02, 2: 0.0125})
    machine.team.grant(2)
    machine.train(120)
    machine.seconds = {1: 0.04, 2: 0.025}
    assert machine.train(60) > 0.94


def test_minibatches_of_uneven_duration_are_no_reason_for_trial_after_trial() -> None:
    machine = Machine({1: 0.02, 2: 0.0125})
    machine.team.grant(2)
    at_best = 0.0
    for _ in range(60):
        machine.seconds[2] = 0.0125
        at_best += machine.train(1)
        machine.seconds[2] = 0.016
        at_best += machine.train(1)
    assert at_best / 120 > 0.9


def test_a_team_takes_no_more_than_its_share() -> None:
    machine = Machine({number: 0.1 / number for number in range(1, 9)})
    machine.train(10)
    assert machine.number == 1
    machine.team.grant(4)
    machine.train(60)
    assert machine.used == {2, 4}  # once in a while it looks whether fewer would do
    machine.team.grant(1)  # at once
    assert machine.number == 1
    machine.train(60)
    assert machine.number == 1
