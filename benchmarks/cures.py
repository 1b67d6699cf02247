"""What works against learning by heart: the recipes C1 to C4 on the book's corpora.

    RNNLAB_DATA=FOLDER python -m benchmarks.cures [--seeds 3]

Every second epoch the perplexity is measured on the first 50,000 characters of the held-out text, of each 100 the first
50, read from the zero state.
Printed in Markdown (docs/cures.md): its lowest value with the epoch, and its value after the last epoch beside that of
the training text, each as the median of the seeds with the range. Early stopping decides by its own small sample, and
its end shows the values of the weights that it keeps.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from pathlib import Path
from typing import NamedTuple

import torch

from rnnlab.config import TrainConfig
from rnnlab.engine.held_out import HeldOut
from rnnlab.engine.model import build_model
from rnnlab.engine.parts import use_threads
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished, RunFinished
from rnnlab.recipes import RECIPES
from rnnlab.runs.limits import Limits
from rnnlab.text import corpora
from rnnlab.text.preparation import Prepared, for_sample, prepare
from rnnlab.text.vocab import Vocab

CORPORA = ("book-lyrics", "book-time-machine")
HELD_OUT = 50_000
"""Characters of the held-out text that are looked at; the lyrics have as many after the training text."""


class Outcome(NamedTuple):
    """Perplexities of a run: the lowest on held-out text, its epoch, and after the last epoch on both texts."""

    lowest: float
    epoch: int
    held_out: float
    training: float


def outcome(config: TrainConfig, text: Prepared) -> Outcome:
    """Train a run and measure it."""
    vocab = Vocab(text.train)
    prepare_thread(config)
    use_threads(Limits.from_environment(os.environ).cores)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    measure = HeldOut(text.held_out[:HELD_OUT], vocab, config, torch.device("cpu"), size=HELD_OUT)
    found: dict[int, float] = {}
    training: dict[int, float] = {}
    end = config.num_epochs
    sample = for_sample(text.held_out, config) if config.early_stopping else ""
    for event in train(state, vocab, vocab.encode(text.train), held_out=sample):
        if isinstance(event, RunFinished) and event.best_epoch is not None:
            end = event.best_epoch
        if isinstance(event, EpochFinished):
            training[event.epoch] = event.perplexity or math.inf
            held_out = measure.perplexity(state.model, event.epoch)
            if held_out is not None:
                found[event.epoch] = held_out
    best = min(found, key=found.__getitem__)
    return Outcome(found[best], best, found[end], training[end])


def spread(values: list[float], digits: int) -> str:
    """Return the median of values with their range."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    folders = [Path(folder) for folder in os.environ.get("RNNLAB_DATA", "").split(os.pathsep) if folder]
    recipes = [entry for entry in RECIPES.values() if entry.group == "C"]
    print("| corpus | recipe | setting | lowest on held-out text | after epoch | at the end | training text |")
    print("|---|---|---|---|---|---|---|")
    for corpus in CORPORA:
        for entry in recipes:
            config = entry.config.change(corpus=corpus, pred_period=10_000, num_preds=0)
            text = prepare(corpora.load(corpus, folders=folders).text, config.preprocessing, config.num_chars)
            config = config.change(prefixes=(text.train[:2],))
            changes = entry.config.changes_from(recipes[0].config)
            kind = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items()) or "as it is"
            digits = 0 if corpus == CORPORA[0] else 1
            runs = [outcome(config.change(random_seed=seed), text) for seed in range(arguments.seeds)]
            lowest, when, held_out, training = zip(*runs, strict=True)
            print(
                f"| {corpus} | {entry.id} | {kind} | {spread(list(lowest), digits)} | {spread(list(when), 0)} |"
                f" {spread(list(held_out), digits)} | {spread(list(training), 2)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
