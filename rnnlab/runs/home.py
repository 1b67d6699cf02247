"""The home: the folder of all data, and what lies in it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from rnnlab import private
from rnnlab.runs import schema

_FOLDERS = ("checkpoints", "corpora")
_OURS = (f"{schema.DATABASE}*", "supervisor.*", "ballast", *_FOLDERS)
"""What lies in a home; anything else there was not put there by us."""

log = logging.getLogger(__name__)


def tighten(home: Path) -> None:
    """Make `home` and what we keep there private, as far as the system allows; what is not possible is logged."""
    shared = home.stat().st_mode & stat.S_ISVTX or home == Path(os.path.expanduser("~"))
    if shared and private.is_private(home) is False:
        log.warning("%s holds other things too, so its rights are left as they are", home)
    else:
        private.close(home)
    for pattern in _OURS:
        _close_all(home.glob(pattern))
    # a private folder was made so, with all that it contains
    for name in _FOLDERS:
        _close_all((home / name).glob("*"))


def _close_all(paths: Iterable[Path]) -> None:
    for path in paths:
        if private.close(path) and path.is_dir():
            _close_all(path.glob("*"))
