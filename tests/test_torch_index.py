"""Which build of torch `make setup` installs: with real pip, from indexes of this machine, with and without a card."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SYSTEM = "/usr/bin:/bin"
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is one build of torch"),
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make"),
    pytest.mark.skipif(
        shutil.which("nvidia-smi", path=SYSTEM) is not None or bool(list(Path("/dev").glob("nvidia*"))),
        reason="this machine has a card",
    ),
]


def wheel(folder: Path, version: str) -> None:
    """Write a torch that has nothing but a version, and the page of the index that lists it."""
    folder.mkdir(parents=True)
    about = f"torch-{version}.dist-info"
    files = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for name, text in files.items()}
    lines = [f"{name},sha256={digest.decode().rstrip('=')},{len(files[name])}" for name, digest in digests.items()]
    name = f"torch-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{about}/RECORD", "\n".join([*lines, f"{about}/RECORD,,"]))
    (folder / "index.html").write_text(f'<a href="{name.replace("+", "%2B")}">{name}</a>', encoding="utf-8")


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two indexes: the usual one, and that of the builds for the processor."""
    folder = tmp_path_factory.mktemp("indexes")
    wheel(folder / "usual" / "torch", "9.9.9")
    wheel(folder / "cpu" / "torch", "9.9.9+cpu")
    wheel(folder / "other" / "torch", "9.9.9+other")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that needs nothing but torch, with an environment."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements.txt", "requirements.lock"):
        (folder / name).write_text("torch==9.9.9\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    return folder


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder with the command that the driver of a card brings."""
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\n", encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def setup(project: Path, indexes: str, *variables: str, path: str = SYSTEM) -> subprocess.CompletedProcess[str]:
    """Run `make setup` in an environment without torch."""
    pip = [project / ".venv" / "bin" / "python", "-m", "pip"]
    subprocess.run([*pip, "uninstall", "--yes", "--quiet", "torch"], capture_output=True, check=True)
    (project / ".venv" / ".installed").unlink(missing_ok=True)
    settings = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{indexes}/usual",
        "PIP_NO_CACHE_DIR": "1",
        "PATH": path,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "TORCH_", "MAKE"))}
    command = ["make", "setup", *variables]
    return subprocess.run(
        command, cwd=project, env=inherited | settings, capture_output=True, text=True, timeout=120, check=False
    )


def torch(project: Path) -> str:
    return next((project / ".venv" / "lib").glob("python*/site-packages/torch-*.dist-info")).name[6:-10]


def test_without_a_card_the_build_for_the_processor_is_installed(project: Path, indexes: str) -> None:
    done = setup(project, indexes, f"CPU_TORCH={indexes}/cpu")
    assert done.returncode == 0, done.stderr
    assert torch(project) == "9.9.9+cpu"


def test_with_a_card_the_usual_build_is_installed(project: Path, indexes: str, card: Path) -> None:
    done = setup(project, indexes, f"CPU_TORCH={indexes}/cpu", path=f"{card}:{SYSTEM}")
    assert done.returncode == 0, done.stderr
    assert torch(project) == "9.9.9"


def test_where_the_index_does_not_answer_the_usual_build_is_installed(project: Path, indexes: str) -> None:
    done = setup(project, indexes, f"CPU_TORCH={indexes}/none")
    assert done.returncode == 0, done.stderr
    assert f"{indexes}/none does not answer" in done.stderr
    assert torch(project) == "9.9.9"


def test_another_index_can_be_named_with_a_card_too(project: Path, indexes: str, card: Path) -> None:
    done = setup(project, indexes, f"TORCH_INDEX={indexes}/other", path=f"{card}:{SYSTEM}")
    assert done.returncode == 0, done.stderr
    assert torch(project) == "9.9.9+other"


def test_the_usual_build_can_be_asked_for(project: Path, indexes: str) -> None:
    done = setup(project, indexes, f"CPU_TORCH={indexes}/cpu", "TORCH_INDEX=")
    assert done.returncode == 0, done.stderr
    assert torch(project) == "9.9.9"


def test_a_named_index_that_does_not_answer_is_an_error(project: Path, indexes: str) -> None:
    done = setup(project, indexes, f"TORCH_INDEX={indexes}/none")
    assert done.returncode
    assert "torch==9.9.9" in done.stderr
    assert not (project / ".venv" / ".installed").exists()
