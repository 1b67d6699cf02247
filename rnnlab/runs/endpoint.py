"""The endpoint of the supervisor of a home: its address, its token, and its lock."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from rnnlab import private
from rnnlab.runs.protocol import Hello, encode

ENDPOINT = "supervisor.json"
LOCK = "supervisor.lock"


class Endpoint:
    """The address of a supervisor and the token that a client must show.

    The endpoint is stored in a file of the home that only its owner can read.
    """

    def __init__(self, address: str | int, token: str, pid: int) -> None:
        self.address, self.token, self.pid = address, token, pid

    @classmethod
    def read(cls, home: Path) -> Endpoint | None:
        """Return the endpoint stored in `home`, or None if there is none."""
        try:
            data = json.loads((home / ENDPOINT).read_text("utf-8"))
            address = data["address"]
            return cls(address if isinstance(address, int) else str(address), str(data["token"]), int(data["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, home: Path) -> None:
        """Write the endpoint into `home` atomically, readable only by the owner."""
        temporary = home / f"{ENDPOINT}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"address": self.address, "token": self.token, "pid": self.pid}, file)
        temporary.replace(home / ENDPOINT)

    def accepts(self, hello: Hello) -> bool:
        """Return whether `hello` shows the token."""
        return hmac.compare_digest(hello.token.encode("utf-8", "replace"), self.token.encode())

    def dial(self, timeout: float = 5.0, resumes: bool = False) -> socket.socket:
        """Connect and show the token.

        Args:
            timeout: seconds for the connection.
            resumes: whether the runs that waited when nobody was left start again.

        Raises:
            OSError: no supervisor listens at the address.
        """
        if isinstance(self.address, int):
            connection = socket.create_connection(("127.0.0.1", self.address), timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(timeout)
            try:
                connection.connect(self.address)
            except OSError:
                connection.close()
                raise
        try:
            connection.sendall(encode(Hello(token=self.token, resumes=resumes)))
        except OSError:
            connection.close()
            raise
        connection.settimeout(None)
        return connection

    def remove(self) -> None:
        """Remove the socket that the supervisor of this endpoint left behind."""
        if isinstance(self.address, str) and re.fullmatch(r"rnnlab-[\w]+", Path(self.address).parent.name):
            shutil.rmtree(Path(self.address).parent, ignore_errors=True)


def listen(force_tcp: bool = False) -> tuple[socket.socket, Endpoint]:
    """Listen for clients of this machine and user, on a Unix socket if the system has them, else on loopback TCP."""
    token = secrets.token_urlsafe(24)
    if hasattr(socket, "AF_UNIX") and not force_tcp:
        # the path of a Unix socket is limited to about 100 bytes, and a home may have a longer path
        folder = tempfile.mkdtemp(prefix="rnnlab-", dir=_short_folder())
        path = os.path.join(folder, "s")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        os.chmod(path, 0o600)
        endpoint = Endpoint(path, token, os.getpid())
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        endpoint = Endpoint(listener.getsockname()[1], token, os.getpid())
    listener.listen(64)
    listener.setblocking(False)
    return listener, endpoint


def take_lock(home: Path, timeout: float = 1.0) -> BinaryIO | None:
    """Return the open lock of `home`, or None if another supervisor holds it for longer than `timeout` seconds."""
    private.make_folder(home)
    file = open(home / LOCK, "a+b", opener=private.opener)  # noqa: SIM115 - held until the process ends
    deadline = time.monotonic() + timeout
    while True:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if time.monotonic() > deadline:
                file.close()
                return None
            time.sleep(0.01)


def _short_folder() -> str:
    for folder in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        if folder and len(os.fsencode(folder)) < 70 and os.path.isdir(folder) and os.access(folder, os.W_OK):
            return folder
    return "/tmp"
