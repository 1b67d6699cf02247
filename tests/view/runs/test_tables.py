"""The table of the runs."""

from __future__ import annotations

import datetime
import math

from rnnlab.view.runs import tables


def row(epoch: int, perplexity: float | None) -> tables.Row:
    created = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)
    return tables.Row("r", "A2", "", "finished", False, epoch, perplexity, (), created)


def test_a_perplexity_that_overflowed_is_infinite_and_one_that_is_still_to_come_is_missing() -> None:
    table = tables.runs([row(0, None), row(3, None), row(3, 7.5)])
    assert table["perplexity"].to_pylist() == [None, math.inf, 7.5]


def test_an_infinite_perplexity_is_written_as_everywhere_and_still_a_number() -> None:
    written = tables.written(tables.runs([row(0, None), row(3, None), row(3, 89840.1)]))
    text = written.to_string()
    assert "∞" in text
    assert "89,840" in text
    assert not any(word in text for word in ("inf", "nan", "None"))
    assert written.data["perplexity"].tolist()[1:] == [math.inf, 89840.1]
