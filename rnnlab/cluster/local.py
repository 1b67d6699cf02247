"""A cluster of processes on this machine: for demonstrations, tests and benchmarks."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from rnnlab.cluster import certificates
from rnnlab.runs.process import module_environment

END_SECONDS = 10.0
MODULE = ("-m", "rnnlab")


class LocalCluster:
    """A scheduler and agents on this machine, with certificates of their own, for as long as a `with` lasts.

    Args:
        folder: folder for the certificates and the agents; emptied at the start.
        agents: number of agents to start.
        cores: cores that each of them lends.
        prefix: command before that of each process, such as ``taskset -c 0``, by the name of the process.
        host: address of this machine at which the scheduler listens.
    """

    def __init__(
        self,
        folder: Path,
        agents: int = 2,
        cores: int = 1,
        prefix: Mapping[str, Sequence[str]] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.folder, self.tls = folder, folder / "certificates"
        self._cores, self._prefix = cores, prefix or {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}  # "scheduler", and the agents by their names
        shutil.rmtree(folder, ignore_errors=True)
        certificates.make(self.tls)
        self.address = f"tls://{host}:{_free_port(host)}"
        self.start_scheduler()
        for number in range(agents):
            self.start_agent(f"host-{number + 1}")

    def start_scheduler(self) -> None:
        """Start the scheduler, also in place of one that was killed."""
        self._start("scheduler", "scheduler", "--address", self.address)

    def start_agent(self, name: str, program: Sequence[str] = MODULE) -> None:
        """Start an agent of this name, also in place of one that was killed.

        Args:
            name: its name.
            program: arguments of Python that run the command line.
        """
        options = ("--name", name, "--cores", str(self._cores), "--folder", str(self.folder / name))
        self._start(name, "agent", "--scheduler", self.address, *options, program=program)

    def _start(self, name: str, kind: str, *arguments: str, program: Sequence[str] = MODULE) -> None:
        log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115
        with log:
            self.processes[name] = subprocess.Popen(
                [
                    *self._prefix.get(name, ()),
                    sys.executable,
                    "-P",
                    *program,
                    "cluster",
                    kind,
                    "--tls",
                    str(self.tls),
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=module_environment(),
                start_new_session=True,
            )

    def variables(self) -> dict[str, str]:
        """Return the variables with which an app uses this cluster."""
        return {"RNNLAB_CLUSTER": self.address, "RNNLAB_TLS": str(self.tls)}

    def run(self, arguments: list[str]) -> int:
        """Run a command with those variables until it ends, pass signals on to it, and return its exit status."""
        environment = {**module_environment(), **self.variables()}
        started: list[subprocess.Popen[bytes]] = []
        early: list[int] = []  # signals that arrived before the command had started

        def pass_on(received: int, _: object) -> None:
            if started:
                started[0].send_signal(received)
            else:
                early.append(received)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, pass_on)
        # in a session of its own, so that Ctrl-C reaches it once
        with subprocess.Popen(arguments, env=environment, start_new_session=True) as process:
            started.append(process)
            for missed in early:
                process.send_signal(missed)
            return process.wait()

    def end(self, name: str, number: int = signal.SIGTERM) -> None:
        """Send a signal to a process, and wait for its end."""
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End all processes."""
        for name in list(self.processes):
            with contextlib.suppress(OSError):
                self.processes[name].send_signal(signal.SIGCONT)
            self.end(name)

    def __enter__(self) -> LocalCluster:
        """Return the cluster."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all processes."""
        self.close()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])
