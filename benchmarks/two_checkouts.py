"""Two checkouts in alternation: has a change to the engine made training, writing or looking slower?

``python -m benchmarks.two_checkouts PATH`` compares this checkout with the one at PATH, which for instance
``git worktree add PATH COMMIT`` makes. A process for each takes turns with the other, so that whatever else the machine
does meets both alike, and counts its own CPU seconds in one thread: a minibatch of each recipe, 1,000 characters that
are generated, and the answer of the microscope on 100 characters. The lower quartiles are compared, since what else the
machine does can only add.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

RECIPES = ("A2", "A3", "A6", "A7", "A8", "A9", "A10")
ROUNDS = {"minibatch": 60, "generate": 16, "inspect": 40}
HERE = Path(__file__).resolve().parent.parent


class Checkout:
    """A process that works with the code of one checkout."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--work"],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, task: str) -> float:
        """Return the CPU seconds of a task: ``"minibatch A2"``, ``"generate A2"`` or ``"inspect A2"``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(task, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def measure(before: Checkout, after: Checkout, task: str, rounds: int) -> tuple[float, float]:
    """Return the lower quartile of the seconds before and after."""
    taken: dict[Checkout, list[float]] = {before: [], after: []}
    for number in range(rounds + 2):
        # alternate the order, so that neither checkout always runs on caches that the other has filled
        for checkout in (before, after) if number % 2 else (after, before):
            taken[checkout].append(checkout.seconds(task))
    # the first rounds allocate memory
    low, high = (statistics.quantiles(taken[checkout][2:], n=4)[0] for checkout in (before, after))
    return low, high


def main(other: Path, recipes: tuple[str, ...] = RECIPES) -> None:
    """Print a row for each recipe and task."""
    before, after = Checkout(other), Checkout(HERE)
    print(f"{'':14}{'before ms':>10}{'after ms':>10}{'after ÷ before':>16}")
    for task, rounds in ROUNDS.items():
        for name in recipes:
            old, new = measure(before, after, f"{task} {name}", rounds)
            print(f"{task:10}{name:4}{1000 * old:10.2f}{1000 * new:10.2f}{new / old:16.3f}", flush=True)
    before.close()
    after.close()


def work() -> None:
    """Do what comes line by line, and answer with the seconds that it took."""
    tasks: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        if line not in tasks:
            tasks[line] = prepare(*line.split())
        started = time.thread_time()
        tasks[line]()
        print(time.thread_time() - started, flush=True)


def prepare(kind: str, name: str) -> Callable[[], object]:
    """Return a task that can be done again and again; a minibatch is the next one of a run."""
    import torch

    from benchmarks.engine_speed import book_shaped_text
    from rnnlab.engine.generation import generate
    from rnnlab.engine.microscope import inspect
    from rnnlab.engine.model import build_model
    from rnnlab.engine.training import TrainingState, prepare_thread, train
    from rnnlab.recipes import recipe
    from rnnlab.text.vocab import Vocab

    text = book_shaped_text()
    vocab = Vocab(text)
    config = recipe(name).config.change(num_epochs=10_000, pred_period=10_000, num_preds=0, prefixes=(text[0],))
    prepare_thread(config)
    model = build_model(config, len(vocab))
    if kind == "minibatch":
        events = train(TrainingState.begin(model, config), vocab, torch.tensor(vocab.encode(text)))
        return lambda: next(event for event in events if event.kind == "minibatch_finished")
    if kind == "generate":
        return lambda: generate(model, vocab, text[:2], 1000)
    return lambda: inspect(model, config, vocab, text[:100])


if __name__ == "__main__":
    work() if sys.argv[1:] == ["--work"] else main(Path(sys.argv[1]).resolve(), tuple(sys.argv[2:]) or RECIPES)
