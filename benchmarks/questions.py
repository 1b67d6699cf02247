"""How long a checkpoint takes to answer: each kind of question, asked through a supervisor as a page asks it.

    python -m benchmarks.questions [--recipes A6 A9] [--repeat 5] [--chars 100]

Trains a few epochs of each recipe in a home of its own, then asks their checkpoints. A time holds everything between
the page and the answer: a process forked, the text prepared, the checkpoint loaded, the look itself, and the answer's
way back. Nothing is asked twice, so that no answer comes from the store.
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
    kept = [epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0 and epoch > 0]

    def part(turn: int) -> str:
        return text[turn * num_chars : (turn + 1) * num_chars]

    questions: dict[str, Callable[[int], object]] = {
        "generate": lambda turn: client.generate(run_id, part(turn)[:2], 50),
        "diagnose": lambda turn: client.diagnose(run_id, kept[turn % len(kept)]),
        "inspect": lambda turn: client.inspect(run_id, part(turn), layer=config.num_layers),
        "dependence": lambda turn: client.dependence(run_id, part(turn), num_chars - 1),
        "fill_gap": lambda turn: client.fill_gap(run_id, part(turn)[:20], part(turn)[21:40]),
        "gaps": lambda turn: client.gaps(run_id, 100 + turn),
    }
    for kind, ask in questions.items():
        taken = []
        for turn in range(repeat):
            begun = time.perf_counter()
            ask(turn)
            taken.append(time.perf_counter() - begun)
        middle, most = statistics.median(taken), max(taken)
        print(f"{name:5}{kind:12}{megabytes:8.1f}{middle:12.3f}{most:12.3f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["A6", "A9"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--chars", type=int, default=100, help="of the text that is looked at")
    chosen = parser.parse_args()
    print(f"{'':5}{'question':12}{'MB':>8}{'median s':>12}{'longest s':>12}")
    with tempfile.TemporaryDirectory(prefix="rnnlab-questions-") as home, Client(Path(home)) as client:
        while not client.ready():
            time.sleep(0.1)
        for name in chosen.recipes:
            measure(client, name, chosen.repeat, chosen.chars)


if __name__ == "__main__":
    main()
