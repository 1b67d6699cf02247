"""The limits of a visitor on a server for a class: runs, rates, bytes, and what is deleted when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.config import TrainConfig
from rnnlab.environment import Environment
from rnnlab.errors import RNNLabError
from rnnlab.runs.client import Client
from rnnlab.runs.limits import CLASS, LARGEST_BATCH, Limits
from rnnlab.runs.protocol import LIVE
from rnnlab.runs.store_writer import StoreWriter
from tests.runs.lab import LONG, TINY, opened, until_state, visitor

TEXT = "to be or not to be, that is the question. " * 20


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with opened(Environment(tmp_path_factory.mktemp("school"), profile="class")) as client:
        yield client


def refusal(code: str) -> pytest.RaisesExc[RNNLabError]:
    return pytest.RaisesExc(RNNLabError, check=lambda error: error.code == code)


def test_a_visitor_has_a_few_runs_and_a_race_is_one(school: Client) -> None:
    ann = visitor(school, "ann-1")
    race = [ann.create(LONG.change(random_seed=seed), batch="race") for seed in range(LARGEST_BATCH)]
    with refusal("batch_full"):
        ann.create(LONG, batch="race")
    alone = [ann.create(LONG) for _ in range(CLASS.visitor_running + CLASS.visitor_waiting - 1)]
    for batch in ("", "another"):
        with refusal("visitor_full"):
            ann.create(LONG, batch=batch)
    # others are not concerned, nor are the teacher and the machine's owner
    for other in (visitor(school, "bob-1"), visitor(school, "ann-1", teacher=True), school):
        other.stop(other.create(LONG))
    ann.stop(alone[-1])
    until_state(school, alone[-1], "stopped")
    alone[-1] = ann.create(LONG)
    for run in [*race, *alone]:
        ann.stop(run)
    for run in [*race, *alone]:
        until_state(school, run, "stopped")
    assert not school.store.runs(states=LIVE)


def test_the_second_run_of_a_visitor_waits_and_another_visitor_starts_at_once(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLAB_SLOTS", "2")
        with opened(Environment(tmp_path / "home", profile="class")) as client:
            ann, bob = visitor(client, "ann"), visitor(client, "bob")
            first, second = ann.create(LONG), ann.create(LONG)
            until_state(client, first, "running")
            theirs = bob.create(LONG)
            until_state(client, theirs, "running")
            assert client.store.run(second).state == "queued"
            ann.stop(first)
            until_state(client, second, "running")


def test_continuing_counts_as_starting(school: Client) -> None:
    ann = visitor(school, "ann-2")
    done = ann.create(TINY)
    until_state(school, done, "finished")
    runs = [ann.create(LONG) for _ in range(CLASS.visitor_running + CLASS.visitor_waiting)]
    with refusal("visitor_full"):
        ann.continue_run(done, 1)
    for run in runs:
        ann.stop(run)


def test_links_are_counted_and_known_ones_are_free(school: Client) -> None:
    ann, count = visitor(school, "ann-3"), int(CLASS.links.split("/")[0])
    for number in range(count):
        ann.shorten({"page": "train", "epoch": str(number)})
    with refusal("too_often"):
        ann.shorten({"page": "train", "epoch": "new"})
    assert ann.shorten({"page": "train", "epoch": "0"})
    assert visitor(school, "bob-3").shorten({"page": "train", "epoch": "new"})


def test_the_addresses_of_pages_are_counted_apart_from_links(school: Client) -> None:
    ann = visitor(school, "ann-4")
    links, addresses = (int(rate.split("/")[0]) for rate in (CLASS.links, CLASS.addresses))
    for number in range(addresses):
        ann.shorten({"page": "train", "text": str(number)}, address=True)
    with refusal("too_often"):
        ann.shorten({"page": "train", "text": "new"}, address=True)
    for number in range(addresses - links, addresses):  # to share what was an address counts
        ann.shorten({"page": "train", "text": str(number)})
    with refusal("too_often"):
        ann.shorten({"page": "train", "text": "new"})


def test_a_visitor_who_cannot_be_told_apart_makes_nothing(school: Client) -> None:
    nobody = visitor(school, "")
    for act in (
        lambda: nobody.create(TINY),
        lambda: nobody.add_text(TEXT, "text"),
        lambda: nobody.shorten({"page": "train", "epoch": "7"}),
        lambda: nobody.import_run("{}"),
    ):
        with refusal("visitor_unknown"):
            act()
    with refusal("run_not_yours"):
        nobody.star(school.create(TINY), True)


def test_the_bytes_of_a_visitor_are_bounded(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "home", profile="class")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLAB_VISITOR_MB", "0.01")
        with opened(environment) as client:
            ann = visitor(client, "ann")
            name = ann.add_text(TEXT, "one")
            assert client.store.bytes_of("ann") == len(TEXT)
            run = ann.create(TINY.change(corpus=name, prefixes=("to",)))
            until_state(client, run, "finished")
            assert client.store.bytes_of("ann") > 10_000
            for act in (lambda: ann.add_text(TEXT[1:], "two"), lambda: ann.create(TINY)):
                with refusal("visitor_bytes"):
                    act()
            ann.delete(run)
            assert ann.add_text(TEXT[1:], "two")


def test_the_home_is_bounded_and_deleted_runs_make_room(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLAB_HOME_MB", "0.35")
        with opened(Environment(tmp_path / "home", profile="class")) as client:
            runs = []
            with refusal("home_full"):
                for seed in range(200):
                    runs.append(client.create(TINY.change(random_seed=seed)))
                    until_state(client, runs[-1], "finished")
            assert runs
            assert client.store.bytes() > 0.35 * 2**20


def test_a_laptop_has_no_limits_for_visitors() -> None:
    laptop, school = Limits.from_environment({}), Limits.from_environment({"RNNLAB_PROFILE": "class"})
    assert (laptop.visitor_running, laptop.visitor_mb, laptop.keep_days, laptop.links) == (0, 0, 0, "")
    assert (school.visitor_running, school.visitor_waiting) == (CLASS.visitor_running, CLASS.visitor_waiting)
    assert school.slots == laptop.slots
    assert Limits.from_environment({"RNNLAB_PROFILE": "class", "RNNLAB_VISITOR_WAITING": "5"}).visitor_waiting == 5


def test_old_runs_and_unused_texts_are_deleted(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "runs.sqlite3") as store:
        now, used, unused = time.time(), "text-0000000000000001", "text-0000000000000002"
        with store.atomic():
            store.add_text(used, "a b", "used")
            store.add_text(unused, "c d", "unused")
            store.create("starred", TrainConfig().change(corpus=used), now=now - 100)
            for run in ("old", "live"):
                store.create(run, TINY, now=now - 100)
            for run in ("starred", "old"):
                store.move(run, "stopped")
            store.star("starred", True)
        assert not store.has_old(now - 1000)
        later = time.time() + 1
        assert store.has_old(later)
        with store.atomic():
            store.prune(later)
        assert {run.id for run in store.runs()} == {"starred", "live"}
        assert store.text(used) is not None
        assert store.text(unused) is None
        assert not store.has_old(later)
