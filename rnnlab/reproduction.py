"""Every recipe to its end, from several random seeds, beside what was published: ``docs/reproduction.md``.

One piece of work is one recipe from one seed; its result is one small JSON file, so that hours of training can be cut
off and taken up again. The texts that a run writes are described by measures alone and not kept: on the book's corpus
they would quote it.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rnnlab.events import EpochFinished, RunDiverged, TextGenerated
from rnnlab.recipes import RECIPES, recipe

ONE_SEED_IS_ENOUGH = ("A9", "A9-repaired")
"""Six layers come out the same from every seed, and take the longest."""


def pieces(ids: Iterable[str], num_seeds: int) -> Iterator[tuple[str, int]]:
    """Yield every (recipe id, random seed), all recipes with the first seed before any with the second."""
    wanted = [recipe(name).id for name in ids] or list(RECIPES)
    for seed in range(num_seeds):
        for name in wanted:
            if seed == 0 or name not in ONE_SEED_IS_ENOUGH:
                yield name, seed


def run_piece(name: str, seed: int, embedded: bool) -> dict[str, Any]:
    """Train one recipe from one seed to its end in this process.

    Returns:
        ``perplexity`` (by epoch, at the prediction periods), ``texts`` (measures of what it wrote then), ``seconds``
        (of the processor, per epoch, median), whether it diverged, versions and date.
    """
    import torch

    from rnnlab.engine.model import build_model
    from rnnlab.engine.training import TrainingState, prepare_thread, train
    from rnnlab.text.corpora import load
    from rnnlab.text.preparation import prepare
    from rnnlab.text.quotes import QuoteIndex, coverage, loop_period, share_of_blanks
    from rnnlab.text.vocab import Vocab

    one = recipe(name)
    config = one.config.change(random_seed=seed, corpus=one.config.corpus if embedded else one.book_corpus)
    text = prepare(load(config.corpus).text, config.preprocessing, config.num_chars).train
    vocab, quotes = Vocab(text), QuoteIndex(text)
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    perplexities: dict[int, float | None] = {}
    texts: list[dict[str, Any]] = []
    seconds: list[float] = []
    diverged_at = None
    last = time.thread_time()
    for event in train(state, vocab, vocab.encode(text)):
        if isinstance(event, EpochFinished):
            now = time.thread_time()
            seconds.append(now - last)
            last = now
            if event.epoch % config.pred_period == 0 or event.epoch == config.num_epochs:
                perplexities[event.epoch] = event.perplexity
        elif isinstance(event, TextGenerated):
            written = event.text[len(event.prefix) :]
            texts.append(
                {
                    "epoch": event.epoch,
                    "prefix": config.prefixes.index(event.prefix),
                    "quoted": coverage(quotes.quoted_spans(event.text), len(event.text)),
                    "loop": loop_period(written),
                    "blanks": share_of_blanks(written),
                }
            )
            last = time.thread_time()
        elif isinstance(event, RunDiverged):
            diverged_at = event.epoch
    return {
        "recipe": name,
        "seed": seed,
        "corpus": config.corpus,
        "perplexity": perplexities,
        "texts": texts,
        "seconds": statistics.median(seconds) if seconds else None,
        "diverged_at": diverged_at,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": _processor(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def reproduce(
    folder: Path, ids: Iterable[str] = (), num_seeds: int = 3, embedded: bool = False, jobs: int = 1
) -> Iterator[dict[str, Any]]:
    """Do every piece that is not in `folder` yet, `jobs` at a time, and yield each result once it is kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [(name, seed) for name, seed in pieces(ids, num_seeds) if not _file(folder, name, seed).exists()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = [pool.submit(run_piece, name, seed, embedded) for name, seed in todo]
        for future in as_completed(futures):
            result = future.result()
            target = _file(folder, result["recipe"], result["seed"])
            aside = target.with_suffix(".part")
            aside.write_text(json.dumps(result), encoding="utf-8")
            os.replace(aside, target)
            yield result


def results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what is in `folder`, by recipe, in the recipes' order."""
    found = {name: [_file(folder, name, seed) for seed in range(100)] for name in RECIPES}
    return {
        name: [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
        for name, files in found.items()
        if any(file.exists() for file in files)
    }


def _file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-seed{seed}.json"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
