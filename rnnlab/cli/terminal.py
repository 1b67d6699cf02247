"""How the shell shows a run while it trains, and tables: results to standard output, the rest to standard error."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from rnnlab.errors import RNNLabError

if TYPE_CHECKING:
    from rnnlab.events import Event
    from rnnlab.runs.client import Client
    from rnnlab.runs.store import RunRecord

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit codes: it failed; a value was wrong; it was ended by Ctrl-C."""


def watch(client: Client, run_id: str, cursor: int, as_json: bool) -> None:
    """Print what the run says until it ends; Ctrl-C stops it first. Exits unless all went well."""
    from rnnlab.runs.logbook import book_lines

    click.echo(f"run {run_id}", err=True)
    record = client.store.run(run_id)
    if record.queue_position is not None and record.queue_position > 1:
        click.echo(f"It waits in the queue, at place {record.queue_position}.", err=True)
    progress = _Progress(record, as_json)
    interrupted = threading.Event()
    with _stop_on_interrupt(client, run_id, interrupted), progress.bar:
        events = progress.passing(client.follow(run_id, cursor))
        lines = (event.to_json() for event in events) if as_json else book_lines(events)
        try:
            for line in lines:
                progress.write(line)
        except BrokenPipeError:
            # whoever read the output has gone: nobody is left to train for
            with contextlib.suppress(RNNLabError):
                client.stop(run_id)
            for _ in events:
                pass
            # or the interpreter complains when it closes the stream
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    record = client.store.run(run_id)
    _say_how_it_ended(record, progress.last)
    if interrupted.is_set():
        sys.exit(INTERRUPTED)
    if record.state in ("failed", "interrupted"):
        # what this machine has is known only where torch is loaded
        sys.exit(WRONG if (record.error or {}).get("code") == "device_missing" else FAILED)


@contextlib.contextmanager
def _stop_on_interrupt(client: Client, run_id: str, interrupted: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C stop the run, whose end is then awaited; a second one leaves at once.

    The signal may come in the middle of a message to the supervisor, so the command goes out from a thread.
    """

    def stop() -> None:
        # an error says that the run has ended by itself
        with contextlib.suppress(RNNLabError):
            client.stop(run_id)

    def handle(_signal: int, _frame: object) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        threading.Thread(target=stop, daemon=True).start()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Progress:
    """The progress bar of one run on standard error, and lines on standard output that do not disturb it."""

    def __init__(self, record: RunRecord, as_json: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, highlight=False, emoji=False)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[perplexity]}"),
            TimeRemainingColumn(),
            console=console,
            # or rich would send standard output to standard error
            redirect_stdout=False,
            redirect_stderr=False,
            disable=as_json and not console.is_terminal,
        )
        self._shares_terminal = console.is_terminal and sys.stdout.isatty()
        self.last: Event | None = None
        self._task = self.bar.add_task(title(record), total=record.num_epochs, completed=record.epoch, perplexity="")

    def passing(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield `events`, moving the bar as they pass; the `last` of them is kept."""
        from rnnlab.events import EpochFinished, RunStarted

        for event in events:
            self.last = event
            if isinstance(event, RunStarted):
                self.bar.update(self._task, completed=event.epoch)
            elif isinstance(event, EpochFinished):
                perplexity = "inf" if event.perplexity is None else f"{event.perplexity:.6g}"
                self.bar.update(self._task, completed=event.epoch, perplexity=f"perplexity {perplexity}")
            yield event

    def write(self, line: str) -> None:
        """Write a line to standard output; on a terminal that also shows the bar, above the bar."""
        if self._shares_terminal:
            self.bar.console.print(line, markup=False, soft_wrap=True)
        else:
            click.echo(line)


def _say_how_it_ended(record: RunRecord, last: Event | None) -> None:
    from rnnlab.events import RunDiverged
    from rnnlab.runs.logbook import divergence

    how = divergence(last) if isinstance(last, RunDiverged) else "diverged"
    told = {
        "diverged": f"The run {how}. Everything before is kept.",
        "stopped": "Stopped; everything so far is kept.",
        "interrupted": "The run was interrupted; everything so far is kept.",
        "failed": f"The run failed: {(record.error or {}).get('message', '')}",
    }
    if record.state in told:
        click.echo(told[record.state], err=True)
        if record.continuable and record.state != "diverged":
            click.echo(f"Go on with: python -m rnnlab continue {record.id}", err=True)


def title(record: RunRecord) -> str:
    """Return the recipe that a run is, or is based on, or else its cell."""
    return record.name or (f"based on {record.based_on}" if record.based_on else record.config.cell)


def local_time(seconds: float) -> str:
    """Return a moment (unix seconds) as date and time here."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def print_json(value: object) -> None:
    """Print one JSON value over several lines; numbers that JSON cannot hold are an error."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1))


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table, as wide as the terminal allows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # a pipe has no width
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False, emoji=False).print(table)
