"""Bring hostile inputs to every door of the app, and print what came of them.

    python -m tests.fuzz [--inputs 10000] [--seed 0] [--door config --only 123]

An input is named by the seed, its door and its number: `--only` brings a single one again. The exit code is 1 if
anything raised, or if an input that was refused has changed the store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.doors.address import Address
from tests.fuzz.doors.checkpoints import Checkpoint
from tests.fuzz.doors.commands import Commands
from tests.fuzz.doors.config import Config
from tests.fuzz.doors.imports import Import
from tests.fuzz.doors.strangers import Strangers
from tests.fuzz.doors.upload import Upload
from tests.fuzz.doors.widgets import Widgets
from tests.fuzz.lab import Door, Lab, Tally, knock

DOORS: tuple[type[Door], ...] = (Config, Address, Import, Checkpoint, Upload, Strangers, Commands, Widgets)
SHOWN = 20
"""Largest number of findings that are printed for each door."""


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="number of inputs at all doors together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door", choices=[door.name for door in DOORS], help="only this door")
    parser.add_argument("--only", type=int, help="only the input with this number")
    options = parser.parse_args()
    print(f"seed {options.seed}\n{'door':<26}{'tried':>7}{'refused':>9}{'tracebacks':>12}{'state changed':>15}{'s':>6}")
    tallies = []
    with tempfile.TemporaryDirectory(prefix="rnnlab-fuzz-") as folder, Lab(Path(folder) / "home") as lab:
        for door in DOORS:
            if options.door in (None, door.name):
                begun = time.monotonic()
                count = round(options.inputs * (1 if options.door else door.share))
                numbers = range(count) if options.only is None else [options.only]
                tallies.append(knock(door(lab), options.seed, numbers))
                print(_row(tallies[-1], time.monotonic() - begun), flush=True)
    findings = [finding for tally in tallies for finding in [*tally.tracebacks[:SHOWN], *tally.changed[:SHOWN]]]
    print("\n".join(["", *findings] if findings else ["", "Nothing raised, and nothing refused has changed anything."]))
    return 1 if findings else 0


def _row(tally: Tally, seconds: float) -> str:
    numbers = f"{tally.tried:>7}{tally.refused:>9}{len(tally.tracebacks):>12}{len(tally.changed):>15}"
    return f"{tally.door:<26}{numbers}{seconds:>6.0f}"


if __name__ == "__main__":
    sys.exit(main())
