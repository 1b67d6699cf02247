"""A real server with a port and a home of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNREACHABLE = {"RNNLAB_DATA"}  # the tests' server has only the texts of the project


class Server:
    """`streamlit run`, started by the constructor and ready when it returns.

    Args:
        home: its RNNLAB_HOME.
        script: what it serves, the app or another file of the project.
        secrets: the file with its secrets, if it has any.
        port: its port; any free one by default.
        variables: further environment variables, e.g. ``profile="class"`` for RNNLAB_PROFILE.
    """

    def __init__(
        self,
        home: Path,
        script: str = "streamlit_app.py",
        secrets: Path | None = None,
        port: int = 0,
        **variables: str,
    ) -> None:
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {name: value for name, value in os.environ.items() if name not in UNREACHABLE}
        home.mkdir(parents=True, exist_ok=True)
        self.log = home.parent / f"{home.name}-server.log"
        options = {
            "port": str(self.port),
            "address": "127.0.0.1",
            "headless": "true",
            # as in deploy/: after each script the watcher would look up the files of all modules, for 0.2 s
            "fileWatcherType": "none",
        }
        flags = [part for name, value in options.items() for part in (f"--server.{name}", value)]
        if secrets is not None:
            flags += ["--secrets.files", str(secrets)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", script, *flags],
                cwd=ROOT,
                env=environment | {"RNNLAB_HOME": str(home)} | {f"RNNLAB_{n.upper()}": v for n, v in variables.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await_health()

    def _await_health(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)  # nothing to await: the port is not open yet
        raise TimeoutError(self.log.read_text())

    def stop(self) -> None:
        """Stop it as Ctrl-C does, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
