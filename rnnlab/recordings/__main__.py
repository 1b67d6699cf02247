"""Record runs for the gallery: train recipes on the embedded corpora and write them to this folder.

    python -m rnnlab.recordings A2 A6 A10

Without arguments, all recipes are recorded, each with a diagnosis of its weights at every prediction period. The
weights of some are kept too (`rnnlab.recordings.networks`), so that they can be inspected without training. The
seconds of a recording are processor time of one thread: the time of the training itself, independent of other load on
the machine. The runs are stored in a temporary folder, which is removed afterwards.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
import time
from pathlib import Path

from rnnlab.engine.periods import ends_period
from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.events import EpochFinished, Probed, RunFinished, TextGenerated
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.recordings import networks
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json

FOLDER = Path(__file__).parent


def record(client: Client, entry: Recipe, folder: Path = FOLDER) -> Path:
    """Train the recipe `entry` and write the run to ``<id>.json.gz`` in `folder`, and its kept weights beside it.

    Raises:
        RNNLabError: the run cannot be created, or its weights cannot be diagnosed.
        RuntimeError: the run did not finish, or its weights cannot be kept.
    """
    started = time.monotonic()
    run_id = client.create(entry.config, name=entry.id, language=entry.language)
    last = None
    for event in client.follow(run_id):
        if isinstance(event, EpochFinished) and event.epoch % 10 == 0:
            left = (time.monotonic() - started) / event.epoch * (entry.config.num_epochs - event.epoch)
            print(f"{entry.id}: epoch {event.epoch}/{entry.config.num_epochs}, {left:.0f} s left", file=sys.stderr)
        last = event
    # a diverged run is worth keeping, a failed one is not
    if last is None or not (isinstance(last, RunFinished) or last.kind == "run_diverged"):
        raise RuntimeError(f"{entry.id} did not finish: {last!r}")
    path = folder / f"{entry.id}.json.gz"
    part = path.with_suffix(".part")
    data = export_run(client.store, run_id)
    data["events"][-1:-1] = [event.model_dump(mode="json") for event in probes(client, run_id)]
    text = to_json(data)
    part.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))  # no time stamp: the same run gives the same file
    part.replace(path)
    for epoch in networks.KEPT.get(entry.id, ()):
        networks.keep(client, run_id, entry.id, epoch, folder / networks.FOLDER)
    return path


def probes(client: Client, run_id: str) -> list[Probed]:
    """Return a diagnosis of the weights at every prediction period that has a checkpoint, ordered by epoch."""
    config = client.store.run(run_id).config
    written = {event.epoch for _, event in client.store.events_since(run_id) if isinstance(event, TextGenerated)}
    saved = {epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0}
    diagnoses = []
    for epoch in sorted(epoch for epoch in written & saved if ends_period(config, epoch)):
        _, diagnosis = client.diagnose(run_id, epoch)
        diagnoses.append(Probed(epoch=epoch, diagnosis=diagnosis))
    return diagnoses


def main(arguments: list[str] | None = None) -> int:
    """Record the recipes named on the command line; return 2 if a recipe does not exist."""
    parser = argparse.ArgumentParser(prog="python -m rnnlab.recordings", description="Record runs for the gallery.")
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="default: all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: the package)")
    chosen = parser.parse_args(arguments)
    try:
        recipes = [recipe(name) for name in chosen.recipes] or list(RECIPES.values())
    except RNNLabError as error:
        print(error.message, file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="rnnlab-recordings-") as home,
        Client(Environment(Path(home), processor_clock=True)) as client,
    ):
        for entry in recipes:
            print(record(client, entry, chosen.folder), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
