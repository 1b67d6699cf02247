"""What page, supervisor, zygote and worker say to each other, and the states that a run goes through.

Everything travels as JSON, one object a line, over a socket on this machine; nothing is ever unpickled.

    page, shell → supervisor   {"id": 7, "command": "pause", "run": "k3x9..."}
    supervisor → page, shell   {"id": 7, "result": ...}  or  {"id": 7, "error": {...}}
    supervisor → worker        {"order": "train" | "generate", ...} first, then {"control": "pause"}, ...
    worker → supervisor        {"event": {...}}  or, from a short job, {"answer": {...}} or {"error": {...}}
    supervisor → zygote        {"fork": job, "limits": {...}} with one end of a socket, {"kill": job}
    zygote → supervisor        {"ready": {...}}, {"forked": job, "pid": n}, {"ended": job, "status": n}
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

RunState = Literal["queued", "running", "paused", "finished", "stopped", "diverged", "failed", "interrupted"]
STATES: tuple[RunState, ...] = get_args(RunState)

TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    "queued": frozenset({"running", "stopped", "failed", "interrupted"}),
    "running": frozenset({"paused", "finished", "stopped", "diverged", "failed", "interrupted"}),
    "paused": frozenset({"running", "finished", "stopped", "diverged", "failed", "interrupted"}),
    # an ended run goes back to the queue when it is continued from a checkpoint
    "finished": frozenset({"queued"}),
    "stopped": frozenset({"queued"}),
    "failed": frozenset({"queued"}),
    "interrupted": frozenset({"queued"}),
    "diverged": frozenset(),
}
"""The one table of the states of a run."""

LIVE: frozenset[RunState] = frozenset({"queued", "running", "paused"})
ENDED: frozenset[RunState] = frozenset(STATES) - LIVE

STEP_UNITS = ("minibatch", "epoch", "period")

MAX_LINE = 128 * 2**20
"""The longest line that is read, in bytes: a file of 20 MB with everything escaped fits."""

ENDPOINT = "supervisor.json"
LOCK = "supervisor.lock"


def encode(message: dict[str, Any]) -> bytes:
    """Return one message as a line of UTF-8 JSON."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


class Lines:
    """Cuts a stream of bytes into messages, however the bytes arrive."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the messages that `data` completes.

        Raises:
            ValueError: a line that is too long or not a JSON object.
        """
        searched = len(self._rest)
        self._rest += data
        while (end := self._rest.find(b"\n", searched)) >= 0:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            searched = 0
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError("a message is one JSON object")
            yield message
        if len(self._rest) > MAX_LINE:
            raise ValueError("a message is too long")


class Endpoint:
    """The address at which a supervisor listens, with the token that a client must show.

    It stands in a file of the home that only its owner can read.
    """

    def __init__(self, address: str | int, token: str, pid: int) -> None:
        self.address, self.token, self.pid = address, token, pid

    @classmethod
    def read(cls, home: Path) -> Endpoint | None:
        """Return the endpoint written in `home`, or None where there is none."""
        try:
            data = json.loads((home / ENDPOINT).read_text("utf-8"))
            address = data["address"]
            return cls(address if isinstance(address, int) else str(address), str(data["token"]), int(data["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, home: Path) -> None:
        """Write the endpoint into `home`, whole or not at all, readable by the owner only."""
        aside = home / f"{ENDPOINT}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"address": self.address, "token": self.token, "pid": self.pid}, file)
        aside.replace(home / ENDPOINT)

    def accepts(self, message: dict[str, Any]) -> bool:
        """Say whether `message`, the first of a client, shows the token."""
        return hmac.compare_digest(str(message.get("hello", "")).encode(), self.token.encode())

    def dial(self, timeout: float = 5.0) -> socket.socket:
        """Connect and show the token.

        Raises:
            OSError: nobody listens there.
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
            connection.sendall(encode({"hello": self.token}))
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
    """Listen for clients of this machine and user: a unix socket where there are any, else loopback TCP."""
    token = secrets.token_urlsafe(24)
    if hasattr(socket, "AF_UNIX") and not force_tcp:
        # the path of a unix socket is short (about 100 bytes), a home may be deep
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


def _short_folder() -> str:
    for folder in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        if folder and len(os.fsencode(folder)) < 70 and os.path.isdir(folder) and os.access(folder, os.W_OK):
            return folder
    return "/tmp"
