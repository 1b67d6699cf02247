"""Record runs for the gallery: train recipes to their end on the embedded corpora and write them beside this file.

    python -m rnnlab.recordings A2 A6 A10

With no recipe named, all of them are recorded, each with a diagnosis of its weights at every prediction period. The
seconds of a recording are those of the processor, of one thread: what the training itself took, whatever else the
machine did. The runs are kept in a folder of their own that is removed afterwards.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
import time
from pathlib import Path

from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.events import EpochFinished, Probed, RunFinished, TextGenerated
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json

FOLDER = Path(__file__).parent


def record(client: Client, one: Recipe, folder: Path = FOLDER) -> Path:
    """Train a recipe to its end and write it to ``<id>.json.gz`` in `folder`.

    Raises:
        RNNLabError: the run cannot be created, or its weights cannot be looked at.
        RuntimeError: the run did not come to its end.
    """
    begun = time.monotonic()
    run_id = client.create(one.config, name=one.id, language=one.language)
    last = None
    for event in client.follow(run_id):
        if isinstance(event, EpochFinished) and event.epoch % 10 == 0:
            left = (time.monotonic() - begun) / event.epoch * (one.config.num_epochs - event.epoch)
            print(f"{one.id}: epoch {event.epoch}/{one.config.num_epochs}, {left:.0f} s left", file=sys.stderr)
        last = event
    # a run that diverges is worth keeping too, one that broke is not
    if last is None or not (isinstance(last, RunFinished) or last.kind == "run_diverged"):
        raise RuntimeError(f"{one.id} did not come to its end: {last!r}")
    path = folder / f"{one.id}.json.gz"
    aside = path.with_suffix(".part")
    data = export_run(client.store, run_id)
    data["events"][-1:-1] = [event.model_dump(mode="json") for event in probes(client, run_id)]
    text = to_json(data)
    aside.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))  # no clock: the same run, the same file
    aside.replace(path)
    return path


def probes(client: Client, run_id: str) -> list[Probed]:
    """Return a diagnosis of the weights at every prediction period of which a checkpoint is kept, by epoch."""
    written = {event.epoch for _, event in client.store.events_since(run_id) if isinstance(event, TextGenerated)}
    kept = {epoch for epoch, minibatch, _ in client.store.checkpoints(run_id) if minibatch == 0}
    found = []
    for epoch in sorted(written & kept):
        _, diagnosis = client.diagnose(run_id, epoch)
        found.append(Probed(epoch=epoch, diagnosis=diagnosis))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Record what the command line names; return 2 where a recipe does not exist."""
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
        for one in recipes:
            print(record(client, one, chosen.folder), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
