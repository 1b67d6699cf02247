"""Printing runs and tables: results go to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

import click

from rnnlab.errors import RNNLabError

if TYPE_CHECKING:
    from rnnlab.events import Event
    from rnnlab.runs.client import Client
    from rnnlab.runs.store import RunRecord

FAILED, WRONG = 1, 2
"""Exit codes of a failure and of a wrong value."""
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that stop a run: Ctrl-C, `kill` or a system that shuts down, and a terminal that is closed."""


def watch(client: Client, run_id: str, cursor: int, as_json: bool) -> None:
    """Print the events of a run until it ends; Ctrl-C, SIGTERM and SIGHUP stop it. On failure, exit with a code."""
    from rnnlab.runs.logbook import book_lines

    # the signals are handled before the id tells anybody that the run has begun
    with _stop_on_signal(client, run_id) as received:
        click.echo(f"run {run_id}", err=True)
        record = client.store.run(run_id)
        if record.queue_position is not None and record.queue_position > 1:
            click.echo(f"The run is waiting in the queue, at position {record.queue_position}.", err=True)
        progress = _Progress(record, as_json)
        with progress.bar:
            events = progress.track(client.follow(run_id, cursor))
            lines = (event.to_json() for event in events) if as_json else book_lines(events, record.config.pred_period)
            try:
                for line in lines:
                    progress.write(line)
            except OSError as error:
                # the reader of the output has closed it, so the run is not needed any more; otherwise the interpreter
                # reports an error when it closes the stream
                _silence(sys.stdout)
                if not isinstance(error, BrokenPipeError):  # the terminal is gone, before its signal has arrived
                    _silence(sys.stderr)
                with contextlib.suppress(RNNLabError):
                    client.stop(run_id)
                for _ in events:
                    pass
    record = client.store.run(run_id)
    _print_ending(record, progress.last)
    if received:
        sys.exit(128 + received[0])  # as a shell reports a process that the signal has ended
    if record.state in ("failed", "interrupted"):
        # only a process with torch knows the devices of this machine, so a wrong device is found late
        sys.exit(WRONG if (record.error or {}).get("code") == "device_missing" else FAILED)


@contextlib.contextmanager
def _stop_on_signal(client: Client, run_id: str) -> Iterator[list[int]]:
    """Stop the run at the first signal that ends a process and wait for its end; leave at once at Ctrl-C after it.

    The signal may arrive in the middle of a message to the supervisor, so the command is sent from a thread. The
    list contains the numbers of the signals that have arrived.
    """
    received: list[int] = []

    def stop() -> None:
        # an error means that the run has already ended
        with contextlib.suppress(RNNLabError):
            client.stop(run_id)

    def handle(number: int, _frame: object) -> None:
        received.append(number)
        if number not in (signal.SIGINT, signal.SIGTERM):
            for stream in (sys.stdout, sys.stderr):
                if stream.isatty():  # the terminal is gone, and writing to it would fail
                    _silence(stream)
        if len(received) > 1:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return  # a system that shuts down sends several
        threading.Thread(target=stop, daemon=True).start()

    # a signal that the shell ignores (nohup) stays ignored
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence(stream: TextIO) -> None:
    """Let nothing more that is written to `stream` arrive or fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Progress:
    """The progress bar of a run on standard error, above which lines go to standard output."""

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
            # otherwise rich would send standard output to standard error
            redirect_stdout=False,
            redirect_stderr=False,
            disable=as_json and not console.is_terminal,
        )
        self._shares_terminal = console.is_terminal and sys.stdout.isatty()
        self.last: Event | None = None
        self._task = self.bar.add_task(title(record), total=record.num_epochs, completed=record.epoch, perplexity="")

    def track(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield `events`, update the bar for each, and keep the `last` event."""
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
        """Write a line to standard output, above the bar if both use the same terminal."""
        if self._shares_terminal:
            self.bar.console.print(line, markup=False, soft_wrap=True)
        else:
            click.echo(line)


def _print_ending(record: RunRecord, last: Event | None) -> None:
    from rnnlab.events import RunDiverged, RunFinished
    from rnnlab.runs.logbook import divergence

    if isinstance(last, RunFinished) and last.reason == "finished" and last.epoch < record.num_epochs:
        click.echo(
            f"Stopped early after epoch {last.epoch}: the held-out perplexity was lowest after epoch "
            f"{last.best_epoch}. Those weights are kept: python -m rnnlab generate {record.id} PREFIX --epoch best",
            err=True,
        )
    outcome = divergence(last) if isinstance(last, RunDiverged) else "diverged"
    messages = {
        "diverged": f"The run {outcome}. Everything before is kept.",
        "stopped": "Stopped; everything so far is kept.",
        "interrupted": "The run was interrupted; everything so far is kept.",
        "failed": f"The run failed: {(record.error or {}).get('message', '')}",
    }
    if record.state in messages:
        click.echo(messages[record.state], err=True)
        if record.continuable and record.state != "diverged":
            click.echo(f"Continue with: python -m rnnlab continue {record.id}", err=True)


def title(record: RunRecord) -> str:
    """Return the recipe of a run, or the recipe it is based on, or its cell."""
    return record.name or (f"based on {record.based_on}" if record.based_on else record.config.cell)


def local_time(seconds: float) -> str:
    """Return a Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def print_json(value: object) -> None:
    """Print a value as indented JSON.

    Raises:
        ValueError: a number that JSON cannot represent.
    """
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1))


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table, as wide as the terminal allows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # a pipe has no width of its own
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False, emoji=False).print(table)
