"""The containers of a cluster: what can be tried without them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from rnnlab.cli.main import main

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "cluster.yaml").read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("name", ["scheduler", "agent"])
def test_a_container_starts_a_command_that_there_is(name: str) -> None:
    command = [str(part) for part in SERVICES[name]["command"]]
    assert command[:3] == [".venv/bin/python", "-m", "rnnlab"]
    cores = [part.replace("${RNNLAB_AGENT_CORES:-1}", "1") for part in command[3:]]
    done = CliRunner().invoke(main, [*cores, "--help"])
    assert done.exit_code == 0, done.output


def test_all_containers_of_the_cluster_share_the_certificates_and_may_do_little() -> None:
    folders = {volume for name in SERVICES for volume in SERVICES[name].get("volumes", [])}
    assert folders == {"cluster:/var/lib/rnnlab-cluster"}
    assert SERVICES["app"]["environment"]["RNNLAB_TLS"] == "/var/lib/rnnlab-cluster"
    for name in ("certificates", "scheduler", "agent"):
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_certificates_are_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run([DEPLOY / "certificates.sh", tmp_path / "tls"], check=True, capture_output=True)
    assert len(list((tmp_path / "tls").iterdir())) == 8
