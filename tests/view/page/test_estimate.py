"""Estimated durations: as measured, summed, and none if unknown."""

from __future__ import annotations

import re
import sqlite3
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.errors import RNNLabError
from rnnlab.runs.admission import estimate_epoch
from rnnlab.runs.client import Client
from rnnlab.runs.schema import DATABASE
from rnnlab.view.page import estimate, session
from tests.runs.lab import TINY, events, opened, warm

UNREAD = TINY.change(corpus="text-" + "0" * 16)
"""The name of an uploaded text that does not exist."""


@pytest.fixture
def server(home: Path) -> Iterator[Client]:
    """A client with a home of its own."""
    session.connection.release()
    session.facts.release()
    yield session.connection()
    session.connection().close()
    session.connection.release()
    session.facts.release()


def test_the_shared_text_counts_before_anything_was_measured_and_measured_runs_add_up(server: Client) -> None:
    with opened(server.home) as client:
        warm(client)
        speed = client.store.meta("speed")
        cores = int(speed["cores"])  # nothing else trains
        here = speed["flops"], speed["op_seconds"], cores
        by_text = estimate_epoch(TINY, session.facts().of(TINY).vocab_size, *here)
        assert cores == 1 or by_text < estimate_epoch(TINY, session.facts().of(TINY).vocab_size, *here[:2])
        assert estimate.seconds(TINY) == pytest.approx(TINY.num_epochs * by_text)
        # the command line has no text prepared, and gets the same result
        assert client.seconds_per_epoch(TINY) == pytest.approx(by_text)
        wide = client.seconds_per_epoch(TINY, lambda: 5000)
        assert wide == pytest.approx(estimate_epoch(TINY, 5000, *here))
        assert wide > by_text

        run_id = client.create(TINY)
        measured = [event.seconds for event in client.follow(run_id) if event.kind == "epoch_finished"]
        assert len(events(client, run_id, "epoch_finished")) == len(measured) == TINY.num_epochs
        per_epoch = statistics.median(measured)
        long = TINY.change(num_epochs=1000)
        assert estimate.seconds(TINY) == pytest.approx(3 * per_epoch)
        assert estimate.seconds(TINY, long, TINY) == pytest.approx(1006 * per_epoch)
        # if one duration is unknown, so is the sum
        assert estimate.seconds(UNREAD) is None
        assert estimate.seconds(TINY, UNREAD) is None
        assert estimate.seconds() is estimate.seconds(TINY.change(num_epochs=0)) is None
        sentence = estimate.takes(long, TINY, key="compare.race.takes", seed=7)
        assert re.search(r"random seed 7; about \d", sentence)
        assert estimate.takes(long, UNREAD) == ""


def test_where_the_runs_cannot_be_read_nothing_is_said(server: Client) -> None:
    with sqlite3.connect(server.home / DATABASE) as database:
        database.execute("pragma user_version = 999")
    database.close()
    with pytest.raises(RNNLabError):
        server.seconds_per_epoch(TINY)
    assert estimate.seconds(TINY) is None
    assert estimate.takes(TINY) == ""
