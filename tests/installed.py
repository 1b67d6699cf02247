"""The package as installed by `pip install .`, in a separate environment that can import the requirements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def clean_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with `rnnlab` installed."""
    folder = tmp_path_factory.mktemp("clean")
    shutil.copytree(ROOT / "rnnlab", folder / "source" / "rnnlab", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # torch, about a gigabyte, is not installed a second time
    (site_packages(python) / "requirements.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    flags = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    install = [sys.executable, "-m", "pip", "--python", python, "install", *flags, folder / "source"]
    done = subprocess.run(install, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return python


def site_packages(python: Path) -> Path:
    """Return the folder of the packages of an environment."""
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, capture_output=True, encoding="utf-8", check=True).stdout.strip())
