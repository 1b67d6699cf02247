"""Diagnoses of stuck and other networks, and the accuracy of two networks in filling gaps.

    python -m benchmarks.diagnosis stuck     perplexity, KL, sensitivity and verdict, by run and epoch
    python -m benchmarks.diagnosis gaps      A10-cloze and A10-one-way on the same 400 gaps, by epoch

On the built-in lyrics, with one random seed each; the numbers do not depend on the machine's speed. Takes minutes on
one core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.engine.cloze import gaps
from rnnlab.engine.diagnosis import diagnose
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished
from rnnlab.recipes import recipe
from rnnlab.text.corpora import load
from rnnlab.text.preparation import Prepared, prepare
from rnnlab.text.vocab import Vocab

STUCK: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("A9", {}, (3, 10, 30)),
    ("A9-lr-0.001", {}, (10,)),
    ("A8-repaired", {"initialization": "normal"}, (10, 40)),
    ("A8-repaired", {"random_seed": 3}, (10, 40)),
    ("A8-repaired", {}, (10, 40)),
    ("A6", {}, (10, 20, 40)),
    ("A10", {}, (40,)),
]
GAPS = (10, 40, 80, 120, 160)


def at_epochs(
    config: TrainConfig, epochs: tuple[int, ...]
) -> Iterator[tuple[EpochFinished, TrainingState, Vocab, Prepared]]:
    """Train `config` and yield the state of the run after each of `epochs`."""
    config = config.change(num_epochs=max(epochs), num_preds=0)
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars)
    vocab = Vocab(text.train)
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    for event in train(state, vocab, vocab.encode(text.train)):
        if isinstance(event, EpochFinished) and event.epoch in epochs:
            yield event, state, vocab, text


def stuck() -> None:
    """Print the three numbers, the verdict and the time of each diagnosis."""
    print("run                                epoch  perplexity  honest   KL      sensitivity  stuck  seconds")
    for name, changes, epochs in STUCK:
        config = recipe(name).config.change(**changes)
        label = " ".join([name, *(f"{key}={value}" for key, value in changes.items())])
        for event, state, vocab, text in at_epochs(config, epochs):
            started = time.process_time()
            indices = vocab.encode(text.train)
            result = diagnose(state.model, config, vocab, indices, text.held_out, state.hidden)
            seconds = time.process_time() - started
            print(
                f"{label:34} {event.epoch:5} {result.perplexity:11.4f} {result.honest_perplexity:8.2f}"
                f" {result.kl_to_unigram:7.4f} {result.sensitivity:8.4f}      {result.stuck!s:5} {seconds:7.2f}",
                flush=True,
            )


def fill() -> None:
    """Print the share of gaps filled correctly, and with the answer among the five most probable characters."""
    print("run           epoch  perplexity  trained on: right, top 5   held out: right, top 5")
    for name in ("A10-cloze", "A10-one-way"):
        for event, state, vocab, text in at_epochs(recipe(name).config, GAPS):
            accuracy = gaps(state.model, vocab, vocab.encode(text.train), text.held_out, 400, state.hidden)
            trained, held_out = accuracy["train"], accuracy["held_out"]
            print(
                f"{name:13} {event.epoch:5} {event.perplexity:11.4f} {trained['accuracy']:17.1%} {trained['top5']:7.1%}"
                f" {held_out['accuracy']:17.1%} {held_out['top5']:7.1%}",
                flush=True,
            )


if __name__ == "__main__":
    {"stuck": stuck, "gaps": fill}[sys.argv[1]]()
