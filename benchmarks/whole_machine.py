"""Seconds of the clock per epoch: the published algorithm with all threads, the engine alone, and two runs at once.

    python -m benchmarks.whole_machine [--recipes A2 A6] [--rounds 5] [--busy] [--against PATH]

Each form trains in a process of its own, the published one with torch's defaults, the engine in the environment of a
worker and with the team of threads of one. They take turns, two epochs each, of which the second counts, while the
others wait. "Two at once" are two runs of the engine in one thread each: their epochs per second together, in multiples
of a run that has the machine for itself in one thread. With ``--busy``, another program keeps a core busy all the
time. With ``--against``, the engine of another checkout takes its turn too, with all cores; the last column is what
this one takes relative to it. ``git worktree add PATH COMMIT`` makes such a checkout.

Then the time of a measurement on held-out text, relative to an epoch of A2 in one thread (goal: below 3 %).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import torch

from benchmarks.engine_speed import book_shaped_text
from benchmarks.published import PublishedRun
from rnnlab.config import TrainConfig
from rnnlab.engine.held_out import HeldOut
from rnnlab.engine.model import build_model
from rnnlab.engine.threads import Team
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished, MinibatchFinished
from rnnlab.recipes import recipe
from rnnlab.runs.limits import Limits
from rnnlab.runs.process import worker_environment
from rnnlab.text.vocab import Vocab

HERE = Path(__file__).resolve().parent.parent
RECIPES = ("A2", "A3", "A6", "A7", "A8", "A9", "A10")


class Form:
    """A process that trains an epoch when it is asked to.

    Args:
        name: the recipe.
        threads: threads of the engine; 0: the published form with as many as torch takes.
        checkout: folder of the code.
    """

    def __init__(self, name: str, threads: int, checkout: Path = HERE) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.whole_machine", "--serve", name, str(threads)],
            cwd=checkout,
            env=(worker_environment() if threads else dict(os.environ)) | {"PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self) -> None:
        """Begin with an epoch."""
        print(file=self._pipe(self._process.stdin), flush=True)

    def end(self) -> float:
        """Wait for the end of the epoch; return its seconds."""
        return float(self._pipe(self._process.stdout).readline())

    def epoch(self) -> float:
        """Train two epochs; return the seconds of the second."""
        for _ in range(2):
            self.begin()
            seconds = self.end()
        return seconds

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def setup(name: str) -> tuple[TrainConfig, Vocab, torch.Tensor]:
    """Return a recipe without texts and without end, and its training text as indices with their vocabulary."""
    text = book_shaped_text()
    vocab = Vocab(text)
    config = recipe(name).config.change(num_epochs=10_000, pred_period=10_000, num_preds=0, prefixes=(text[0],))
    return config, vocab, torch.tensor(vocab.encode(text))


def team_epochs(config: TrainConfig, vocab: Vocab, indices: torch.Tensor, threads: int) -> Iterator[float]:
    """Train in the engine with at most `threads` threads, as a worker does, yielding the loss of each epoch."""
    prepare_thread(config)
    team = Team()
    team.grant(threads)
    for event in train(TrainingState.begin(build_model(config, len(vocab)), config), vocab, indices):
        if isinstance(event, MinibatchFinished):
            team.finished(event.seconds)
        elif isinstance(event, EpochFinished):
            yield event.loss


def held_out_milliseconds(name: str = "A2", rounds: int = 30) -> float:
    """Return the median time of a measurement on held-out text, in one thread."""
    config, vocab, _ = setup(name)
    prepare_thread(config)
    text = book_shaped_text()
    measure = HeldOut(text, vocab, config.change(held_out_period=1), torch.device("cpu"))
    model, seconds = build_model(config, len(vocab)), []
    for _ in range(rounds):
        started = time.perf_counter()
        measure.perplexity(model, 1)
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def serve(name: str, threads: int) -> None:
    """Train an epoch for each line of standard input, and print its seconds."""
    config, vocab, indices = setup(name)
    if threads:
        epochs = team_epochs(config, vocab, indices, threads)
    else:
        epochs = PublishedRun(build_model(config, len(vocab)), config, indices).epochs()
    for _ in sys.stdin:
        started = time.perf_counter()
        next(epochs)
        print(time.perf_counter() - started, flush=True)


def measure(name: str, cores: int, rounds: int, against: Path | None) -> str:
    """Return a row of the table: medians of `rounds` epochs of each form, and the medians of the ratios."""
    forms = [Form(name, threads) for threads in (0, 1, cores)]
    if against is not None:
        forms.append(Form(name, cores, against))
    other = Form(name, 1)
    for form in (*forms, other):  # the first epoch allocates memory
        form.epoch()
    seconds: list[list[float]] = [[] for _ in forms]
    together = []
    for _ in range(rounds):
        for form, times in zip(forms, seconds, strict=True):
            times.append(form.epoch())
        for form in (forms[1], other):
            form.begin()
        both = [form.end() for form in (forms[1], other)]
        together.append(sum(seconds[1][-1] / alone for alone in both))
    for form in (*forms, other):
        form.close()
    published, one, all_cores, *_ = (statistics.median(times) for times in seconds)
    ratio = statistics.median(a / b for a, b in zip(seconds[0], seconds[2], strict=True))
    row = (
        f"{name:6}{published:12.3f}{one:12.3f}{all_cores:12.3f}{ratio:12.2f}"
        f"{one / all_cores:12.2f}{statistics.median(together):12.2f}"
    )
    if against is None:
        return row
    return f"{row}{statistics.median(a / b for a, b in zip(seconds[2], seconds[3], strict=True)):12.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", action="store_true", help="beside a program that keeps a core busy")
    parser.add_argument("--against", type=Path, help="another checkout, whose engine takes its turn too")
    parser.add_argument("--serve", nargs=2, metavar=("RECIPE", "THREADS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]))
        return
    cores = Limits.from_environment(os.environ).cores
    print(f"seconds of the clock per epoch, {cores} cores")
    columns = ["published", "1 thread", "all cores", "pub/engine", "all/1", "two at once"]
    against = arguments.against and arguments.against.resolve()
    print(" " * 6 + "".join(f"{column:>12}" for column in [*columns, *(["now/other"] if against else [])]))
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if arguments.busy else None
    try:
        for name in arguments.recipes:
            print(measure(name, cores, arguments.rounds, against), flush=True)
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
    milliseconds, alone = held_out_milliseconds(), Form("A2", 1)
    epoch = statistics.median(alone.epoch() for _ in range(arguments.rounds))
    alone.close()
    print(f"a measurement on held-out text: {milliseconds:.1f} ms, {milliseconds / epoch / 10:.1f} % of an epoch of A2")


if __name__ == "__main__":
    main()
