"""The store with one writer and many readers: its content and its errors."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.errors import RunError
from rnnlab.events import (
    CheckpointSaved,
    EpochFinished,
    RunDiverged,
    RunFailed,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    TextGenerated,
)
from rnnlab.runs import schema, store_writer
from rnnlab.runs.store import ParkedRun, Store
from rnnlab.runs.store_writer import StoreWriter
from tests import made
from tests.runs.lab import TINY

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


def epoch(number: int, seconds: float = 0.5) -> EpochFinished:
    return made.epoch(number, 7.0 / number, seconds=seconds)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[StoreWriter]:
    with StoreWriter(tmp_path / schema.DATABASE) as writer:
        yield writer


@pytest.fixture
def reader(writer: StoreWriter) -> Iterator[Store]:
    with Store(writer.path, timeout=20.0) as store:
        yield store


def begin(writer: StoreWriter, run_id: str, **about: str) -> None:
    with writer.atomic():
        writer.create(run_id, TINY, **about)  # type: ignore[arg-type]
        writer.record(run_id, STARTED)


def test_a_store_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere" / schema.DATABASE)
    assert store.runs() == []
    assert store.version("abc") == 0
    assert store.events_since("abc") == []
    with pytest.raises(RunError) as caught:
        store.run("abc")
    assert caught.value.code == "run_unknown"


def test_events_are_numbered_and_kept(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1", name="A6", owner="ann", language="zh")
    with writer.atomic():
        assert writer.record("r1", epoch(1)) == 2
        assert writer.record("r1", TextGenerated(epoch=1, prefix="分开", text="分开\n<b>")) == 3
    assert [seq for seq, _ in reader.events_since("r1")] == [1, 2, 3]
    assert reader.events_since("r1", 2) == [(3, TextGenerated(epoch=1, prefix="分开", text="分开\n<b>"))]
    record = reader.run("r1")
    assert (record.name, record.owner, record.language, record.config) == ("A6", "ann", "zh", TINY)
    assert (record.state, record.epoch, record.perplexity, record.num_epochs) == ("running", 1, 7.0, 3)
    assert record.started_at is not None
    assert record.finished_at is None


def test_the_states_follow_the_events(writer: StoreWriter, reader: Store) -> None:
    def state_after(*events: object) -> str:
        for event in events:
            with writer.atomic():
                writer.record("r1", event)  # type: ignore[arg-type]
        return reader.run("r1").state

    with writer.atomic():
        writer.create("r1", TINY)
    assert reader.run("r1").state == "queued"
    assert state_after(STARTED) == "running"
    assert state_after(RunPaused(epoch=0, minibatch=1)) == "paused"
    assert state_after(RunResumed(epoch=0, minibatch=1)) == "running"
    assert (
        state_after(RunPaused(epoch=0, minibatch=1), RunFinished(reason="stopped", epoch=0, minibatch=1)) == "stopped"
    )
    for run_id, event, state in (
        ("r2", RunFinished(reason="finished", epoch=3, minibatch=0), "finished"),
        ("r3", RunDiverged(epoch=3, minibatch=0, grad_norm=None), "diverged"),
        ("r4", RunFailed(code="run_killed", message="It was killed.", params={"signal": 9}), "failed"),
    ):
        begin(writer, run_id)
        with writer.atomic():
            writer.record(run_id, event)  # type: ignore[arg-type]
        record = reader.run(run_id)
        assert record.state == state
        assert record.finished_at is not None
    assert reader.run("r4").error == {"code": "run_killed", "message": "It was killed.", "params": {"signal": 9}}


def test_every_change_changes_the_version(writer: StoreWriter, reader: Store) -> None:
    with writer.atomic():
        writer.create("r1", TINY)
    versions = [reader.version("r1")]
    for change in (
        lambda: writer.record("r1", STARTED),
        lambda: writer.record("r1", epoch(1)),
        lambda: writer.star("r1", True),
        lambda: writer.move("r1", "interrupted"),
    ):
        with writer.atomic():
            change()
        versions.append(reader.version("r1"))
    assert versions == sorted(set(versions))


def test_an_ended_run_accepts_no_events(writer: StoreWriter) -> None:
    begin(writer, "r1")
    with writer.atomic():
        writer.record("r1", RunFinished(reason="finished", epoch=3, minibatch=0))
    with pytest.raises(RunError) as caught, writer.atomic():
        writer.record("r1", epoch(4))
    assert caught.value.code == "run_ended"
    # not even directly in SQL
    with pytest.raises(sqlite3.IntegrityError, match="the run has ended"), writer.atomic():
        writer._change("insert into events (run, seq, kind, body) values ('r1', 99, 'x', '{}')")
    assert len(writer.events_since("r1")) == 2


def test_a_sequence_number_is_used_once(writer: StoreWriter) -> None:
    begin(writer, "r1")
    with pytest.raises(sqlite3.IntegrityError), writer.atomic():
        writer._change("insert into events (run, seq, kind, body) values ('r1', 1, 'x', '{}')")


def test_states_change_only_according_to_the_table(writer: StoreWriter) -> None:
    with writer.atomic():
        writer.create("r1", TINY)
    with pytest.raises(RunError) as caught, writer.atomic():
        writer.move("r1", "paused")
    assert caught.value.code == "run_state"
    assert "running" in caught.value.params["allowed"]


def test_all_or_nothing(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1")
    with pytest.raises(RunError), writer.atomic():  # noqa: PT012 - the last statement fails, the others are undone
        writer.record("r1", epoch(1))
        writer.move("r1", "interrupted")
        writer.move("r1", "running")
    assert reader.run("r1").epoch == 0
    assert len(reader.events_since("r1")) == 1


def test_readers_cannot_write(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1")
    with pytest.raises(RunError, match="readonly") as caught:
        reader._rows("delete from runs")
    assert caught.value.code == "store_inaccessible"
    assert reader.run("r1")


def test_readers_in_many_threads_while_the_writer_writes(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1")
    done, wrong = threading.Event(), []

    def read() -> None:
        last = 0
        while not done.is_set():
            count = len(reader.events_since("r1"))
            if count < last:
                wrong.append((last, count))
            last = count

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        with writer.atomic():
            writer.record("r1", epoch(number))
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(reader.events_since("r1")) == 60


DYING_WRITER = """
import os, sys
from pathlib import Path
from rnnlab.runs.store_writer import StoreWriter
writer = StoreWriter(Path(sys.argv[1]))
with writer.atomic():
    writer.create("r1", __import__("tests.runs.lab", fromlist=["TINY"]).TINY)
with writer.atomic():
    for number in range(400):  # more than the library keeps in memory: half of it is in the file
        writer.add_text(f"text-{number}", "x" * 20_000, "")
    os.kill(os.getpid(), 9)
"""


def test_readers_wait_for_the_successor_of_a_writer_that_died(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    died = subprocess.run([sys.executable, "-c", DYING_WRITER, str(path)], check=False)
    assert died.returncode == -9
    with Store(path, timeout=20.0) as reader:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(record.id for record in reader.runs()))
        thread.start()
        with StoreWriter(path):
            thread.join()
            assert found == ["r1"]
            assert reader.text("text-1") is None


def test_the_journal_mode_is_safe_for_the_version_of_sqlite(writer: StoreWriter) -> None:
    (mode,) = writer._rows("pragma journal_mode")[0]
    assert mode == ("wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "truncate")
    assert writer._rows("pragma synchronous") == [(2,)]  # full


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    connection = sqlite3.connect(path)
    connection.execute(f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    connection.execute("create table runs (id text)")
    connection.close()
    for use in (lambda: StoreWriter(path), lambda: Store(path).runs()):
        with pytest.raises(RunError) as caught:
            use()
        assert caught.value.code == "store_too_new"
        assert caught.value.params["supported"] == len(schema.MIGRATIONS)


def test_a_file_that_is_not_a_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    path.write_bytes(b"something else entirely " * 100)
    with pytest.raises(RunError) as caught:
        StoreWriter(path)
    assert caught.value.code == "store_unreadable"
    assert path.read_bytes().startswith(b"something else")


def test_an_older_store_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / schema.DATABASE
    StoreWriter(path).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "create table later (x);"))
    writer = StoreWriter(path)
    assert writer._rows("select * from later") == []
    assert writer._rows("pragma user_version") == [(len(schema.MIGRATIONS),)]
    writer.close()


def test_a_store_of_the_first_version_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    old = sqlite3.connect(path)
    old.executescript(f"{schema.MIGRATIONS[0]} pragma user_version = 1;")
    old.execute(
        "insert into runs (id, name, based_on, config, shape, state, owner, language, created_at, queued_at,"
        " num_epochs) values ('r1', 'A2', '', ?, 's', 'finished', '', 'en', 1, 1, 3)",
        (TINY.to_json(),),
    )
    old.commit()
    old.close()
    writer = StoreWriter(path)
    record = writer.run("r1")
    assert (record.name, record.title, record.config) == ("A2", "", TINY)
    with writer.atomic():
        writer.rename("r1", "the first")
        code = writer.add_link({"run": "r1"})
    writer.close()
    again = StoreWriter(path)
    assert again.run("r1").title == "the first"
    assert again.link(code) == {"run": "r1"}
    again.close()


def test_only_the_newest_answers_are_kept(writer: StoreWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "MAX_ANSWERS", 2)
    begin(writer, "r1")
    with writer.atomic():
        for number in range(4):
            writer.add_answer("r1", f'{{"q": {number}}}', {"text": "x"})
    assert [question["q"] for question, _ in writer.answers("r1")] == [2, 3]


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / schema.DATABASE
    StoreWriter(path).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "create table later (x); create table later (x);"))
    with pytest.raises(sqlite3.OperationalError):
        StoreWriter(path)
    monkeypatch.undo()
    writer = StoreWriter(path)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        writer._rows("select * from later")
    writer.close()


def test_checkpoints_of_the_history_and_the_latest(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1")

    def add(number: int, minibatch: int) -> list[str]:
        event = CheckpointSaved(epoch=number, minibatch=minibatch, name=f"e{number}-{minibatch}")
        with writer.atomic():
            writer.record("r1", event)
            return writer.add_checkpoint("r1", event, size=100, keep_every=2, limit=350)

    assert not reader.run("r1").continuable
    assert add(0, 0) == []
    assert add(1, 3) == []
    assert add(1, 5) == ["e1-3"]
    assert add(2, 0) == ["e1-5"]
    assert add(4, 0) == []
    # beyond the limit, the history is thinned out, but its first and last checkpoints stay
    assert add(6, 0) == ["e2-0"]
    assert [(number, minibatch) for number, minibatch, _ in reader.checkpoints("r1")] == [(0, 0), (4, 0), (6, 0)]
    assert reader.checkpoints("r1")[0][2] == writer.path.parent / "checkpoints" / "r1" / "e0-0"
    assert not reader.run("r1").continuable  # it is still running
    with writer.atomic():
        writer.move("r1", "interrupted")
    assert reader.run("r1").continuable


def test_a_diverged_run_is_not_continued(writer: StoreWriter) -> None:
    begin(writer, "r1")
    saved = CheckpointSaved(epoch=1, minibatch=0, name="e1")
    with writer.atomic():
        writer.record("r1", saved)
        writer.add_checkpoint("r1", saved, 1, 1, 10)
        writer.record("r1", RunDiverged(epoch=2, minibatch=1, grad_norm=1.0))
    assert not writer.run("r1").continuable


def test_deleting_removes_everything_of_a_run(writer: StoreWriter, reader: Store) -> None:
    begin(writer, "r1")
    begin(writer, "r2")
    with writer.atomic():
        writer.add_checkpoint("r1", CheckpointSaved(epoch=0, minibatch=0, name="e"), 1, 1, 10)
        writer.add_answer("r1", '{"q": 1}', {"text": "x"})
        writer.delete("r1")
    assert reader.events_since("r1") == []
    assert reader.checkpoints("r1") == []
    assert reader.answers("r1") == []
    assert [record.id for record in reader.runs()] == ["r2"]


def rows_of(writer: StoreWriter, run_id: str) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that the store has of a run, without its version."""
    columns = [name for _, name, *_ in writer._rows("pragma table_info(runs)") if name != "version"]
    tables = {"runs": f"select {', '.join(columns)} from runs where id = ?"}
    tables |= {name: f"select * from {name} where run = ? order by 2" for name in ("events", "checkpoints", "answers")}
    return {name: writer._rows(query, (run_id,)) for name, query in tables.items()}


def fill(writer: StoreWriter, run_id: str) -> None:
    begin(writer, run_id, name="A2", based_on="", owner="ann", language="zh")
    with writer.atomic():
        for number in range(1, 4):
            writer.record(run_id, epoch(number))
            saved = CheckpointSaved(epoch=number, minibatch=0, name=f"e{number}")
            writer.record(run_id, saved)
            writer.add_checkpoint(run_id, saved, 10, 1, 1000)
        writer.add_answer(run_id, '{"q": 1}', {"text": "分开"})
        writer.rename(run_id, "上课用")
        writer.star(run_id, True)


def test_a_deleted_run_comes_back_whole(writer: StoreWriter, reader: Store) -> None:
    """Every row of every table, in any state, and as often as one likes."""
    endings = {
        "finished": RunFinished(reason="finished", epoch=3, minibatch=0),
        "diverged": RunDiverged(epoch=3, minibatch=1, grad_norm=1.0),
        "failed": RunFailed(code="run_error", message="no", params={"reason": "x"}),
        "paused": RunPaused(epoch=3, minibatch=1),
        "running": None,
    }
    for state, ending in endings.items():
        fill(writer, state)
        if ending is not None:
            with writer.atomic():
                writer.record(state, ending)
        before, version = rows_of(writer, state), reader.version(state)
        for _ in range(2):
            with writer.atomic():
                writer.discard(state, now=1000.0)
            with pytest.raises(RunError) as caught:
                reader.run(state)
            assert caught.value.code == "run_unknown"
            assert not any(rows_of(writer, state).values()), "nothing of it is found by a query"
            (deleted,) = [run for run in reader.deleted() if run.id == state]
            assert (deleted.deleted_at, deleted.name, deleted.title, deleted.epoch, deleted.owner) == (
                1000.0, "A2", "上课用", 3, "ann",
            )  # fmt: skip
            with writer.atomic():
                writer.restore(state)
        after = rows_of(writer, state)
        assert after["events"] == before["events"]
        assert (after["checkpoints"], after["answers"]) == (before["checkpoints"], before["answers"])
        assert reader.version(state) > version, "whoever follows the run has to read it again"
        assert reader.deleted(state) == []
        if state in ("paused", "running"):  # its worker was killed
            assert reader.run(state).state == "interrupted"
            assert reader.run(state).continuable
        else:
            assert after["runs"] == before["runs"]


def test_a_run_that_was_deleted_too_long_ago_is_gone(writer: StoreWriter, reader: Store) -> None:
    for number in range(3):
        fill(writer, f"r{number}")
        with writer.atomic():
            writer.discard(f"r{number}", now=1000.0 + number)
    assert [run.id for run in reader.deleted()] == ["r2", "r1", "r0"]
    assert not writer.expired(1000.0)
    assert writer.expired(1002.0)
    with writer.atomic():
        assert writer.give_up(1002.0) == ["r0", "r1"]
    # killed here, it is neither restorable nor forgotten
    assert [run.id for run in reader.deleted()] == ["r2"]
    for run_id in ("r0", "r1", "nowhere"):
        with pytest.raises(RunError) as caught, writer.atomic():
            writer.restore(run_id)
        assert caught.value.code == "run_unknown"
    assert writer.expired(0.5)
    with writer.atomic():
        assert writer.give_up(0.5) == ["r0", "r1"]
        writer.purge()
    assert not writer.expired(1002.0)
    for table in ("events", "checkpoints", "answers"):
        assert {run for (run,) in writer._rows(f"select distinct run from deleted_{table}")} == {"r2"}


def test_a_store_of_an_older_version_has_no_deleted_runs(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(f"{schema.MIGRATIONS[0]}{schema.MIGRATIONS[1]} pragma user_version = 2;")
    with Store(path) as store:
        assert store.deleted() == []


def test_the_newest_run_comes_first(writer: StoreWriter, reader: Store) -> None:
    with writer.atomic():
        for number in range(5):
            writer.create(f"r{number}", TINY, now=1000.0 + number)
        writer.move("r3", "stopped")
    assert [record.id for record in reader.runs()] == ["r4", "r3", "r2", "r1", "r0"]
    assert [record.id for record in reader.runs(limit=2)] == ["r4", "r3"]
    assert [record.id for record in reader.runs(states=["stopped"])] == ["r3"]
    assert [reader.run(f"r{number}").queue_position for number in range(5)] == [1, 2, 3, None, 4]


def test_texts_and_facts_are_kept(writer: StoreWriter, reader: Store) -> None:
    with writer.atomic():
        writer.add_text("text-1", "歌词\nline", "one")
        writer.add_text("text-1", "歌词\nline", "two")
        writer.set_meta("speed", {"flops": 1.5})
    assert reader.text("text-1") == "歌词\nline"
    assert reader.text_title("text-1") == "two"
    assert reader.text("text-2") is None
    assert reader.meta("speed") == {"flops": 1.5}
    assert reader.meta("nothing") is None


def test_the_time_of_an_epoch_is_that_of_the_last_run(writer: StoreWriter, reader: Store) -> None:
    assert reader.epoch_seconds(TINY) is None
    begin(writer, "r1")
    with writer.atomic():
        for number, seconds in enumerate([9.0, 0.2, 0.3], start=1):
            writer.record("r1", epoch(number, seconds))
    assert reader.epoch_seconds(TINY.change(random_seed=7)) == 0.3
    assert reader.epoch_seconds(TINY.change(num_hiddens=9)) is None


def test_a_restart_interrupts_the_runs_that_had_a_worker(writer: StoreWriter) -> None:
    for run_id in ("r1", "r2", "r3", "r5"):
        begin(writer, run_id)
    with writer.atomic():
        writer.create("r4", TINY)
        for run_id in ("r2", "r5"):
            writer.record(run_id, RunPaused(epoch=0, minibatch=0))
        writer.record("r3", RunFinished(reason="finished", epoch=3, minibatch=0))
        writer.park("r5", ParkedRun("", 1.0))
        assert sorted(writer.interrupt_all()) == ["r1", "r2"]
    states = {record.id: record.state for record in writer.runs()}
    assert states == {"r1": "interrupted", "r2": "interrupted", "r3": "finished", "r4": "queued", "r5": "paused"}


def test_a_parked_run_keeps_its_place_and_has_no_slot(writer: StoreWriter, reader: Store) -> None:
    for number, owner in enumerate(["ann", "bob", "ann"]):
        with writer.atomic():
            writer.create(f"r{number}", TINY, owner=owner, now=1000.0 + number)
    with writer.atomic():
        for run_id in ("r0", "r1"):
            writer.record(run_id, STARTED)
        writer.record("r0", RunPaused(epoch=0, minibatch=1))
        writer.create("r3", TINY, owner="bob")
    assert reader.queue() == ["r2", "r3"]
    with writer.atomic():
        writer.park("r0", ParkedRun('{"kind":"resume"}\n', 2.5))
    assert reader.parked() == {"r0": ParkedRun('{"kind":"resume"}\n', 2.5)}
    assert reader.run("r0").state == "paused"
    assert reader.queue() == ["r2", "r3"]
    with writer.atomic():
        writer.move("r0", "queued", keep_place=True)
    assert reader.queue() == ["r0", "r2", "r3"]
    assert not reader.run("r0").continuable
    # with its next worker, it is an ordinary run again
    with writer.atomic():
        writer.record("r0", STARTED)
    assert reader.parked() == {}
    for ending in ("stopped", "interrupted"):
        with writer.atomic():
            writer.park("r2", ParkedRun("", 0.0))
            writer.move("r2", ending)  # type: ignore[arg-type]
        assert reader.parked() == {}
        with writer.atomic():
            writer.move("r2", "queued")
    with writer.atomic():
        writer.park("r2", ParkedRun("", 0.0))
        writer.discard("r2")
        writer.restore("r2")
    assert reader.parked() == {}


def test_held_runs_stay_queued_but_are_not_in_the_queue(writer: StoreWriter, reader: Store) -> None:
    with writer.atomic():
        for number in range(3):
            writer.create(f"r{number}", TINY, now=1000.0 + number)
        writer.hold()
        writer.create("r3", TINY)
    assert reader.held() == {"r0", "r1", "r2"}
    assert reader.queue() == ["r3"]
    assert reader.run("r1").state == "queued"
    with writer.atomic():
        writer.release(["r1"])
    assert reader.queue() == ["r1", "r3"]
    with writer.atomic():
        writer.release(reader.held())
    assert reader.held() == frozenset()
    assert reader.queue() == ["r0", "r1", "r2", "r3"]


def test_a_store_of_an_older_version_has_no_parked_runs(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(f"{''.join(schema.MIGRATIONS[:3])} pragma user_version = 3;")
    with Store(path) as store:
        assert store.parked() == {}
        assert store.queue() == []
        assert store.held() == frozenset()


def test_changes_only_within_a_transaction(writer: StoreWriter) -> None:
    with pytest.raises(AssertionError, match="atomic"):
        writer.star("r1", True)
