"""The tables of the Diagnose charts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from rnnlab.view.data.history import History
from rnnlab.view.diagnose import tables
from rnnlab.view.language.i18n import t
from tests.made import epoch


def rows(table: bytes) -> list[dict[str, Any]]:
    """Return the rows of a table, decoded from its Arrow bytes."""
    decoded: list[dict[str, Any]] = pa.ipc.open_stream(table).read_all().to_pylist()
    return decoded


def test_a_perplexity_that_overflows_is_no_flat_line_but_arrows() -> None:
    history = History([epoch(i, value) for i, value in enumerate((90.0, None, None, None), 1)])
    drawn = tables.line_tables([tables.perplexities("A", history, 10_000.0, "en")], [(260.0, "unigram")])
    assert [row["value"] for row in rows(drawn["lines"])] == [90.0, 10_000.0, None, None]
    label = t("chart.off_scale", "en", perplexity="∞")
    assert [(row["epoch"], row["label"]) for row in rows(drawn["off"])] == [(2, label), (3, ""), (4, "")]
    assert [row["shown"] for row in rows(drawn["targets"])][-1] == "∞"
    assert max(row["value"] for row in rows(drawn["extent"])) == 10_000


def test_a_curve_within_the_axis_has_no_arrows() -> None:
    history = History([epoch(1, 90.0), epoch(2, 80.0)])
    drawn = tables.line_tables([tables.perplexities("A", history, 10_000.0, "en")])
    assert rows(drawn["off"]) == []
    assert [row["value"] for row in rows(drawn["lines"])] == [90.0, 80.0]
