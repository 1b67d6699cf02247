"""The book's log and the table of epochs, from events."""

from __future__ import annotations

import csv
import io

from rnnlab.events import EpochFinished, Event, RunDiverged, RunFinished, RunStarted, TextGenerated
from rnnlab.runs.logbook import book_line, book_lines, epoch_table, one_line
from tests import made


def epoch(number: int, perplexity: float | None = 211.457328, clip_norm: float | None = 0.01) -> EpochFinished:
    return made.epoch(number, perplexity, seconds=1.506, clip_norm=clip_norm)


def text(number: int, prefix: str = "分开", more: str = " 我") -> TextGenerated:
    return TextGenerated(epoch=number, prefix=prefix, text=prefix + more)


END = RunFinished(reason="finished", epoch=3, minibatch=0)


def test_the_line_is_that_of_the_book() -> None:
    assert book_line(epoch(40)) == "epoch 40, perplexity 211.457328, time 1.51 sec"
    assert book_line(epoch(40, perplexity=None)) == "epoch 40, perplexity inf, time 1.51 sec"


def test_lines_at_each_period_and_at_the_end() -> None:
    events: list[Event] = [epoch(1), epoch(2), text(2), text(2, "不分开"), epoch(3), END]
    assert list(book_lines(events)) == [
        "epoch 2, perplexity 211.457328, time 1.51 sec",
        " - 分开 我",
        " - 不分开 我",
        "epoch 3, perplexity 211.457328, time 1.51 sec",
    ]


def test_an_untrained_network_has_only_texts() -> None:
    started = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")
    assert list(book_lines([started, text(0), END])) == [" - 分开 我"]


def test_a_run_that_diverges_reports_its_epoch_and_gradient_norm() -> None:
    events: list[Event] = [epoch(1), text(1), epoch(2), RunDiverged(epoch=3, minibatch=7, grad_norm=12345.678)]
    *before, last = book_lines(events)
    assert before == [book_line(epoch(1)), " - 分开 我", book_line(epoch(2))]
    assert "epoch 3" in last
    assert "12345.7" in last
    (alone,) = book_lines([RunDiverged(epoch=1, minibatch=1, grad_norm=None)])
    assert "epoch 1" in alone
    assert "None" not in alone


def test_lines_are_yielded_as_the_events_arrive() -> None:
    seen = []

    def events() -> object:
        for event in (epoch(1), text(1), epoch(2), text(2), END):
            seen.append(event)
            yield event

    lines = book_lines(events())  # type: ignore[arg-type]
    assert next(lines).startswith("epoch 1,")
    assert len(seen) == 2


def test_a_text_is_printed_on_a_single_line() -> None:
    assert one_line("a\nb\r\tc\x1b[31md\x85e") == "a b  c [31md e"
    assert list(book_lines([epoch(1), text(1, more="\n\x1b]0;x\x07")]))[1] == " - 分开  ]0;x "


def test_the_table_has_the_last_record_of_a_repeated_epoch() -> None:
    events: list[Event] = [epoch(1, 300.0), epoch(2, 200.0), text(2), epoch(2, 199.0), epoch(3, None, None), END]
    rows = list(csv.DictReader(io.StringIO(epoch_table(events))))
    assert [(row["epoch"], row["perplexity"]) for row in rows] == [("1", "300.0"), ("2", "199.0"), ("3", "inf")]
    assert [row["clip_norm"] for row in rows] == ["0.01", "0.01", ""]
    assert list(rows[0])[:4] == ["epoch", "perplexity", "loss", "seconds"]
