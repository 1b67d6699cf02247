"""What rescues six layers: A9's setting on the project's own lyrics, one change at a time.

    python -m benchmarks.rescues                    every variant, one after the other
    python -m benchmarks.rescues residual xavier    these

Prints the training perplexity at epochs 10, 30 and 60; ``docs/rescues.md`` holds the table. One thread; an epoch takes
two to three seconds of the processor.
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
    """Train A9 with `changes`; return the perplexities at `EPOCHS` and the processor's seconds per epoch."""
    config = recipe("A9").config.change(
        num_epochs=EPOCHS[-1], pred_period=EPOCHS[-1], num_preds=0, random_seed=random_seed, **changes
    )
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars).train
    vocab = Vocab(text)
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    began = time.process_time()
    seen = {e.epoch: e.perplexity for e in train(state, vocab, vocab.encode(text)) if isinstance(e, EpochFinished)}
    return [seen.get(epoch) for epoch in EPOCHS], (time.process_time() - began) / max(1, len(seen))


def main(names: list[str]) -> None:
    """Measure and print."""
    print(f"{'variant':22}" + "".join(f"{f'epoch {epoch}':>12}" for epoch in EPOCHS) + f"{'s/epoch':>10}")
    for name in names or list(VARIANTS):
        perplexities, seconds = measure(VARIANTS[name])
        shown = "".join(f"{'∞' if one is None else f'{one:.4f}':>12}" for one in perplexities)
        print(f"{name:22}{shown}{seconds:10.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
