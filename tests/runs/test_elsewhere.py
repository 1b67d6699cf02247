"""Runs on a system without features that only Linux has, simulated on this system in all processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.runs.lab import LONG, TINY, has_ended, opened, pause, until, until_state, warm

ELSEWHERE = """
import builtins, io, os, socket, sys, sysconfig, types
sysconfig.get_config_vars()  # of this system
sys.platform = "darwin"
# of the system that is played here, what Python's own library imports
proxies = sys.modules["_scproxy"] = types.ModuleType("_scproxy")
proxies._get_proxy_settings = proxies._get_proxies = dict
for module, names in (
    (os, ("nice", "getpriority", "setpriority", "sched_getaffinity", "sched_setaffinity", "pidfd_open", "O_DIRECTORY")),
    (socket, ("send_fds", "recv_fds", "SOCK_SEQPACKET", "AF_NETLINK")),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

def fork():
    raise AssertionError("forked")

os.fork = fork
real = io.open

def opened(file, *arguments, **more):
    if isinstance(file, (str, bytes, os.PathLike)) and os.fspath(file).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", file)
    return real(file, *arguments, **more)

builtins.open = io.open = opened
with real(os.environ["ELSEWHERE"] + "/" + str(os.getpid()), "w") as note:
    note.write(" ".join(sys.orig_argv))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="plays another system on Linux")
def test_a_run_needs_nothing_that_only_linux_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("site", "notes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ELSEWHERE, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "notes"))
    monkeypatch.delenv("RNNLAB_ENGINE", raising=False)
    with opened(tmp_path / "home") as client:
        warm(client)
        status = client.status(memory=True)
        assert status["slots"] >= 1
        run_id = client.create(TINY.change(detach=False))
        assert until_state(client, run_id, "finished", "failed").state == "finished"
        assert client.generate(run_id, "the", 3).startswith("the")
        other = client.create(LONG)
        until(client, other, lambda record: record.epoch >= 1)
        pause(client, other)
        pid = client.status()["runs"][other]
        client.delete(other)
        assert has_ended(pid)
        notes = [path.read_text() for path in (tmp_path / "notes").iterdir()]
        # every process simulated such a system, and no worker was forked by a zygote
        assert any("rnnlab.runs.supervisor" in note for note in notes)
        assert any("rnnlab.runs.spawned" in note for note in notes)
        assert not any("rnnlab.runs.zygote" in note for note in notes)
        assert f"{pid}" in {path.name for path in (tmp_path / "notes").iterdir()}
