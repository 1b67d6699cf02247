"""Texts and files on a machine of the cluster, each kept once under its hash.

A `TrainOrder` and an `AnswerOrder` hold texts and name files of the app's machine. On the way to another machine, each
of them is replaced by a reference, and the bytes are sent only to a machine that lacks them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from rnnlab import private
from rnnlab.runs.protocol import AnswerOrder, TrainOrder

PREFIX = "sha256:"
KEPT_MB = 512
"""Size beyond which the blobs that were used longest ago are removed."""
_NAME = re.compile(r"sha256:[0-9a-f]{64}")

Order = TrainOrder | AnswerOrder


def name_of(data: bytes) -> str:
    """Return the reference of a blob."""
    return PREFIX + hashlib.sha256(data).hexdigest()


def detached(order: Order) -> tuple[Order, dict[str, bytes]]:
    """Return an order with references in place of its texts and files, and the blobs.

    Raises:
        OSError: a file cannot be read.
    """
    blobs: dict[str, bytes] = {}

    def keep(data: bytes) -> str:
        name = name_of(data)
        blobs[name] = data
        return name

    def text(content: str) -> str:
        return keep(content.encode("utf-8", "surrogatepass")) if content else ""

    return _replaced(order, text, lambda path: keep(Path(path).read_bytes())), blobs


def attached(order: Order, text: Callable[[str], str], path: Callable[[str], Path]) -> Order:
    """Return the order with its texts, and with the paths of its files on this machine.

    Args:
        order: the order, as `detached` returns it.
        text: returns the text of a reference.
        path: returns the file of a reference.
    """
    return _replaced(order, lambda name: text(name) if name else "", lambda name: str(path(name)))


def _replaced(order: Order, text: Callable[[str], str], path: Callable[[str], str]) -> Order:
    changes: dict[str, object] = {"text": text(order.text), "held_out": text(order.held_out)}
    if order.checkpoint is not None:
        changes["checkpoint"] = path(order.checkpoint)
    if isinstance(order, TrainOrder) and order.start is not None:
        changes["start"] = order.start.model_copy(update={"path": path(order.start.path)})
    return order.model_copy(update=changes)


def references(order: Order) -> set[str]:
    """Return the references in a detached order.

    Raises:
        ValueError: there is something else in the place of one.
    """
    found = [order.text, order.held_out, order.checkpoint or ""]
    if isinstance(order, TrainOrder) and order.start is not None:
        found.append(order.start.path)
    names = {name for name in found if name}
    if not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("an order names a file of another machine")
    return names


class Blobs:
    """The blobs of this machine, as files of a folder.

    Args:
        folder: where they lie; made if it does not exist.
        kept_mb: size beyond which blobs are removed, least recently used first.
    """

    def __init__(self, folder: Path, kept_mb: float = KEPT_MB) -> None:
        self._folder, self._kept_mb = folder, kept_mb
        private.make_folder(folder)

    def missing(self, names: set[str]) -> list[str]:
        """Return the names of the blobs that are not here."""
        return sorted(name for name in names if not self.path(name).exists())

    def add(self, name: str, data: bytes) -> None:
        """Keep a blob.

        Raises:
            ValueError: the bytes do not have this hash.
            OSError: it cannot be written.
        """
        if name_of(data) != name:
            raise ValueError("a blob does not have its hash")
        temporary = self._folder / f"{name[len(PREFIX) :]}.{os.getpid()}.part"
        temporary.write_bytes(data)
        temporary.replace(self.path(name))

    def path(self, name: str) -> Path:
        """Return the file of a blob, and note that it is used."""
        path = self._folder / name[len(PREFIX) :]
        with contextlib.suppress(OSError):
            os.utime(path)
        return path

    def text(self, name: str) -> str:
        """Return the text of a blob."""
        return self.path(name).read_bytes().decode("utf-8", "surrogatepass")

    def prune(self, used: set[str]) -> None:
        """Remove the blobs that were used longest ago, except those in `used`, until the rest is small enough."""
        files = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0.0
        for path in files:
            total += path.stat().st_size / 2**20
            if total > self._kept_mb and PREFIX + path.name not in used:
                path.unlink(missing_ok=True)
