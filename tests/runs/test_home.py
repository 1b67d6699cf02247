"""The home: who can read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab import private
from rnnlab.errors import CorpusError
from rnnlab.runs import schema
from rnnlab.runs.home import tighten
from rnnlab.text import corpora
from tests.runs.lab import TINY, opened, until_state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files have no modes there")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What a shell has: new files can be read by others."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes(home: Path) -> dict[str, int]:
    """Return the modes of a folder and of everything in it, by path."""
    paths = [home, *home.rglob("*")]
    return {str(path.relative_to(home)): mode(path) for path in paths if not path.is_symlink()}


def test_a_new_home_is_private_with_all_that_is_in_it(tmp_path: Path) -> None:
    home = tmp_path / "some" / "where"
    with opened(home) as client:
        run_id = client.create(TINY)
        until_state(client, run_id, "finished")
        assert client.status()["private"] is True
        found = modes(home)
    assert {schema.DATABASE, "supervisor.log", "supervisor.lock", "supervisor.json"} <= set(found)
    assert [name for name in found if name.startswith(f"checkpoints/{run_id}/epoch")]
    assert {name: bits for name, bits in found.items() if bits & 0o077} == {}
    assert mode(tmp_path / "some") == 0o700, "whoever can rename it, can read it"


def test_an_open_home_of_an_older_version_is_tightened_at_the_start(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    with opened(home) as client:
        run_id = client.create(TINY)
        until_state(client, run_id, "finished")
    (home / "corpora").mkdir()
    (home / "corpora" / "text.txt").write_text("a text", "utf-8")
    (home / "notes.txt").write_text("not ours", "utf-8")
    outside.write_text("elsewhere", "utf-8")
    (home / "checkpoints" / "link").symlink_to(outside)
    for path in home.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    home.chmod(0o755)
    with opened(home) as client:
        assert client.status()["private"] is True
        found = modes(home)
        assert client.generate(run_id, "the", 3)
    assert found.pop("notes.txt") == 0o644, "it is not ours"
    assert {name: bits for name, bits in found.items() if bits & 0o077} == {}
    assert (found["."], found[schema.DATABASE], found["corpora/text.txt"]) == (0o700, 0o600, 0o600)
    assert mode(outside) == 0o644


def test_a_private_home_with_readable_files_is_tightened_too(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    run = tmp_path / "checkpoints" / "r1"
    run.mkdir(parents=True)
    (tmp_path / schema.DATABASE).write_bytes(b"")
    (run / "epoch").write_bytes(b"")
    (tmp_path / "checkpoints").chmod(0o700)
    tighten(tmp_path)
    assert {name: bits for name, bits in modes(tmp_path).items() if bits & 0o077} == {}


def test_what_cannot_be_tightened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    tighten(tmp_path)
    assert f"other users can read {tmp_path}" in caplog.text
    assert private.is_private(tmp_path) is False


def test_a_folder_of_everybody_keeps_its_mode(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / schema.DATABASE).write_bytes(b"")
    with opened(tmp_path) as client:
        assert client.status()["private"] is False
        assert "holds other things too" in (tmp_path / "supervisor.log").read_text("utf-8")
    assert mode(tmp_path) == 0o1777
    assert mode(tmp_path / schema.DATABASE) == 0o600


def test_a_home_that_a_download_makes_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "corpora"
    with pytest.raises(CorpusError):
        corpora.download("book-lyrics", folder, urls=["http://127.0.0.1:9/nothing"])
    assert mode(folder) == mode(folder.parent) == 0o700


def test_nothing_is_private_where_there_is_nothing(tmp_path: Path) -> None:
    assert private.is_private(tmp_path / "nowhere") is None
