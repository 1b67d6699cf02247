"""Files on their way from a page or the shell to the supervisor; they pass through the home, not through a message."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from rnnlab import private
from rnnlab.errors import RunError
from rnnlab.runs import disk

FOLDER = "incoming"
"""The folder of such files in a home."""


@contextlib.contextmanager
def handed_over(home: Path, data: bytes) -> Iterator[str]:
    """Write a file that only its owner can read; the block gets the name by which the supervisor finds it.

    What the supervisor has not taken at the end of the block is removed.

    Raises:
        RunError: ``disk_full`` or ``checkpoint_unwritable``; no part of the file remains.
    """
    name = secrets.token_hex(16)
    path = home / FOLDER / name
    try:
        private.make_folder(path.parent)
        with open(path, "xb", opener=private.opener) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise disk.unsaved(error) from error
    try:
        yield name
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def find(home: Path, name: str) -> Path:
    """Return the file that a message names.

    Raises:
        RunError: ``import_lost``: there is no such file, or the name is none of `handed_over`.
    """
    path = home / FOLDER / Path(name).name  # the supervisor removes this file, so no name may lead out of the folder
    with contextlib.suppress(OSError):
        if re.fullmatch("[0-9a-f]{32}", name) and stat.S_ISREG(path.lstat().st_mode):
            return path
    raise RunError("import_lost", "The file did not arrive. Choose it again.")


def clear(home: Path) -> None:
    """Remove the files of senders that ended before the supervisor took them over."""
    shutil.rmtree(home / FOLDER, ignore_errors=True)
