"""CPU seconds per epoch of the published algorithm and of the engine, in alternation, with one thread, by recipe.

Also a lower bound ("floor"): the floating-point operations of the unavoidable products, divided by the rate of this
machine for large float32 products in the same run. There are two such rates. The published form uses ``torch.mm``, and
the floor by its rate is the one to compare with other programs. The engine's products may use a faster library (see
``rnnlab/engine/products.py``), so that the engine can be below that floor; the floor by the rate of that library is
stricter.
"""

from __future__ import annotations

import copy
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.published import PublishedRun, multiplications
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.products import product
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.events import EpochFinished
from rnnlab.recipes import recipe
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab

RECIPES = ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10")
FAST = ("A2", "A4", "A6", "A7")


def book_shaped_text(length: int = 10_000, vocab_size: int = 1_027) -> str:
    """Return random characters with frequencies by Zipf's law, similar to the book's corpus."""
    rng = random.Random(0)
    characters = [chr(0x4E00 + i) for i in range(vocab_size)]
    weights = [1 / (i + 3) for i in range(vocab_size)]
    text = characters + rng.choices(characters, weights, k=length - vocab_size)
    rng.shuffle(text)
    return "".join(text)


def product_rate(multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], size: int = 1024) -> float:
    """Return the median number of floating-point operations per CPU second in large float32 products."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = []
    for _ in range(12):
        started = time.thread_time()
        multiply(a, b)
        seconds.append(time.thread_time() - started)
    return 2 * size**3 / statistics.median(seconds)


def floors(config: TrainConfig, vocab_size: int, num_tokens: int) -> tuple[float, float]:
    """Return lower bounds of the seconds of an epoch: by the rate of ``torch.mm``, by that of the engine's products."""
    operations = multiplications(config, vocab_size, num_tokens)
    return operations / product_rate(torch.mm), operations / product_rate(product)


def engine_epochs(config: TrainConfig, vocab: Vocab, indices: torch.Tensor) -> Iterator[float]:
    """Train in the engine, yielding the loss of each epoch."""
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    for event in train(state, vocab, indices):
        if isinstance(event, EpochFinished):
            yield event.loss


def measure(name: str, rounds: int = 5) -> dict[str, float | str]:
    """Time `rounds` epochs of both forms in alternation; return medians and the median of the ratios."""
    text = book_shaped_text()
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    config = recipe(name).config.change(num_epochs=10_000, pred_period=10_000, num_preds=0, prefixes=(text[0],))
    prepare_thread(config)
    forms: list[Callable[[], object]] = []
    published = PublishedRun(build_model(config, len(vocab)), config, indices).epochs()
    engine = engine_epochs(config, vocab, indices)
    forms = [lambda: next(published), lambda: next(engine)]
    for form in forms:  # the first epoch allocates memory
        form()
    seconds: list[list[float]] = [[], []]
    least = []
    num_tokens = (len(indices) // 32 - 1) // 35 * 35 * 32
    for _ in range(rounds):
        least.append(floors(config, len(vocab), num_tokens))
        for form, times in zip(forms, seconds, strict=True):
            started = time.thread_time()
            form()
            times.append(time.thread_time() - started)
    return {
        "recipe": name,
        "published": statistics.median(seconds[0]),
        "engine": statistics.median(seconds[1]),
        "ratio": statistics.median(a / b for a, b in zip(*seconds, strict=True)),
        "floor": statistics.median(by_mm for by_mm, _ in least),
        "floor_share": statistics.median(f / t for (f, _), t in zip(least, seconds[1], strict=True)),
        "own_floor_share": statistics.median(f / t for (_, f), t in zip(least, seconds[1], strict=True)),
    }


def measure_checkpoints(
    name: str = "A9", epochs: tuple[int, ...] = (1, 10, 40), rounds: int = 3
) -> dict[str, float | str]:
    """Time single epochs of a run with vanishing gradients, in both forms from the same checkpoints.

    Both forms start, in alternation, with the weights, the optimiser and the recurrent state of the run. The result is
    the mean over `epochs` of the median of `rounds`; a preceding round allocates memory. The published form computes
    with denormal numbers, the engine flushes them.
    """
    text = book_shaped_text()
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    config = recipe(name).config.change(num_epochs=max(epochs), pred_period=10_000, num_preds=0, prefixes=(text[0],))
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    events = train(state, vocab, indices)
    medians: list[list[float]] = [[], []]
    least = []
    num_tokens = (len(indices) // 32 - 1) // 35 * 35 * 32
    for epoch in epochs:
        while state.epoch < epoch - 1:
            next(events)
        seconds: list[list[float]] = [[], []]
        for _ in range(rounds + 1):
            least.append(floors(config, len(vocab), num_tokens))
            for times, form in zip(seconds, (_published_epoch, _engine_epoch), strict=True):
                times.append(form(state, config, vocab, indices))
        for values, times in zip(medians, seconds, strict=True):
            values.append(statistics.median(times[1:]))
    published, engine = (statistics.mean(times) for times in medians)
    by_mm, by_own = (statistics.median(values) for values in zip(*least, strict=True))
    return {
        "recipe": name,
        "published": published,
        "engine": engine,
        "ratio": published / engine,
        "floor": by_mm,
        "floor_share": by_mm / engine,
        "own_floor_share": by_own / engine,
    }


def _published_epoch(state: TrainingState, config: TrainConfig, vocab: Vocab, indices: torch.Tensor) -> float:
    """Return the CPU seconds of the next epoch in the published form, from a copy of `state`."""
    run = PublishedRun(copy.deepcopy(state.model), config, indices, state.hidden)
    assert state.adam is not None
    slots = {i: {k: v.clone() for k, v in slot.items()} for i, slot in state.adam.slots.items()}
    run.adam.load_state_dict({**run.adam.state_dict(), "state": slots})
    epochs = run.epochs()
    torch.set_flush_denormal(False)
    started = time.thread_time()
    next(epochs)
    seconds = time.thread_time() - started
    torch.set_flush_denormal(True)
    return seconds


def _engine_epoch(state: TrainingState, config: TrainConfig, vocab: Vocab, indices: torch.Tensor) -> float:
    """Return the CPU seconds of the next epoch in the engine, from a copy of `state`."""
    tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
    copied = TrainingState.restore(copy.deepcopy(state.model), config, tensors, state.metadata())
    events = train(copied, vocab, indices)
    next(events)
    started = time.thread_time()
    while copied.epoch == state.epoch:
        next(events)
    return time.thread_time() - started


def measure_precision(name: str, num_epochs: int = 40) -> dict[str, float | str]:
    """Train twice from the same weights, in float32 and with ``precision="fast"``, epoch by epoch in alternation.

    Fast is the framework's switch ``set_float32_matmul_precision("medium")``: it allows products to round their factors
    to bfloat16; the effect depends on the processor and the library. This measures the effect of rounding on
    learning, for which the embedded corpus is enough; both perplexities are from the last epoch.
    """
    base = recipe(name).config.change(num_epochs=num_epochs, pred_period=10_000, num_preds=0)
    text = prepare(load(base.corpus).text, base.preprocessing, base.num_chars).train
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    configs = [base.change(precision=precision) for precision in ("float32", "fast")]
    runs = [engine_epochs(config, vocab, indices) for config in configs]
    seconds: list[list[float]] = [[], []]
    losses = [0.0, 0.0]
    for _ in range(num_epochs):
        for index, (config, run) in enumerate(zip(configs, runs, strict=True)):
            prepare_thread(config)
            started = time.thread_time()
            losses[index] = next(run)
            seconds[index].append(time.thread_time() - started)
    prepare_thread(configs[0])
    return {
        "recipe": name,
        "float32": statistics.median(seconds[0]),
        "fast": statistics.median(seconds[1]),
        "gain": statistics.median(a / b for a, b in zip(*seconds, strict=True)),
        "epochs": num_epochs,
        "perplexity_float32": math.exp(losses[0]),
        "perplexity_fast": math.exp(losses[1]),
    }


def main(names: list[str], as_json: bool = False, rounds: int = 5) -> None:
    """Print a row per recipe, and the effect of ``precision="fast"``; six layers have rounds of their own."""
    if not as_json:
        print(f"{'recipe':8}{'published s':>12}{'engine s':>10}{'ratio':>7}{'floor s':>9}{'of floor':>10}{'of own':>8}")
    for name in names or RECIPES:
        row = measure_checkpoints(name) if recipe(name).config.num_layers > 4 else measure(name, rounds)
        line = (
            f"{row['recipe']:8}{row['published']:12.3f}{row['engine']:10.3f}{row['ratio']:7.2f}"
            f"{row['floor']:9.3f}{row['floor_share']:10.0%}{row['own_floor_share']:8.0%}"
        )
        print(json.dumps(row) if as_json else line, flush=True)

    if not as_json:
        print(f"\n{'precision':10}{'float32 s':>10}{'fast s':>8}{'gain':>6}{'epochs':>8}{'perplexity':>12}{'fast':>9}")
    for name in [name for name in FAST if name in (names or FAST)]:
        row = measure_precision(name)
        line = (
            f"{row['recipe']:10}{row['float32']:10.3f}{row['fast']:8.3f}{row['gain']:6.2f}{row['epochs']:8}"
            f"{row['perplexity_float32']:12.4g}{row['perplexity_fast']:9.4g}"
        )
        print(json.dumps(row) if as_json else line, flush=True)


if __name__ == "__main__":
    main([argument for argument in sys.argv[1:] if argument != "--json"], "--json" in sys.argv)
