"""Stores that are damaged, newer, locked or something else: what reads them, and what a supervisor does with them."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnlab.errors import RNNLabError, RunError
from rnnlab.events import RunStarted, TextGenerated
from rnnlab.runs import home as homes
from rnnlab.runs import schema
from rnnlab.runs.client import Client
from rnnlab.runs.store import Queries, Store
from rnnlab.runs.store_writer import StoreWriter
from tests.runs.lab import LONG, PATIENCE, TINY, opened, pid_of, until_state, warm

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


def make(home: Path, runs: int = 3, texts: int = 200) -> Path:
    """Make a store of some hundred pages, and return its path."""
    path = home / schema.DATABASE
    with StoreWriter(path) as writer:
        for number in range(runs):
            run_id = f"run{number}"
            with writer.atomic():
                writer.create(run_id, TINY)
                writer.record(run_id, STARTED)
                for epoch in range(texts):
                    writer.record(run_id, TextGenerated(epoch=epoch, prefix="a", text="a" * 500))
                writer.add_answer(run_id, '{"kind": "x"}', {"text": "b" * 3000})
                writer.move(run_id, "interrupted")
    return path


def overwrite(path: Path, first: int, count: int) -> None:
    """Overwrite some pages of a store with noise."""
    size = 4096
    noise = random.Random(1).randbytes(count * size)
    with open(path, "r+b") as file:
        file.seek((first - 1) * size)
        file.write(noise)


def middle(path: Path) -> None:
    pages = path.stat().st_size // 4096
    assert pages > 60
    overwrite(path, pages // 2, 10)


def one_page(path: Path) -> None:
    overwrite(path, 30, 1)


def zeros(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(20 * 4096)
        file.write(bytes(5 * 4096))


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def head(path: Path) -> None:
    overwrite(path, 1, 1)


def everything(path: Path) -> None:
    path.write_bytes(b"something else entirely " * 1000)


def schema_page(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(random.Random(2).randbytes(3000))


DAMAGE: list[Callable[[Path], None]] = [middle, one_page, zeros, cut_off, head, everything, schema_page]


@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_is_written_into_a_damaged_store(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = make(tmp_path)
    damage(path)
    before, files = path.read_bytes(), sorted(tmp_path.iterdir())
    with pytest.raises(RunError) as caught:
        StoreWriter(path)
    assert caught.value.code == "store_unreadable"
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.parametrize("damage", [middle, head, cut_off])
def test_a_damaged_store_is_set_aside_and_a_new_one_begins(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = make(tmp_path)
    damage(path)
    before = path.read_bytes()
    with opened(tmp_path) as client:
        assert client.store.runs() == []
        (name,) = client.status()["set_aside"]
        assert (tmp_path / name).read_bytes() == before
        assert name.startswith(f"{schema.DATABASE}.damaged-")
        run_id = client.create(TINY)
        assert until_state(client, run_id, "finished", "failed").state == "finished"
        assert "set aside" in (tmp_path / "supervisor.log").read_text("utf-8")
    # the note stays as long as the file lies there, and the new store is as good as any
    with opened(tmp_path) as client:
        assert client.status()["set_aside"] == [name]
        assert [run.id for run in client.store.runs()] == [run_id]
        (tmp_path / name).unlink()
        assert client.status()["set_aside"] == []


def test_what_lies_beside_a_damaged_store_goes_with_it(tmp_path: Path) -> None:
    path = make(tmp_path)
    middle(path)
    for suffix in ("-wal", "-shm", "-journal"):
        (tmp_path / f"{path.name}{suffix}").write_bytes(suffix.encode())
    aside = homes.set_aside(tmp_path)
    assert not path.exists()
    for suffix in ("-wal", "-shm", "-journal"):
        assert Path(f"{aside}{suffix}").read_bytes() == suffix.encode()
        assert not Path(f"{path}{suffix}").exists()
    assert homes.damaged_stores(tmp_path) == [aside.name]
    # a second one within the same second overwrites nothing
    make(tmp_path)
    second = homes.set_aside(tmp_path)
    assert second != aside
    assert len(homes.damaged_stores(tmp_path)) == 2


def test_a_store_that_is_damaged_while_it_is_used_is_set_aside(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        warm(client)
        run_id = client.create(LONG)
        pid = pid_of(client, run_id)
        supervisor = client.status()["pid"]
        path = tmp_path / schema.DATABASE
        with open(path, "r+b") as file:
            file.seek(24)
            file.write(random.Random(3).randbytes(8))  # so that nobody trusts the pages that he has read
            file.seek(100)
            file.write(random.Random(3).randbytes(path.stat().st_size - 100))
        deadline = time.monotonic() + PATIENCE
        while not homes.damaged_stores(tmp_path):
            assert time.monotonic() < deadline
            with contextlib.suppress(RNNLabError):
                client.rename(run_id, "x")
        while True:  # until the next supervisor is there
            with contextlib.suppress(RNNLabError):
                status = client.status()
                if status["pid"] != supervisor:
                    break
            assert time.monotonic() < deadline
        assert len(status["set_aside"]) == 1
        assert not os.path.exists(f"/proc/{pid}") or pid not in status["pids"]
        assert client.store.runs() == []
        assert until_state(client, client.create(TINY), "finished", "failed").state == "finished"


def test_a_newer_store_is_not_touched(tmp_path: Path) -> None:
    path = make(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    before, files = path.read_bytes(), sorted(tmp_path.iterdir())
    for _ in range(2):
        with pytest.raises(RunError) as caught:
            StoreWriter(path)
        assert caught.value.code == "store_too_new"
        with pytest.raises(RunError) as caught:
            homes.open_store(tmp_path)
        assert caught.value.code == "store_too_new"
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files
    # also not one that is damaged besides
    middle(path)
    with pytest.raises(RunError) as caught, Client(tmp_path):
        pass
    assert caught.value.code == "store_too_new"
    assert homes.damaged_stores(tmp_path) == []


def test_a_large_store_is_checked_as_far_as_there_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path, texts=2000)
    monkeypatch.setattr(schema, "CHECK_SECONDS", 0.0)
    with StoreWriter(path) as writer:
        middle(path)
        # damage that the check has not reached is met when it is read
        with pytest.raises(RunError) as caught:
            READS["events"](writer)
        assert caught.value.code == "store_damaged"
        assert writer.damaged


READS: dict[str, Callable[[Queries], object]] = {
    "run": lambda store: store.run("run1"),
    "runs": lambda store: store.runs(),
    "events": lambda store: [store.events_since(f"run{number}") for number in range(3)],
    "version": lambda store: store.version("run1"),
    "queue": lambda store: store.queue(),
    "imported": lambda store: store.imported(),
    "deleted": lambda store: store.deleted(),
    "perplexities": lambda store: store.perplexities("run1"),
    "text": lambda store: store.text("text-1"),
    "checkpoints": lambda store: store.checkpoints("run1"),
    "answers": lambda store: store.answers("run1"),
    "link": lambda store: store.link("abc"),
    "meta": lambda store: store.meta("speed"),
    "epoch_seconds": lambda store: store.epoch_seconds(TINY),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("damage", [head, everything, schema_page])
def test_readers_of_a_damaged_store_say_so(tmp_path: Path, damage: Callable[[Path], None], name: str) -> None:
    path = make(tmp_path, texts=60)
    damage(path)
    with Store(path, timeout=0.1) as store, pytest.raises(RunError) as caught:
        READS[name](store)
    assert caught.value.code == "store_damaged"
    assert caught.value.params == {"path": str(tmp_path), "name": path.name}


def test_a_reader_of_a_store_with_a_damaged_middle_says_so(tmp_path: Path) -> None:
    path = make(tmp_path)
    middle(path)
    with Store(path) as store, pytest.raises(RunError) as caught:
        READS["events"](store)
    assert caught.value.code == "store_damaged"


@pytest.mark.parametrize("name", READS)
def test_readers_of_a_newer_store_say_so(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, texts=1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    with Store(path) as store, pytest.raises(RunError) as caught:
        READS[name](store)
    assert caught.value.code == "store_too_new"


@pytest.mark.parametrize("name", READS)
def test_readers_of_a_locked_store_say_so(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, texts=1)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if schema.WAL_IS_SAFE:  # then readers never wait; a lock of the whole file remains
            connection.execute("pragma locking_mode = exclusive")
        connection.execute("begin exclusive")
        with Store(path, timeout=0.1) as store, pytest.raises(RunError) as caught:
            READS[name](store)
    assert caught.value.code == "store_busy"


def test_a_store_that_cannot_be_opened_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / schema.DATABASE).mkdir()
    with Store(tmp_path / schema.DATABASE, timeout=0.1) as store, pytest.raises(RunError) as caught:
        store.runs()
    assert caught.value.code == "store_inaccessible"


VALUES = {
    "a configuration": ("update runs set config = '{\"cell\": '", ["run", "runs"]),
    "a configuration of another shape": ("update runs set config = '[]'", ["run", "runs"]),
    "an unknown setting": ("update runs set config = '{\"sails\": 3}'", ["run", "runs"]),
    "deep JSON": ("update runs set config = replace(hex(zeroblob(9000)), '0', '[')", ["run", "runs"]),
    "an error": ("update runs set error = 'x'", ["run", "runs"]),
    "a text that is not UTF-8": ("update runs set title = cast(x'ff' as text)", ["run", "runs"]),
    "an event": ("update events set body = substr(body, 5) where kind = 'text_generated'", ["events"]),
    "another event": ("update events set body = '{}'", ["events"]),
    "an answer": ("update answers set answer = 'x'", ["answers"]),
}


@pytest.mark.parametrize("what", VALUES)
def test_a_damaged_value_is_said_to_be_damaged(tmp_path: Path, what: str) -> None:
    """The pages of the store are sound, but not what is written on them."""
    path = make(tmp_path, texts=5)
    change, reads = VALUES[what]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with Store(path) as store, StoreWriter(path) as writer:
        for name in reads:
            for queries in (store, writer):
                with pytest.raises(RunError) as caught:
                    READS[name](queries)
                assert caught.value.code == "store_damaged"
        assert not writer.damaged, "the rest of it is good"


def test_a_waiting_run_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / schema.DATABASE) as writer, writer.atomic():
        writer.create("bad", TINY)
        writer._change("update runs set config = 'x', state = 'queued'")
    with opened(tmp_path) as client:
        warm(client)
        run_id = client.create(TINY)
        assert client.wait("bad", 1) > 1
        assert list(client.follow(run_id))[-1].kind == "run_finished"


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Store]:
    make(tmp_path, texts=1)
    with Store(tmp_path / schema.DATABASE) as store:
        yield store


def test_readers_notice_that_the_store_was_set_aside(read: Store) -> None:
    assert len(read.runs()) == 3
    # several connections are idle
    readers = [threading.Thread(target=read.runs) for _ in range(4)]
    for thread in readers:
        thread.start()
    for thread in readers:
        thread.join()
    homes.set_aside(read.path.parent)
    assert read.runs() == []
    make(read.path.parent, runs=1, texts=1)
    assert [run.id for run in read.runs()] == ["run0"]
