"""The events of a run as text: the book's log lines, and a table of the epochs; no torch.

The book prints, at every prediction period, the perplexity and the time of the epoch, and the generated texts:

    epoch 40, perplexity 211.457328, time 1.51 sec
     - 分开 ...
     - 不分开 ...

The log of a run that diverged has an additional line, which is not in the book.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from rnnlab.engine.periods import EARLY
from rnnlab.events import EpochFinished, Event, RunDiverged, RunFailed, RunFinished, TextGenerated

_END = (RunFinished, RunDiverged, RunFailed)
_COLUMNS = (
    "epoch",
    "perplexity",
    "loss",
    "seconds",
    "num_tokens",
    "learning_rate",
    "clip_norm",
    "grad_norm",
    "grad_norm_max",
    "clipped_share",
)
_HELD_OUT = "held_out_perplexity"  # the last column, if the run measured it


def book_line(event: EpochFinished) -> str:
    """Return an epoch as the book prints it; a perplexity that overflowed is ``inf``."""
    perplexity = "inf" if event.perplexity is None else f"{event.perplexity:.6f}"
    return f"epoch {event.epoch}, perplexity {perplexity}, time {event.seconds:.2f} sec"


def divergence(event: RunDiverged) -> str:
    """Return the text of a divergence: its epoch, and the last finite gradient norm if there is one."""
    norm = "no gradient norm was finite"
    if event.grad_norm is not None:
        norm = f"the last finite gradient norm was {event.grad_norm:.6g}"
    return f"diverged in epoch {event.epoch}: its loss is no longer a finite number; {norm}"


def book_lines(events: Iterable[Event], pred_period: int) -> Iterator[str]:
    """Yield the lines of the book's log as the events arrive.

    Lines are printed for each epoch that ends a prediction period, for the last epoch, and for a divergence. The book
    has no early texts; they are printed only if training finished with their epoch.

    Args:
        events: the events of the run.
        pred_period: epochs between two generations, as configured.
    """
    last: EpochFinished | None = None
    early: list[str] = []
    for event in events:
        if isinstance(event, EpochFinished):
            last, early = event, []
        elif isinstance(event, TextGenerated):
            line = " - " + one_line(event.text)
            if event.epoch in EARLY and (event.epoch == 0 or event.epoch % pred_period):
                early.append(line)
                continue
            if last is not None and last.epoch == event.epoch:
                yield book_line(last)
                last = None
            yield line
        elif isinstance(event, _END):
            if last is not None:
                yield book_line(last)
                last = None
            if isinstance(event, RunFinished) and event.reason == "finished":
                yield from early
            early = []
            if isinstance(event, RunDiverged):
                yield divergence(event)


def book_log(events: Iterable[Event], pred_period: int) -> str:
    """Return the book's log as one text; arguments as for `book_lines`."""
    return "".join(f"{line}\n" for line in book_lines(events, pred_period))


def one_line(text: str) -> str:
    """Return `text` with a space in place of each line break and control character."""
    return "".join(" " if character < " " or "\x7f" <= character < "\xa0" else character for character in text)


def epoch_table(events: Iterable[Event]) -> str:
    """Return the epochs as CSV with a header.

    Of an epoch that was repeated after a continuation, the last record is used. A perplexity that overflowed is
    ``inf``; the cell of clipping is empty if clipping is off. The column of the held-out perplexity exists only if the
    run measured it, so the table of an older run stays as it was; its cell is empty in the epochs between.
    """
    epochs = {event.epoch: event for event in events if isinstance(event, EpochFinished)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    measured = any(event.held_out_perplexity is not None for event in epochs.values())
    columns = (*_COLUMNS, _HELD_OUT) if measured else _COLUMNS
    writer.writerow(columns)
    for _, event in sorted(epochs.items()):
        row = event.model_dump(include=set(columns))
        row["perplexity"] = "inf" if event.perplexity is None else event.perplexity
        writer.writerow(["" if row[name] is None else row[name] for name in columns])
    return out.getvalue()
