"""The lock file: the version of every installed package, for every system and Python version.

    python -m dependencies.lock [--upgrade]   # or: make lock

It is a file of constraints for pip, resolved for all systems at once: a line may have a condition, and a package that
is not needed somewhere is not installed there. `--upgrade` takes newer versions of what the requirements leave open.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
REQUIREMENTS = ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt", "requirements-tools.txt")
"""The requirements of the app, of training on several machines, of the tests, and of the commands of this folder."""
OLDEST = "3.11"

_LINE = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<where>.+?))?\s+# via (?P<via>.+)")


@dataclass(frozen=True)
class Package:
    """A line of the lock.

    Attributes:
        name: its name, in lower case with hyphens.
        version: its version.
        where: the condition under which it is installed; "" for everywhere.
        via: the packages and the files of requirements that ask for it.
    """

    name: str
    version: str
    where: str
    via: tuple[str, ...]


def packages(text: str) -> list[Package]:
    """Return the packages of a lock.

    Raises:
        ValueError: a line is neither a comment nor a package.
    """
    found = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(line)
            via = tuple(dict.fromkeys(match["via"].split(", ")))
            found.append(Package(match["name"], match["version"], match["where"] or "", via))
    return found


def needed_by(all_packages: Iterable[Package], requirements: str) -> set[str]:
    """Return the names of the packages that a requirements file installs, directly or as dependencies."""
    listed = list(all_packages)
    found: set[str] = set()
    asking = {f"-r {requirements}"}
    while asking:
        asking = {package.name for package in listed if asking & set(package.via)} - found
        found |= asking
    return found


def normal(name: str) -> str:
    """Return the normalised name of a package, as in the lock file."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Write the lock; return the exit code."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST,
        "--annotation-style", "line", "--custom-compile-command", "make lock", "--no-emit-index-url",
        "--output-file", LOCK.name, *sys.argv[1:], *REQUIREMENTS,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
