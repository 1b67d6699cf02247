"""Folders and files that only their owner can read, on systems whose files have modes."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

UMASK = 0o077
"""The umask of every process that writes into the home."""
_OTHERS = 0o077

log = logging.getLogger(__name__)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, private; no effect if it exists.

    Raises:
        OSError: it cannot be made.
    """
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # there may be a file


def opener(path: str, flags: int) -> int:
    """Open a file so that a new one is private: the `opener` of `open`."""
    return os.open(path, flags, 0o600)


def is_private(path: Path) -> bool | None:
    """Return whether a file or folder is private; None if it does not exist or the system has no file modes."""
    if os.name == "nt":
        return None
    try:
        return not path.stat().st_mode & _OTHERS
    except OSError:
        return None


def close(path: Path) -> bool:
    """Remove the permissions of other users on `path`, or log why not; return whether there were any."""
    try:
        mode = path.lstat().st_mode
        if os.name == "nt" or stat.S_ISLNK(mode) or not mode & _OTHERS:
            return False
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except OSError as error:
        log.warning("other users can read %s: %s", path, error)
        return False
    return True
