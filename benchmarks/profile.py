"""What a minibatch spends its time on, in one thread.

    python -m benchmarks.profile [--recipes A2 A6 A9] [--epochs 4]

Shares of the processor time of the operations in whole epochs, as the profiler of torch measures them; it slows small
operations down by about a tenth. "At the rate of large products" is the time that the products would take at the rate
of a product of 1,024 by 1,024 by 1,024, which no other shape reaches.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator

from torch.profiler import ProfilerActivity, profile

from benchmarks.engine_speed import floors
from benchmarks.whole_machine import setup, team_epochs

PRODUCTS = ("aten::mm", "aten::addmm", "mkldnn::_linear_pointwise", "mkldnn::_reorder_linear_weight")
GROUPS = {
    "softmax and loss": ("aten::_softmax", "aten::gather", "aten::scatter_add_", "aten::log_"),
    "norm and update": ("aten::linalg_vector_norm", "aten::_foreach", "aten::_fused_adam_", "aten::fill_"),
    "rows of the input weights": ("aten::index_select", "aten::embedding"),
    "loops in TorchScript": (
        "rnn_",
        "gru_",
        "lstm_",
        "library_gru_",
        "aten::select",
        "aten::as_strided",
        "aten::slice",
    ),
}


def group_of(name: str, shapes: list[list[int]], batch_size: int) -> str:
    """Return the row of the table to which an operation belongs."""
    if name in PRODUCTS:
        rows = next((shape[0] for shape in shapes if len(shape) == 2), 0)
        return "products between time steps" if rows == batch_size else "large products"
    for group, names in GROUPS.items():
        if name.startswith(names):
            return group
    return "functions of single elements, and the rest"


def shares(name: str, epochs: int) -> Iterator[tuple[str, float]]:
    """Yield the groups of operations in epochs of a recipe with their shares, and that of the floor last."""
    config, vocab, indices = setup(name)
    training = team_epochs(config, vocab, indices, threads=1)
    for _ in range(2):
        next(training)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        for _ in range(epochs):
            next(training)
    seconds: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages(group_by_input_shape=True):
        seconds[group_of(event.key, event.input_shapes, config.batch_size)] += event.self_cpu_time_total / 1e6
    total = sum(seconds.values())
    for group in sorted(seconds, key=lambda group: -seconds[group]):
        yield group, seconds[group] / total
    num_tokens = (len(indices) // config.batch_size - 1) // config.num_steps * config.num_steps * config.batch_size
    yield "products at the rate of large products", epochs * floors(config, len(vocab), num_tokens)[1] / total


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["A2", "A6", "A9"])
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    for name in arguments.recipes:
        print(name)
        for group, share in shares(name, arguments.epochs):
            print(f"  {group:44}{share:6.1%}", flush=True)


if __name__ == "__main__":
    main()
