"""Record runs for the gallery: train recipes on the embedded corpora and write them to this folder.

    python -m rnnlab.recordings A2 A6 seed-A2-1 answers

Without arguments, all recipes are recorded, each with a diagnosis of its weights at every prediction period, and then
the runs and answers of `rnnlab.recordings.extras`. The weights of some are kept too (`rnnlab.recordings.networks`), so
that they can be inspected without training. The
seconds of a recording are processor time of one thread: the time of the training itself, independent of other load on
the machine. The runs are stored in a temporary folder, which is removed afterwards.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.engine.periods import ends_period
from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.events import EpochFinished, Event, MinibatchFinished, Probed, RunFinished, TextGenerated
from rnnlab.inference import files
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.recordings import networks
from rnnlab.recordings.extras import ANSWERS, GAPS, NUM_GAPS, PARITY, PARITY_CHANGES, Extra, extras
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.runs.texts import Texts
from rnnlab.text.invisible import is_invisible
from rnnlab.text.preparation import Prepared

FOLDER = Path(__file__).parent
COST_EPOCHS = 20
"""Number of the last epochs whose single minibatches are recorded, of a run whose minibatches differ in their cost."""
SENTENCES = 12
"""Number of sentences with a gap that are answered."""
_SEED = 8
_ANSWERS = "answers"


def record(client: Client, entry: Recipe, folder: Path = FOLDER) -> Path:
    """Train a recipe and write the run to ``<id>.json.gz`` in `folder`, with diagnoses, and its kept weights beside it.

    Raises:
        RNNLabError: the run cannot be created, or its weights cannot be diagnosed.
        RuntimeError: the run did not finish, or its weights cannot be kept.
    """
    run_id = _train(client, entry.id, entry.config, entry.language, name=entry.id)
    more: list[Event] = [*_minibatches(client, run_id, entry.config), *probes(client, run_id)]
    for epoch in networks.KEPT.get(entry.id, ()):
        networks.keep(client, run_id, entry.id, epoch, folder / files.FOLDER.name)
    return _write(export_run(client.store, run_id), folder / f"{entry.id}.json.gz", more)


def record_extra(client: Client, name: str, extra: Extra, folder: Path = FOLDER) -> Path:
    """Train a run that follows no recipe and write it to ``<name>.json.gz`` in `folder`.

    Raises:
        RNNLabError: the run cannot be created.
        RuntimeError: the run did not finish.
    """
    language = RECIPES[extra.based_on].language
    run_id = _train(client, name, extra.config, language, name=name, based_on=extra.based_on)
    return _write(export_run(client.store, run_id), folder / f"{name}.json.gz")


def _train(client: Client, label: str, config: TrainConfig, language: str, **about: str) -> str:
    """Train a run to its end, and return its id."""
    started = time.monotonic()
    run_id = client.create(config, language=language, **about)
    last = None
    for event in client.follow(run_id):
        if isinstance(event, EpochFinished) and event.epoch % 10 == 0:
            left = (time.monotonic() - started) / event.epoch * (config.num_epochs - event.epoch)
            print(f"{label}: epoch {event.epoch}/{config.num_epochs}, {left:.0f} s left", file=sys.stderr)
        last = event
    # a diverged run is worth keeping, a failed one is not
    if last is None or not (isinstance(last, RunFinished) or last.kind == "run_diverged"):
        raise RuntimeError(f"{label} did not finish: {last!r}")
    return run_id


def _write(data: dict[str, Any], path: Path, more: Sequence[Event] = ()) -> Path:
    """Write an exported run with `more` events before its last."""
    data["events"][-1:-1] = [event.model_dump(mode="json") for event in more]
    return _compress(to_json(data), path)


def _compress(text: str, path: Path) -> Path:
    part = path.with_suffix(".part")
    part.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))  # no time stamp: the same run gives the same file
    part.replace(path)
    return path


def _minibatches(client: Client, run_id: str, config: TrainConfig) -> list[MinibatchFinished]:
    """Return the minibatches of the last epochs of a run in which each costs more than the one before."""
    if config.detach:
        return []
    events = [event for _, event in client.store.events_since(run_id) if isinstance(event, MinibatchFinished)]
    return [event for event in events if event.epoch > config.num_epochs - COST_EPOCHS]


def record_answers(client: Client, folder: Path = FOLDER) -> Path:
    """Train the networks of `GAPS` and write what they fill into gaps, and the comparisons of scratch and library.

    Raises:
        RNNLabError: a run cannot be created or a question not be answered.
        RuntimeError: a run did not finish.
    """
    answered = {}
    for name in GAPS:
        config = RECIPES[name].config
        run_id = _train(client, name, config, RECIPES[name].language, name=name)
        text = Texts(client.environment.corpus_folders, client.store).prepared(config)
        sentences = [(before, after, answer) for before, answer, after in _sentences(text)]
        answered[name] = {
            "config": config.model_dump(mode="json"),
            "epoch": config.num_epochs,
            "gaps": client.gaps(run_id, NUM_GAPS),
            "sentences": [
                {"before": before, "after": after, "answer": answer, **client.fill_gap(run_id, before, after)}
                for before, after, answer in sentences
            ],
        }
    parity = {cell: client.parity(RECIPES[name].config, PARITY_CHANGES) for cell, name in PARITY.items()}
    made = {"date": datetime.date.today().isoformat()}
    content = {"format": "rnnlab-answers", "version": 1, "made": made, "gaps": answered, "parity": parity}
    return _compress(json.dumps(content, ensure_ascii=False, indent=1), folder / ANSWERS)


def _sentences(text: Prepared, reach: int = 12) -> list[tuple[str, str, str]]:
    """Return pieces of the held-out text of known characters: before a gap, the character there, after it."""
    known, source = set(text.train), text.held_out
    places = list(range(reach, len(source) - reach))
    random.Random(_SEED).shuffle(places)
    pieces = ((source[at - reach : at], source[at], source[at + 1 : at + 1 + reach]) for at in places)
    fitting = (piece for piece in pieces if set("".join(piece)) <= known and not is_invisible(piece[1]))
    return list(itertools.islice(fitting, SENTENCES))


def probes(client: Client, run_id: str) -> list[Probed]:
    """Return a diagnosis of the weights at every prediction period that has a checkpoint, ordered by epoch.

    A run that stopped early has two more: of its best weights, and of its last.
    """
    config = client.store.run(run_id).config
    written = {event.epoch for _, event in client.store.events_since(run_id) if isinstance(event, TextGenerated)}
    saved = {epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0}
    diagnoses = []
    asked = {epoch for epoch in written & saved if ends_period(config, epoch)}
    if (best := client.store.best_epoch(run_id)) is not None:
        asked |= {best, client.store.run(run_id).epoch}
    for epoch in sorted(asked):
        _, diagnosis = client.diagnose(run_id, epoch)
        diagnoses.append(Probed(epoch=epoch, diagnosis=diagnosis))
    return diagnoses


def main(arguments: list[str] | None = None) -> int:
    """Record what is named on the command line; return 2 if a recipe does not exist."""
    parser = argparse.ArgumentParser(prog="python -m rnnlab.recordings", description="Record runs for the gallery.")
    parser.add_argument("names", nargs="*", metavar="RECIPE", help="or a name of an extra, or answers; default: all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: the package)")
    chosen = parser.parse_args(arguments)
    others = extras()
    names = chosen.names or [*RECIPES, *others, _ANSWERS]
    try:
        recipes = [recipe(name) for name in names if name not in others and name != _ANSWERS]
    except RNNLabError as error:
        print(error.message, file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="rnnlab-recordings-") as home,
        Client(Environment(Path(home), processor_clock=True)) as client,
    ):
        for entry in recipes:
            print(record(client, entry, chosen.folder), file=sys.stderr)
        for name in names:
            if name in others:
                print(record_extra(client, name, others[name], chosen.folder), file=sys.stderr)
        if _ANSWERS in names:
            print(record_answers(client, chosen.folder), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
