"""Reading and writing the files of a command."""

from __future__ import annotations

import os
from pathlib import Path

from rnnlab.cli.group import Refusal


def write(name: str, content: str | bytes) -> None:
    """Write a file atomically.

    Raises:
        Refusal: the file cannot be written.
    """
    path = Path(name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refusal(f"{name} cannot be written: {error.strerror or error}.") from error


def read(path: Path, limit: int) -> bytes:
    """Return the content of a file, at most its first `limit` + 1 bytes.

    Raises:
        Refusal: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror or error}.") from error
