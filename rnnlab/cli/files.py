"""Reading and writing the files that a command names."""

from __future__ import annotations

import os
from pathlib import Path

from rnnlab.cli.group import Refusal


def write(name: str, text: str) -> None:
    """Write a file completely or not at all.

    Raises:
        Refusal: it cannot be written.
    """
    path = Path(name)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise Refusal(f"{name} cannot be written: {error.strerror or error}.") from error


def read(path: Path, limit: int) -> bytes:
    """Return the content of a file, of a larger one its first `limit` bytes and one more.

    Raises:
        Refusal: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror or error}.") from error
