"""A real server for the benchmarks, with its own port and home."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]


class App:
    """A server with its own port and home.

    Args:
        home: its RNNLAB_HOME.
        root: the checkout that it serves.
    """

    def __init__(self, home: Path, root: Path = ROOT) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        flags = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true",
                 "--server.fileWatcherType=none"]  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *flags],
            cwd=root,
            env={**os.environ, "RNNLAB_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
