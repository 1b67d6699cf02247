"""The book's log and the table of epochs, from events."""

from __future__ import annotations

import csv
import io

from rnnlab.events import EpochFinished, Event, RunDiverged, RunFinished, RunStarted, TextGenerated
from rnnlab.runs.logbook import book_line, book_lines, book_log, epoch_table, one_line
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
    assert list(book_lines(events, 2)) == [
        "epoch 2, perplexity 211.457328, time 1.51 sec",
        " - 分开 我",
        " - 不分开 我",
        "epoch 3, perplexity 211.457328, time 1.51 sec",
    ]


def test_early_texts_are_not_in_the_book() -> None:
    started = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")
    early: list[Event] = [started, text(0), text(0, "不分开")]
    for number in (1, 2, 3):
        early += [epoch(number), text(number, more=f" {number}")]
    # epoch 3 is no early one: training was to end there, before the run was continued
    lines = [book_line(epoch(3)), " - 分开 3"]
    assert list(book_lines([*early, epoch(4), END], 50)) == [*lines, book_line(epoch(4))]
    assert list(book_lines(early, 2)) == [book_line(epoch(2)), " - 分开 2", *lines]
    assert book_log(early, 1).splitlines() == [
        line for number in (1, 2, 3) for line in (book_line(epoch(number)), f" - 分开 {number}")
    ]


def test_an_early_text_is_printed_if_training_ended_with_it() -> None:
    some: list[Event] = [text(0), epoch(1), text(1), epoch(2), text(2, more=" 2")]
    finished, stopped = (RunFinished(reason=reason, epoch=2, minibatch=0) for reason in ("finished", "stopped"))
    assert list(book_lines([*some, finished], 50)) == [book_line(epoch(2)), " - 分开 2"]
    # also when the run was then continued
    assert list(book_lines([*some, finished, epoch(3), text(3), END], 50))[:2] == [book_line(epoch(2)), " - 分开 2"]
    assert list(book_lines([*some, stopped], 50)) == [book_line(epoch(2))]


def test_an_untrained_network_has_only_texts() -> None:
    started = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")
    assert list(book_lines([started, text(0), END], 50)) == [" - 分开 我"]


def test_a_run_that_diverges_reports_its_epoch_and_gradient_norm() -> None:
    events: list[Event] = [epoch(1), text(1), epoch(2), RunDiverged(epoch=3, minibatch=7, grad_norm=12345.678)]
    *before, last = book_lines(events, 1)
    assert before == [book_line(epoch(1)), " - 分开 我", book_line(epoch(2))]
    assert "epoch 3" in last
    assert "12345.7" in last
    (alone,) = book_lines([RunDiverged(epoch=1, minibatch=1, grad_norm=None)], 1)
    assert "epoch 1" in alone
    assert "None" not in alone


def test_lines_are_yielded_as_the_events_arrive() -> None:
    seen = []

    def events() -> object:
        for event in (epoch(1), text(1), epoch(2), text(2), END):
            seen.append(event)
            yield event

    lines = book_lines(events(), 1)  # type: ignore[arg-type]
    assert next(lines).startswith("epoch 1,")
    assert len(seen) == 2


def test_a_text_is_printed_on_a_single_line() -> None:
    assert one_line("a\nb\r\tc\x1b[31md\x85e") == "a b  c [31md e"
    assert list(book_lines([epoch(1), text(1, more="\n\x1b]0;x\x07")], 1))[1] == " - 分开  ]0;x "


def test_the_table_has_the_last_record_of_a_repeated_epoch() -> None:
    events: list[Event] = [epoch(1, 300.0), epoch(2, 200.0), text(2), epoch(2, 199.0), epoch(3, None, None), END]
    rows = list(csv.DictReader(io.StringIO(epoch_table(events))))
    assert [(row["epoch"], row["perplexity"]) for row in rows] == [("1", "300.0"), ("2", "199.0"), ("3", "inf")]
    assert [row["clip_norm"] for row in rows] == ["0.01", "0.01", ""]
    assert list(rows[0])[:4] == ["epoch", "perplexity", "loss", "seconds"]


def test_the_table_has_the_held_out_perplexity_if_it_was_measured() -> None:
    assert "held_out_perplexity" not in epoch_table([epoch(1), epoch(2)])
    table = epoch_table([epoch(1), epoch(2).model_copy(update={"held_out_perplexity": 250.5})])
    assert [row["held_out_perplexity"] for row in csv.DictReader(io.StringIO(table))] == ["", "250.5"]
