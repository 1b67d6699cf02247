"""The result of `pip install .`: the command `rnnlab` and all files of the package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnlab
from rnnlab.recipes import RECIPES
from tests.installed import ROOT, clean_python, site_packages

__all__ = ["clean_python"]


def run(python: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder without files of the project."""
    command = python.parent / ("rnnlab.exe" if os.name == "nt" else "rnnlab")
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env=passed_on | {"RNNLAB_HOME": str(folder / "home"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def files(package: Path) -> set[str]:
    """Return the files of a package, without those that Python writes."""
    found = (path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    return {name for name in found if "__pycache__" not in name}


def test_every_file_of_the_package_is_installed(clean_python: Path) -> None:
    installed = files(site_packages(clean_python) / "rnnlab")
    assert installed == files(ROOT / "rnnlab")
    for name in ("text/verse_en.txt", "recordings/A2.json.gz", "view/language/locale/zh/train.json"):
        assert name in installed


def test_the_command_equals_the_module(clean_python: Path, tmp_path: Path) -> None:
    assert run(clean_python, "--version", folder=tmp_path).stdout == f"rnnlab, version {rnnlab.__version__}\n"
    for arguments in (["recipes", "--json"], ["corpus", "verse-en"], ["train", "A12"], ["--help"]):
        here = [sys.executable, "-m", "rnnlab", *arguments]
        module = subprocess.run(here, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        installed = run(clean_python, *arguments, folder=tmp_path)
        assert installed.returncode == module.returncode
        assert re.sub(r"python -m rnnlab", "rnnlab", module.stdout + module.stderr) == re.sub(
            r"python -m rnnlab", "rnnlab", installed.stdout + installed.stderr
        )


def test_the_command_trains_and_lists(clean_python: Path, tmp_path: Path) -> None:
    trained = run(clean_python, "train", "A11", "--json", folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout.splitlines()[-1])["kind"] == "run_finished"
    (listed,) = json.loads(run(clean_python, "list", "--json", folder=tmp_path).stdout)
    assert (listed["name"], listed["state"]) == ("A11", "finished")
    assert "A11" in RECIPES


@pytest.mark.parametrize("arguments", [["bench", "A2"], ["reproduce", "A2"]])
def test_what_needs_the_repository_says_so(clean_python: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = run(clean_python, *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "repository" in done.stderr
    assert "Traceback" not in done.stderr
