"""What works against learning by heart: runs as they are, with dropout, with weight decay, on the book's corpora.

    RNNLAB_DATA=FOLDER python -m benchmarks.cures [--seeds 3] [--settings dropout early_stopping]

Every second epoch the perplexity is measured on the first 50,000 characters of the held-out text, in rows of 50.
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
from rnnlab.engine.products import use_threads
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished, RunFinished
from rnnlab.recipes import RECIPES
from rnnlab.runs.limits import Limits
from rnnlab.text import corpora
from rnnlab.text.preparation import Prepared, prepare
from rnnlab.text.vocab import Vocab
from rnnlab.view.diagnose.overfitting import cures

CORPORA = ("book-lyrics", "book-time-machine")
HELD_OUT = 50_000
"""Number of characters that are measured; the lyrics have as many after the training text."""
EPOCHS = {"A7": 40, "A2": 100}
"""The recipes, with the number of epochs within which they learn the text by heart."""


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
    measure = HeldOut(text.held_out, vocab, config, torch.device("cpu"), size=min(HELD_OUT, len(text.held_out)))
    found: dict[int, float] = {}
    training: dict[int, float] = {}
    end = config.num_epochs
    held_out_text = text.held_out if config.early_stopping else ""
    for event in train(state, vocab, vocab.encode(text.train), held_out=held_out_text):
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
    parser.add_argument("--settings", nargs="+", default=["", *cures(TrainConfig())], metavar="SETTING")
    arguments = parser.parse_args()
    folders = [Path(folder) for folder in os.environ.get("RNNLAB_DATA", "").split(os.pathsep) if folder]
    print("| corpus | recipe | setting | lowest on held-out text | after epoch | at the end | training text |")
    print("|---|---|---|---|---|---|---|")
    for name, epochs in EPOCHS.items():
        for corpus in CORPORA:
            base = RECIPES[name].config.change(corpus=corpus, num_epochs=epochs)
            text = prepare(corpora.load(corpus, folders=folders).text, base.preprocessing, base.num_chars)
            base = base.change(held_out_period=2, pred_period=10_000, num_preds=0, prefixes=(text.train[:2],))
            kinds = {"as it is": base} if "" in arguments.settings else {}
            kinds |= {
                f"{setting.replace('_', ' ')} {value:g}": base.change(**{setting: value})
                for setting, value in cures(base).items()
                if setting in arguments.settings
            }
            digits = 0 if corpus == CORPORA[0] else 1
            for kind, config in kinds.items():
                runs = [outcome(config.change(random_seed=seed), text) for seed in range(arguments.seeds)]
                lowest, when, held_out, training = zip(*runs, strict=True)
                print(
                    f"| {corpus} | {name} | {kind} | {spread(list(lowest), digits)} | {spread(list(when), 0)} |"
                    f" {spread(list(held_out), digits)} | {spread(list(training), 2)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
