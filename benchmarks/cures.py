"""What works against learning the text by heart: A7 as it is, with dropout, with weight decay, on the book's corpora.

    RNNLAB_DATA=FOLDER python -m benchmarks.cures [--epochs 40] [--seeds 3]

Every second epoch the perplexity is measured on the whole held-out text, in rows of 50 characters. Printed in Markdown
(docs/cures.md): its lowest value with the epoch, and its value after the last epoch beside that of the training text,
each as the median of the seeds with the range.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from pathlib import Path
from typing import NamedTuple

import torch

from rnnlab.engine.held_out import HeldOut
from rnnlab.engine.model import build_model
from rnnlab.engine.products import use_threads
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished
from rnnlab.recipes import RECIPES
from rnnlab.runs.limits import Limits
from rnnlab.text import corpora
from rnnlab.text.preparation import Prepared, prepare
from rnnlab.text.vocab import Vocab
from rnnlab.view.diagnose.overfitting import CURES

CORPORA = ("book-lyrics", "book-time-machine")


class Outcome(NamedTuple):
    """Perplexities of a run: the lowest on held-out text, its epoch, and after the last epoch on both texts."""

    lowest: float
    epoch: int
    held_out: float
    training: float


def outcome(text: Prepared, epochs: int, changes: dict[str, float]) -> Outcome:
    """Train A7 with `changes`, and measure it."""
    vocab = Vocab(text.train)
    config = RECIPES["A7"].config.change(
        num_epochs=epochs, held_out_period=2, pred_period=10_000, num_preds=0, prefixes=(text.train[:2],), **changes
    )
    prepare_thread(config)
    use_threads(Limits.from_environment(os.environ).cores)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    # the sample of a run is a few percent of the length of its text: here it is to be all of the held-out text
    measure = HeldOut(text.held_out, vocab, config.change(num_chars=2_000_000), torch.device("cpu"))
    found: dict[int, float] = {}
    training = math.nan
    for event in train(state, vocab, vocab.encode(text.train)):
        if isinstance(event, EpochFinished):
            training = event.perplexity or math.inf
            held_out = measure.perplexity(state.model, event.epoch)
            if held_out is not None:
                found[event.epoch] = held_out
    best = min(found, key=found.__getitem__)
    return Outcome(found[best], best, found[epochs], training)


def spread(values: list[float], digits: int) -> str:
    """Return the median of values with their range."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    folders = [Path(folder) for folder in os.environ.get("RNNLAB_DATA", "").split(os.pathsep) if folder]
    kinds: dict[str, dict[str, float]] = {"as it is": {}} | {
        f"{name} {value:g}": {name: value} for name, value in CURES.items()
    }
    print("| corpus | A7 | lowest on held-out text | after epoch | at the end, held-out text | training text |")
    print("|---|---|---|---|---|---|")
    for corpus in CORPORA:
        config = RECIPES["A7"].config.change(corpus=corpus)
        text = prepare(corpora.load(corpus, folders=folders).text, config.preprocessing, config.num_chars)
        digits = 0 if corpus == CORPORA[0] else 1
        for kind, changes in kinds.items():
            runs = [
                outcome(text, arguments.epochs, {**changes, "random_seed": seed}) for seed in range(arguments.seeds)
            ]
            lowest, when, held_out, training = zip(*runs, strict=True)
            print(
                f"| {corpus} | {kind} | {spread(list(lowest), digits)} | {spread(list(when), 0)} |"
                f" {spread(list(held_out), digits)} | {spread(list(training), 2)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
