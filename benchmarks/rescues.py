"""Attempts to rescue six layers: A9's settings on the built-in lyrics, with one change at a time.

    python -m benchmarks.rescues                    all variants, one after the other
    python -m benchmarks.rescues residual xavier    only these

Prints the training perplexity at epochs 10, 30 and 60; ``docs/rescues.md`` has the table. One thread; an epoch takes
two to three CPU seconds.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished
from rnnlab.recipes import recipe
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab

VARIANTS: dict[str, dict[str, Any]] = {
    "as-published": {},
    "residual": {"residual": True},
    "residual-lr-0.001": {"residual": True, "learning_rate": 1e-3},
    "layer-norm": {"layer_norm": True},
    "residual-layer-norm": {"residual": True, "layer_norm": True},
    "forget-bias": {"forget_bias": 1.0},
    "lr-0.001": {"learning_rate": 1e-3},
    "xavier": {"initialization": "xavier"},
    "orthogonal": {"initialization": "orthogonal"},
    "clipping": {"clip_norm": 0.01},
}
EPOCHS = (10, 30, 60)


def measure(changes: dict[str, Any], random_seed: int = 0) -> tuple[list[float | None], float]:
    """Train A9 with `changes`; return the perplexities at `EPOCHS` and the CPU seconds per epoch."""
    config = recipe("A9").config.change(
        num_epochs=EPOCHS[-1], pred_period=EPOCHS[-1], num_preds=0, random_seed=random_seed, **changes
    )
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars).train
    vocab = Vocab(text)
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    started = time.process_time()
    by_epoch = {e.epoch: e.perplexity for e in train(state, vocab, vocab.encode(text)) if isinstance(e, EpochFinished)}
    return [by_epoch.get(epoch) for epoch in EPOCHS], (time.process_time() - started) / max(1, len(by_epoch))


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"{'variant':22}" + "".join(f"{f'epoch {epoch}':>12}" for epoch in EPOCHS) + f"{'s/epoch':>10}")
    for name in names or list(VARIANTS):
        perplexities, seconds = measure(VARIANTS[name])
        shown = "".join(f"{'∞' if value is None else f'{value:.4f}':>12}" for value in perplexities)
        print(f"{name:22}{shown}{seconds:10.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
