"""The commands of the README work as written, including new lines."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.cli.main import main
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.text import corpora

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?s)```sh\n(.*?)```", README)
COMMANDS = list(
    dict.fromkeys(
        line.partition("#")[0].removeprefix("python -m rnnlab").strip()
        for block in BLOCKS
        for line in block.splitlines()
        if line.startswith("python -m rnnlab")
    )
)
INLINE = re.findall(r"`python -m rnnlab ([^`]+)`", re.sub(r"(?s)```.*?```", "", README))

SMALL = [part for setting in ("num_hiddens=8", "num_preds=4", "pred_period=1") for part in ("--set", setting)]
"""Options that make a network tiny; they come after the options of a line, which is otherwise unchanged."""


def shortened(words: list[str], known: dict[str, str]) -> list[str]:
    """Return a command with its placeholders replaced, small enough for a test.

    Args:
        words: the command as the README has it.
        known: values of the placeholders; an unknown placeholder fails here.
    """
    words = [known.get(word, word) for word in words]
    placeholders = [word for word in words if re.fullmatch("[A-Z]{2,}", word)]
    assert not placeholders, f"the test has to know what {placeholders} are"
    match words[0]:
        case "train":
            # a network that starts from trained weights has the size of those
            tuned = any("start_from=" in word for word in words)
            return [*words, "--epochs", "1", *(SMALL[2:] if tuned else SMALL)]
        case "bench":
            return ["bench", "A1", "--rounds", "1"]
        case "reproduce":
            # the untrained network; the book's own texts are not available
            rest = [word for word in words[1:] if word not in RECIPES]
            return ["reproduce", "A11", *rest, "--corpus", "embedded", "--seeds", "1"]
        case _:
            return words


def shell(arguments: list[str], home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in its own folder."""
    return subprocess.run(
        [sys.executable, "-m", "rnnlab", *arguments],
        cwd=folder,
        env={**os.environ, "RNNLAB_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a supervisor for all commands of this module."""
    with Client(tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture(scope="module")
def run_id(client: Client) -> str:
    """Return a finished run of the project's Chinese text, for every RUN."""
    config = RECIPES["A2"].config.change(num_hiddens=8, num_epochs=1, pred_period=50)
    run_id = client.create(config)
    for _ in client.follow(run_id):
        pass
    return run_id


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme(client: Client, run_id: str, tmp_path: Path, command: str) -> None:
    (tmp_path / "my_text.txt").write_text("春天来了 我们一起走\n秋天来了 雨落在河里\n" * 100, encoding="utf-8")
    if "import" in command:
        exported = shell(["export", run_id, "-o", "run.json"], client.home, tmp_path)
        assert exported.returncode == 0, exported.stderr
    known = {"RUN": run_id, "DIR": str(tmp_path)}
    done = shell(shortened(shlex.split(command), known), client.home, tmp_path)
    assert done.returncode == 0, done.stderr
    output = re.findall(r" -o (\S+)", command)
    assert done.stdout or all((tmp_path / name).is_file() for name in output)


def test_the_readme_shows_every_command_but_those_in_its_text() -> None:
    of_a_cluster = {"cluster", "hosts"}
    assert {command.split()[0] for command in COMMANDS} == set(main.commands) - {"download"} - of_a_cluster
    described = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert all(f"python -m rnnlab {name}" in described for name in of_a_cluster)
    assert "docs/cluster.md" in README
    assert {command.split()[0] for command in INLINE} == {"download"}


@pytest.mark.parametrize("command", INLINE)
def test_a_download_of_the_readme_names_a_text(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # no server listens there: no network is used
    _, name = shlex.split(command)
    done = shell(["download", name], home, ROOT)
    assert name in corpora.DOWNLOADS
    assert done.returncode == 1
    assert "could not be downloaded" in done.stderr


def test_the_targets_of_make_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join([*BLOCKS, *re.findall("`[^`]+`", README)])))
    assert named
    assert named <= targets
