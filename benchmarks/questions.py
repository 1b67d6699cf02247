"""Response times of a checkpoint for each kind of question, sent through a supervisor as a page does.

    python -m benchmarks.questions [--recipes A6 A9] [--repeat 5] [--chars 100]

Trains a few epochs of each recipe in a temporary home, then asks their checkpoints. A time includes everything between
the page and the answer: forking a process, preparing the text, loading the checkpoint, the computation, and returning
the answer. No question is asked twice, so that no answer comes from the store.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rnnlab.recipes import recipe
from rnnlab.runs.client import Client
from rnnlab.text.corpora import load, prepare


def measure(client: Client, name: str, repeat: int, num_chars: int) -> None:
    """Print a row for each question to a checkpoint of the recipe `name`."""
    config = recipe(name).config.change(num_epochs=repeat, pred_period=1)
    run_id = client.create(config, name="")
    for _ in client.follow(run_id):
        pass
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars).train
    megabytes = client.store.checkpoints(run_id)[-1][2].stat().st_size / 1e6
    epochs = [epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0 and epoch > 0]

    def part(turn: int) -> str:
        return text[turn * num_chars : (turn + 1) * num_chars]

    questions: dict[str, Callable[[int], object]] = {
        "generate": lambda turn: client.generate(run_id, part(turn)[:2], 50),
        "diagnose": lambda turn: client.diagnose(run_id, epochs[turn % len(epochs)]),
        "inspect": lambda turn: client.inspect(run_id, part(turn), layer=config.num_layers),
        "dependence": lambda turn: client.dependence(run_id, part(turn), num_chars - 1),
        "fill_gap": lambda turn: client.fill_gap(run_id, part(turn)[:20], part(turn)[21:40]),
        "gaps": lambda turn: client.gaps(run_id, 100 + turn),
    }
    for kind, ask in questions.items():
        seconds = []
        for turn in range(repeat):
            started = time.perf_counter()
            ask(turn)
            seconds.append(time.perf_counter() - started)
        median, longest = statistics.median(seconds), max(seconds)
        print(f"{name:5}{kind:12}{megabytes:8.1f}{median:12.3f}{longest:12.3f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["A6", "A9"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--chars", type=int, default=100, help="length of the inspected text")
    chosen = parser.parse_args()
    print(f"{'':5}{'question':12}{'MB':>8}{'median s':>12}{'longest s':>12}")
    with tempfile.TemporaryDirectory(prefix="rnnlab-questions-") as home, Client(Path(home)) as client:
        while not client.ready():
            time.sleep(0.1)
        for name in chosen.recipes:
            measure(client, name, chosen.repeat, chosen.chars)


if __name__ == "__main__":
    main()
