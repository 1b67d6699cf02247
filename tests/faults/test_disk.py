"""A full disk: on a small file system, if it can be mounted, and with a store that cannot grow."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.errors import RunError
from rnnlab.events import RunFailed, RunStarted, TextGenerated
from rnnlab.runs import disk, incoming, portable, schema
from rnnlab.runs.disk import BALLAST, Ballast, GuardedWriter
from rnnlab.runs.store import Store
from rnnlab.runs.store_writer import StoreWriter
from tests.runs.lab import LONG, TINY, opened, pause, until, until_event, until_state, warm

STARTED = RunStarted(num_params=1, vocab_size=2, num_chars=3, num_minibatches=4, device="cpu")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux":
        pytest.skip("mounts a small file system: Linux only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("may not mount a small file system here; the other tests of a full disk run everywhere")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    """Fill the file system completely."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            assert disk.is_full(error)  # noqa: PT017
    return path


def test_on_a_full_disk_runs_fail_with_the_reason_and_keep_their_events(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNLAB_DISK_FLOOR_MB", "0.2")
    home = small_disk / "home"
    with opened(home) as client:
        warm(client)
        finished = client.create(TINY)
        until_state(client, finished, "finished")
        ballast = home / "ballast"
        assert ballast.stat().st_size == BALLAST
        runs = [client.create(LONG.change(random_seed=seed)) for seed in range(2)]
        for run_id in runs:
            until(client, run_id, lambda record: record.epoch >= 2)
        before = {run_id: client.store.events_since(run_id) for run_id in runs}
        filler = fill_up(small_disk)
        for run_id in runs:
            record = until_state(client, run_id, "failed")
            assert record.error is not None
            assert record.error["code"] == "disk_full"
            kept = client.store.events_since(run_id)
            assert kept[: len(before[run_id])] == before[run_id]
            assert kept[-1][1].kind == "run_failed"
        assert not ballast.exists()
        assert client.store.run(finished).state == "finished"
        # the space of the ballast is used up again: new runs are refused, and nothing breaks
        fill_up(small_disk)
        with pytest.raises(RunError) as caught:
            client.create(TINY)
        assert caught.value.code == "disk_low"
        with pytest.raises(RunError) as caught:
            client.continue_run(runs[0])
        assert caught.value.code == "disk_low"
        with pytest.raises(RunError) as caught:
            client.add_text("a text with some characters " * 1000, "text")
        assert caught.value.code == "disk_low"
        # with free space, the run continues from the checkpoint
        filler.unlink()
        client.continue_run(runs[0])
        until(client, runs[0], lambda record: record.state == "running")
        client.stop(runs[0])
        until_state(client, runs[0], "stopped")


def test_a_checkpoint_that_cannot_be_handed_over_leaves_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNLAB_DISK_FLOOR_MB", "0.2")
    home = small_disk / "home"
    with opened(home) as client:
        warm(client)
        run_id = client.create(TINY)
        until_state(client, run_id, "finished")
        data = portable.exported(client.store, run_id, client.environment.corpus_folders)
        filler = fill_up(small_disk)
        before = sorted((home / "checkpoints").rglob("*"))
        with pytest.raises(RunError) as caught:
            client.import_run(data)
        assert caught.value.code == "disk_full"
        assert not list((home / incoming.FOLDER).glob("*"))
        # it is handed over, and there is too little space for a run
        filler.unlink()
        (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - len(data) - 60_000))
        with pytest.raises(RunError) as caught:
            client.import_run(data)
        assert caught.value.code == "disk_low"
        assert not list((home / incoming.FOLDER).glob("*"))
        assert sorted((home / "checkpoints").rglob("*")) == before
        assert len(client.store.runs()) == 1
        filler.unlink()
        assert client.store.run(client.import_run(data)).state == "finished"


def test_a_checkpoint_that_does_not_fit_fails_the_run(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_DISK_FLOOR_MB", "0.1")
    with opened(small_disk / "home") as client:
        warm(client)
        # its checkpoints of about 1.2 MB soon fill the disk, while the store still has space
        config = TINY.change(num_hiddens=256, cell="gru", num_epochs=40, pred_period=1, num_preds=0)
        run_id = client.create(config)
        record = until_state(client, run_id, "failed", "finished")
        assert record.error is not None
        assert record.error["code"] == "disk_full"
        # no partial file is left, and the kept checkpoints can be read
        folder = small_disk / "home" / "checkpoints" / run_id
        assert not list(folder.glob("*.part"))
        assert {path.name for path in folder.iterdir()} == {
            path.name for _, _, path in client.store.checkpoints(run_id)
        }
        assert client.generate(run_id, "the", 2).startswith("the")


def test_a_supervisor_starts_on_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_DISK_FLOOR_MB", "0.2")
    home = small_disk / "home"
    with opened(home) as client:
        warm(client)
        run_id = client.create(LONG)
        until_event(client, run_id, lambda event: event.kind == "epoch_finished")
        pause(client, run_id)  # it writes nothing more
        pids = client.status()["pids"]
        fill_up(small_disk)
        os.kill(pids[0], 9)
        assert until_state(client, run_id, "interrupted").state == "interrupted"


class Space:
    """How far a store may grow: a limit of SQLite, which belongs to the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        (self.pages,) = connection.execute("pragma page_count").fetchone()

    def limit(self, more: int) -> None:
        """Let the store grow to `more` pages above those it had at first."""
        self._connection.execute(f"pragma max_page_count = {self.pages + more}").fetchone()


def test_without_any_space_the_states_are_still_written(
    tmp_path: Path, sqlite_connections: list[sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where nothing may be mounted: the store may not grow until the ballast is released."""
    store = StoreWriter(tmp_path / schema.DATABASE)
    cancelled = []

    def cancel_all() -> list[str]:
        cancelled.append(True)
        return ["r1"]

    writer = GuardedWriter(store, Ballast(tmp_path, 0.1), cancel_all, lambda: None)
    writer.write(lambda: store.create("r1", TINY))
    writer.write(lambda: store.record("r1", STARTED))
    room = Space(sqlite_connections[0])
    room.limit(2)
    released = []

    def release(ballast: Ballast) -> None:
        released.append(True)
        room.limit(8)

    monkeypatch.setattr(Ballast, "release", release)
    count = 0
    while not cancelled:
        writer.write(lambda: store.record("r1", TextGenerated(epoch=1, prefix="a", text="a" * 900)))
        count += 1
        assert count < 100, "the disk was never full"
    assert released
    record = store.run("r1")
    assert record.state == "failed"
    assert record.error is not None
    assert record.error["code"] == "disk_full"
    # all earlier events were kept, and so was the event that met the full disk
    assert len(store.events_since("r1")) == 1 + count + 1
    store.close()


def test_a_failure_that_does_not_fit_is_written_later(
    tmp_path: Path, sqlite_connections: list[sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = StoreWriter(tmp_path / schema.DATABASE)
    writer = GuardedWriter(store, Ballast(tmp_path, 0.1), list, lambda: None)
    writer.write(lambda: store.create("r1", TINY))
    monkeypatch.setattr(Ballast, "release", lambda ballast: None)
    room = Space(sqlite_connections[0])
    room.limit(0)
    failed = RunFailed(code="run_error", message="x" * 100_000)
    writer.fail("r1", failed)
    assert store.run("r1").state == "queued"
    writer.recover()
    assert store.run("r1").state == "queued"
    room.limit(100)
    writer.recover()
    assert store.run("r1").state == "failed"
    assert store.events_since("r1")[-1][1] == failed
    store.close()


def test_which_errors_mean_a_full_disk(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite3")
    connection.execute("pragma max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as caught:  # noqa: PT012 - one of them is too many
        for number in range(100):
            connection.execute(f"create table t{number} (x)")
    connection.close()
    assert disk.is_full(caught.value)
    assert disk.is_full(OSError(28, "No space left on device"))
    assert not disk.is_full(OSError(2, "No such file"))
    assert not disk.is_full(sqlite3.OperationalError("database is locked"))


def test_the_ballast_is_released_once_and_filled_again(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path, 0.1)
    ballast.fill()
    tries = []

    def work() -> int:
        tries.append(1)
        if (tmp_path / "ballast").exists():
            raise OSError(28, "No space left on device")
        return 7

    assert ballast.run(work) == 7
    assert len(tries) == 2
    ballast.fill()
    assert (tmp_path / "ballast").stat().st_size == BALLAST
    # below the floor, the file is not written
    low = Ballast(tmp_path / "nowhere", 1e12)
    low.fill()
    with Store(tmp_path / schema.DATABASE) as store:
        assert store.runs() == []
