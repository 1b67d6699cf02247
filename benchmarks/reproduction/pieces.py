"""The pieces of the reproduction: each recipe trained to its end, from several random seeds.

A piece is one recipe from one seed. Its result is one small JSON file, so that hours of training can be interrupted and
continued. Generated texts are not kept, only measures of them: on the book's corpus they would quote it.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.engine.periods import ends_period
from rnnlab.errors import ConfigError
from rnnlab.events import EpochFinished, Event, RunDiverged, RunFinished, TextGenerated
from rnnlab.recipes import RECIPES, recipe
from rnnlab.runs.export import import_run
from rnnlab.text.corpora import load
from rnnlab.text.preparation import Prepared, for_sample, prepare
from rnnlab.text.quotes import QuoteIndex, coverage, loop_period, share_of_blanks

ONE_SEED_IS_ENOUGH = tuple(name for name, known in RECIPES.items() if known.config.num_layers >= 6)
"""Six layers take the longest, and where they are stuck, every seed gives the same result."""


def pieces(ids: Iterable[str], num_seeds: int) -> Iterator[tuple[str, int]]:
    """Yield every (recipe id, random seed), all recipes with the first seed before any with the second."""
    wanted = [recipe(name).id for name in ids] or list(RECIPES)
    for seed in range(num_seeds):
        for name in wanted:
            if seed == 0 or name not in ONE_SEED_IS_ENOUGH:
                yield name, seed


def setup(name: str, seed: int, embedded: bool) -> TrainConfig:
    """Return what a piece trains: the recipe with this random seed, on the book's corpus or on an embedded one."""
    chosen = recipe(name)
    return chosen.config.change(random_seed=seed, corpus=chosen.config.corpus if embedded else chosen.book_corpus)


def run_piece(name: str, seed: int, embedded: bool, folders: Sequence[Path] | None = None) -> dict[str, Any]:
    """Train one recipe from one seed to its end in this process.

    Args:
        name: the recipe.
        seed: the random seed.
        embedded: whether to train on an embedded corpus.
        folders: where the book's texts lie, by default as for `corpora.load`.

    Returns:
        ``perplexity`` (by epoch, at the prediction periods), ``held_out`` (the same on held-out text, where it was
        measured; older pieces do not have it), ``texts`` (measures of what it wrote then), ``seconds``
        (of the processor, per epoch, median), whether it diverged, the setup, versions and date.
    """
    import torch

    from rnnlab.engine.device import resolve_device
    from rnnlab.engine.model import build_model
    from rnnlab.engine.training import TrainingState, prepare_thread, train
    from rnnlab.text.vocab import Vocab

    config = setup(name, seed, embedded)
    text, held_out = _text(config, folders)
    vocab = Vocab(text)
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab), resolve_device(config, len(vocab))), config)
    sample = for_sample(held_out, config)
    events = train(state, vocab, vocab.encode(text), clock=time.thread_time, held_out=sample)
    measured = _measure(config, text, events)
    return measured | {
        "recipe": name,
        "seed": seed,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": _processor(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def recorded_piece(name: str, folders: Sequence[Path] | None = None) -> dict[str, Any] | None:
    """Return the piece that the recording of a recipe holds already, or None if it has another setup."""
    file = resources.files("rnnlab.recordings").joinpath(f"{name}.json.gz")
    if not file.is_file():
        return None
    recording = import_run(gzip.decompress(file.read_bytes()))
    config = recording.config
    if config != setup(name, config.random_seed, embedded=True):
        return None
    return _measure(config, _text(config, folders).train, recording.events) | {
        "recipe": name,
        "seed": config.random_seed,
        "torch": recording.made.versions.get("torch", ""),
        "python": "",
        "processor": "",
        "date": recording.made.date,
    }


def _text(config: TrainConfig, folders: Sequence[Path] | None) -> Prepared:
    return prepare(load(config.corpus, folders=folders).text, config.preprocessing, config.num_chars)


def _measure(config: TrainConfig, text: str, events: Iterable[Event]) -> dict[str, Any]:
    """Describe a run by its perplexities and by measures of its texts, which are not kept."""
    quotes = QuoteIndex(text)
    perplexities: dict[str, float | None] = {}
    texts: list[dict[str, Any]] = []
    seconds: list[float] = []
    held_out: dict[str, float] = {}
    diverged_at = None
    for event in events:
        if isinstance(event, EpochFinished):
            seconds.append(event.seconds)
            if event.held_out_perplexity is not None:
                held_out[str(event.epoch)] = event.held_out_perplexity
            if ends_period(config, event.epoch):
                perplexities[str(event.epoch)] = event.perplexity
            last = event
        elif isinstance(event, RunFinished) and event.best_epoch is not None:  # its end is no period
            perplexities[str(event.epoch)] = last.perplexity
        elif isinstance(event, TextGenerated) and ends_period(config, event.epoch):
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
        elif isinstance(event, RunDiverged):
            diverged_at = event.epoch
    return {
        "setup": config.model_dump(mode="json"),
        "corpus": config.corpus,
        "perplexity": perplexities,
        "held_out": held_out,
        "texts": texts,
        "seconds": statistics.median(seconds) if seconds else None,
        "diverged_at": diverged_at,
    }


def reproduce(
    folder: Path,
    ids: Iterable[str] = (),
    num_seeds: int = 3,
    embedded: bool = False,
    jobs: int = 1,
    folders: Sequence[Path] | None = None,
) -> Iterator[dict[str, Any]]:
    """Do every piece that is not in `folder` yet, `jobs` at a time, and yield each result.

    Each is kept as soon as it is done, whatever happens to the others. A piece whose recipe has changed since is done
    again; on the embedded corpora, recorded runs are taken from the recordings.

    Args:
        folder: where the results are kept.
        ids: the recipes; none named: all.
        num_seeds: random seeds per recipe.
        embedded: whether to train on the embedded corpora.
        jobs: processes at a time.
        folders: where the book's texts lie, by default as for `corpora.load`.

    Raises:
        RuntimeError: some pieces broke; all others are done and kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for name, seed in pieces(ids, num_seeds):
        if _kept(folder, name, seed, embedded) is not None:
            continue
        recorded = recorded_piece(name, folders) if embedded else None
        if recorded is not None and recorded["seed"] == seed:
            yield _keep(folder, recorded)
        else:
            todo.append((name, seed))
    broken = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = {pool.submit(_do, folder, name, seed, embedded, folders): (name, seed) for name, seed in todo}
        for future in as_completed(futures):
            if (error := future.exception()) is None:
                yield future.result()
            else:
                name, seed = futures[future]
                broken.append(f"{name} seed {seed}: {error!r}")
    if broken:
        raise RuntimeError("; ".join(broken))


def _do(folder: Path, name: str, seed: int, embedded: bool, folders: Sequence[Path] | None) -> dict[str, Any]:
    return _keep(folder, run_piece(name, seed, embedded, folders))


def _keep(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    target = _file(folder, result["recipe"], result["seed"])
    aside = target.with_suffix(".part")
    aside.write_text(json.dumps(result), encoding="utf-8")
    os.replace(aside, target)
    return result


def _kept(folder: Path, name: str, seed: int, embedded: bool) -> dict[str, Any] | None:
    """Return a piece that is done, or None; one of another setup than the recipe has now counts as not done."""
    file = _file(folder, name, seed)
    if not file.exists():
        return None
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    try:
        done = TrainConfig.make(**result["setup"])  # a setting that is younger than the piece has its default
    except (ConfigError, KeyError):
        return None
    return result if done == setup(name, seed, embedded) else None


def results(folder: Path, embedded: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Return the pieces in `folder` that have the setup of their recipe, by recipe, in the recipes' order."""
    found = {name: [_kept(folder, name, seed, embedded) for seed in range(100)] for name in RECIPES}
    kept = {name: [piece for piece in pieces_ if piece is not None] for name, pieces_ in found.items()}
    return {name: pieces_ for name, pieces_ in kept.items() if pieces_}


def _file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-seed{seed}.json"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
