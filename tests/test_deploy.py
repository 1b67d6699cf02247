"""The files for hosting: what can be tried without a container, and behind the proxy that they configure."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rnnlab.runs.client import Client
from rnnlab.runs.endpoint import Endpoint
from rnnlab.runs.limits import Limits
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from tests.browser.server import Server, free_port
from tests.made import LYRICS, PATIENCE, exists
from tests.runs.lab import pause, until_state
from tests.server.visitor import Visitor

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\bRNNLAB_[A-Z_]+")
# of the proxy and of the container, not of the app
OTHERS = {"RNNLAB_SITE", "RNNLAB_UPSTREAM", "RNNLAB_ADDRESS", "RNNLAB_PORT"}


def tool(name: str) -> str:
    """The path of a program that not every machine has."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_every_setting_is_described(path: Path) -> None:
    described = set(VARIABLE.findall((ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")))
    assert set(VARIABLE.findall(path.read_text(encoding="utf-8"))) - OTHERS <= described


def instructions(name: str) -> list[tuple[str, str]]:
    """The instructions of the last stage of a Dockerfile."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages = [number for number, (keyword, _) in enumerate(lines) if keyword == "FROM"]
    part = lines[stages[-1] :] if name == "last" else lines
    return [(keyword, rest) for keyword, rest in part]


def test_the_container_runs_as_nobody_special_and_says_whether_it_is_well() -> None:
    last = dict(instructions("last"))
    assert last["USER"] == "rnnlab"
    assert last["VOLUME"] == "/var/lib/rnnlab"
    assert "http://127.0.0.1:8501/healthz" in last["HEALTHCHECK"]
    assert (ROOT / last["CMD"].strip('[]"')).stat().st_mode & 0o111


def test_the_container_gets_what_it_copies_and_nothing_else() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert all((ROOT / name).exists() for name in sent)
    copied = {name for keyword, rest in instructions("all") if keyword == "COPY" for name in rest.split()[:-1]}
    assert copied - {"--from=installed", "/opt/rnnlab/.venv", "."} <= sent
    assert not sent & {".git", "tests", "docs"}


def test_the_unit_is_well_formed() -> None:
    text = (DEPLOY / "rnnlab.service").read_text(encoding="utf-8")
    unit = configparser.RawConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = unit["Service"]
    assert service["StateDirectoryMode"] == "0700"
    assert service["UMask"] == "0077"
    # SIGTERM for every process, with more time than the supervisor takes to save the runs
    assert "KillMode" not in service
    assert "KillSignal" not in service
    assert float(service["TimeoutStopSec"]) > Limits.stop_seconds + 10
    for name in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictSUIDSGID"):
        assert service[name] == "true"


def test_systemd_has_nothing_against_the_unit(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    text = (DEPLOY / "rnnlab.service").read_text(encoding="utf-8")
    here = text.replace("/opt/rnnlab/.venv/bin/python", sys.executable).replace("/opt/rnnlab", str(ROOT))
    unit = tmp_path / "rnnlab.service"
    unit.write_text(here, encoding="utf-8")
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "rnnlab.service" in line] == []


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Server, int]]:
    """The app and, in front of it, the proxy; without https, for which it needs a site."""
    caddy, port = tool("caddy"), free_port()
    server = Server(tmp_path / "home")
    environment = os.environ | {
        "RNNLAB_SITE": f"http://127.0.0.1:{port}",
        "RNNLAB_UPSTREAM": f"127.0.0.1:{server.port}",
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    config = tmp_path / "Caddyfile"
    given = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    config.write_text("{\n\tadmin off\n}\n" + given, encoding="utf-8")
    command = [caddy, "run", "--adapter", "caddyfile", "--config", config]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _await(f"http://127.0.0.1:{port}/_stcore/health", process)
    yield server, port
    process.terminate()
    process.wait(PATIENCE)
    server.stop()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # nothing to await: the port is not open yet
    raise TimeoutError(url)


def test_the_proxy_passes_web_sockets_and_every_point_at_once(proxy: tuple[Server, int]) -> None:
    server, port = proxy
    with Visitor(port) as visitor:
        visitor.open("train")
        assert visitor.widgets
        assert visitor.exceptions == []
    with Client(server.home) as client:
        run_id = client.create(LYRICS.change(num_epochs=10_000), based_on="A2")
        until_state(client, run_id, "running")
        pause(client, run_id)
        # the run stands still and the connection stays open: what has arrived was not held back
        address = f"http://127.0.0.1:{port}/lab/live/{run_id}?lang=en&after=0"
        with requests.get(address, stream=True, timeout=PATIENCE) as answer:
            assert answer.status_code == 200
            assert any(line.startswith(b"event: ") for line in answer.iter_lines())
        client.stop(run_id)


def until_started(home: Path) -> None:
    """Wait for the supervisor, which the app starts behind the first page; a client before it would start another."""
    deadline = time.monotonic() + PATIENCE
    while Endpoint.read(home) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)  # nothing to await: the file is not there yet


def test_the_container_ends_after_the_supervisor(tmp_path: Path) -> None:
    tool("flock")
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    environment = os.environ | {
        "RNNLAB_HOME": str(home),
        "RNNLAB_ADDRESS": "127.0.0.1",
        "RNNLAB_PORT": str(port),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([DEPLOY / "container.sh"], env=environment, stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/_stcore/health", process)
        with Visitor(port) as visitor:
            visitor.open("train")
        until_started(home)
        with Client(home) as client:
            run_id = client.create(LYRICS.change(num_epochs=10_000), based_on="A2")
            until_state(client, run_id, "running")
            supervisor = Endpoint.read(home)
            assert supervisor is not None
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        assert not exists(supervisor.pid)
        with Store(home / DATABASE) as store:  # saved, and it goes on after the next start
            assert store.run(run_id).state in ("queued", "paused")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_settings_for_the_community_cloud_become_those_of_the_app(tmp_path: Path) -> None:
    """What is pasted into "Secrets" is the file of secrets there, and its top level the environment of the app."""
    secrets = (DEPLOY / "community-cloud.toml").read_text(encoding="utf-8")
    assert all(isinstance(value, str) for value in tomllib.loads(secrets).values())
    folder = tmp_path / ".streamlit"
    folder.mkdir()
    (folder / "secrets.toml").write_text(secrets, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        for name in tomllib.loads(secrets):
            patch.delenv(name, raising=False)
        server = Server(tmp_path / "home")
    try:
        with Visitor(server.port) as visitor:
            visitor.open("train")
        until_started(server.home)
        with Client(server.home) as client:
            assert client.status()["slots"] == 1
    finally:
        server.stop()
