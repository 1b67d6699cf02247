"""Whether the engine still computes the recorded curves, to the last bit, in one thread and in several.

    python -m benchmarks.replay [--epochs 6] [--recipes A2 A6]

Trains the first epochs of shipped recordings again and compares each loss. On another kind of processor, or with
another version of torch, the last bits may differ; the largest difference is printed.
"""

from __future__ import annotations

import argparse
import gzip

from rnnlab.engine.model import build_model
from rnnlab.engine.parts import use_threads
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished
from rnnlab.recordings.__main__ import FOLDER
from rnnlab.runs.export import import_run
from rnnlab.text import corpora
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab

RECIPES = ("A2", "A3", "A6", "A7", "A8", "A9", "A10", "A9-layer-norm")


def difference(name: str, epochs: int, threads: int) -> float:
    """Return the largest difference between a recorded loss and the loss that is computed now."""
    recording = import_run(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    config = recording.config
    text = prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars)
    vocab = Vocab(text.train)
    prepare_thread(config)
    use_threads(threads)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    recorded = (event.loss for event in recording.events if isinstance(event, EpochFinished))
    events = train(state, vocab, vocab.encode(text.train), held_out=text.held_out)
    computed = (event.loss for event in events if isinstance(event, EpochFinished))
    return max(abs(a - b) for a, b, _ in zip(recorded, computed, range(epochs), strict=False))


def main() -> None:
    """Print a row for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    for name in arguments.recipes:
        for threads in (1, 2):
            found = difference(name, arguments.epochs, threads)
            print(f"{name:14} {threads} threads: {'the same bits' if found == 0 else found}", flush=True)


if __name__ == "__main__":
    main()
