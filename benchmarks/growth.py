"""Growth of the cost of training, generation and events with the length of the text.

    python -m benchmarks.growth

- training: CPU seconds per character of A2's network on 10,000 to 1,000,000 characters (one epoch each);
- memory: the difference of the peaks of fresh processes that train on 1,000,000 and on 10,000 characters, per
character;
- generation: CPU seconds of 1,000 characters with the networks of several recipes;
- events: the share of an epoch spent on creating and serialising its events.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from rnnlab.engine.generation import generate
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished, MinibatchFinished, RunStarted
from rnnlab.recipes import recipe
from rnnlab.text.corpora import load, prepare
from rnnlab.text.vocab import Vocab

SIZES = (10_000, 100_000, 1_000_000)
PEAK = """
import resource, sys
from benchmarks.growth import one_epoch
one_epoch(int(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def long_text(length: int) -> str:
    """Return `length` characters: the lines of the embedded lyrics, then the same lines in random order.

    So all lengths have the same vocabulary.
    """
    rng = random.Random(0)
    lines = prepare(load("lyrics-zh").text, "first_edition", 9_990).train.split(" ")
    parts = list(lines)
    size = 9_990
    while size < length:
        parts.append(rng.choice(lines))
        size += len(parts[-1]) + 1
    return " ".join(parts)[:length]


def one_epoch(length: int) -> float:
    """Train one epoch of A2 on `length` characters; return the CPU seconds."""
    text = long_text(length)
    vocab = Vocab(text)
    config = recipe("A2").config.change(
        num_epochs=1, num_chars=length, pred_period=10, num_preds=0, prefixes=(text[0],)
    )
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    indices = torch.tensor(vocab.encode(text))
    events = train(state, vocab, indices)
    next(events)
    started = time.thread_time()
    for event in events:
        if isinstance(event, EpochFinished):
            return time.thread_time() - started
    raise AssertionError("training ended without an epoch")


def seconds(act: Callable[[], object], rounds: int = 5) -> float:
    """Return the median CPU seconds of `act`."""
    times = []
    for _ in range(rounds):
        started = time.thread_time()
        act()
        times.append(time.thread_time() - started)
    return statistics.median(times)


def main() -> None:
    """Print the tables."""
    one_epoch(SIZES[0])
    base = None
    for size in SIZES:
        per_character = statistics.median(one_epoch(size) for _ in range(3 if size < 1_000_000 else 1)) / size
        base = base or per_character
        print(
            f"training, {size:>9,} characters: {per_character * 1e6:6.1f} µs per character, ×{per_character / base:.2f}"
        )
    peaks = []
    for size in (SIZES[0], SIZES[-1]):
        command = [sys.executable, "-c", PEAK, str(size)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True).stdout))
    small, large = (f"{peak / 2**20:.0f} MB" for peak in peaks)
    print(f"memory at the peak: {small} with {SIZES[0]:,}, {large} with {SIZES[-1]:,} characters")
    print(f"memory: {(peaks[1] - peaks[0]) / (SIZES[-1] - SIZES[0]):.1f} bytes per character at the peak")

    text = long_text(10_000)
    vocab = Vocab(text)
    for name in ("A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "B4", "B5"):
        config = recipe(name).config.change(prefixes=(text[0],))
        prepare_thread(config)
        model = build_model(config, len(vocab))
        spent = seconds(lambda model=model: generate(model, vocab, text[:2], 1000), 3)
        print(f"generation of 1,000 characters, {name}: {spent:.2f} s")

    config = recipe("A2").config.change(num_preds=0, prefixes=(text[0],))
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    seen = []
    started = time.thread_time()
    for event in train(state, vocab, vocab.encode(text)):
        seen.append(event)
        if isinstance(event, EpochFinished):
            break
    epoch = time.thread_time() - started
    events = [event for event in seen if not isinstance(event, RunStarted)]
    kinds = {MinibatchFinished, EpochFinished}
    event_seconds = seconds(lambda: [type(e)(**e.model_dump()).to_json() for e in events if type(e) in kinds], 20)
    print(f"events: {event_seconds / epoch:.2%} of an epoch of A2")


if __name__ == "__main__":
    main()
