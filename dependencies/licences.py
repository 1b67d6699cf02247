"""The licences of all installed packages, read from their metadata.

    python -m dependencies.licences [--all]   # or: make licences

It writes docs/licences.md. Of a package that this system does not install, the page keeps what it says of the same
version; with `--all`, pip reads its metadata from the package index.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from dependencies.lock import LOCK, ROOT, Package, needed_by, normal, packages

PAGE = ROOT / "docs" / "licences.md"
UNKNOWN = "not stated"

_HEAD = """# Licences

RNN Lab itself is under Apache-2.0, its own training texts under CC0-1.0. It contains no code of others: `make setup` installs the
packages below, at these versions. Written by `make licences` from `requirements.lock` and the packages' own metadata; a test checks it.

## What the app installs

{app}

## What training on several machines installs besides

{cluster}

## What the tests and the maintenance commands install besides

{others}
"""  # noqa: E501 - lines as long as in the other documents
_ROW = re.compile(r"\| (?P<name>[^ |]+) \| (?P<version>[^ |]+) \| (?P<licence>[^|]+) \|")
_CLASSIFIER = re.compile(r"License :: (?:OSI Approved(?: :: )?)?(?P<licence>.*)")


def licence(expression: str, classifiers: Sequence[str], words: str, file: str = "") -> str:
    """Return the licence of a package.

    Args:
        expression: its SPDX expression, which counts before everything else.
        classifiers: its classifiers.
        words: its licence in free words, often the whole text.
        file: the text of its licence, which counts if it says nothing else.
    """
    stated = [match["licence"] for text in classifiers if (match := _CLASSIFIER.match(text)) and match["licence"]]
    short = words.strip() if "\n" not in words.strip() and len(words) <= 60 else ""
    return expression or " and ".join(stated) or short or _named(words or file)


def _named(text: str) -> str:
    """Return the name of a licence from its text: its title, or the name of a BSD licence."""
    title = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if re.search(r"\bLicense\b", title) and len(title) <= 60:
        return title
    if "Redistribution and use in source and binary forms" in text:
        return "BSD-3-Clause" if "promote" in text else "BSD-2-Clause"
    return UNKNOWN


def installed() -> dict[tuple[str, str], str]:
    """Return the licences of the packages of this environment, by name and version."""
    found = {}
    for distribution in importlib.metadata.distributions():
        fields = distribution.metadata.json
        files = distribution.metadata.get_all("License-File") or []
        texts = [distribution.read_text(f"licenses/{name}") or distribution.read_text(name) for name in files]
        version = distribution.version.partition("+")[0]  # torch has the name of its build there
        found[normal(distribution.name), version] = licence(
            str(fields.get("license_expression", "")),
            [str(text) for text in fields.get("classifier", ())],
            str(fields.get("license", "")),
            next(filter(None, texts), "") or "",
        )
    return found


def known(page: str) -> dict[tuple[str, str], str]:
    """Return the licences listed on the page, by name and version."""
    rows = (row for row in _ROW.finditer(page) if row["name"] != "package")  # not the heads of the tables
    return {(row["name"], row["version"]): row["licence"].strip() for row in rows}


def asked(package: Package) -> str:
    """Return the licence of a package that is not installed, as pip reads it from the package index."""
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
        "--ignore-requires-python", "--report", "-", f"{package.name}=={package.version}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        fields = json.loads(done.stdout)["install"][0]["metadata"]
    except (ValueError, KeyError, IndexError):
        return UNKNOWN
    return licence(fields.get("license_expression", ""), fields.get("classifier", ()), fields.get("license", ""))


def document(lock: str, licences: Mapping[tuple[str, str], str]) -> str:
    """Return the page.

    Args:
        lock: the text of the lock.
        licences: by name and version of the package.
    """
    listed = packages(lock)
    app = needed_by(listed, "requirements.txt")
    cluster = needed_by(listed, "requirements-cluster.txt") - app

    def table(rows: Sequence[Package]) -> str:
        lines = ["| package | version | licence | only where |", "|---|---|---|---|"]
        for package in rows:
            words = licences.get((package.name, package.version), UNKNOWN)
            where = f"`{package.where}`" if package.where else ""
            lines.append(f"| {package.name} | {package.version} | {words} | {where} |")
        return "\n".join(lines)

    return _HEAD.format(
        app=table([package for package in listed if package.name in app]),
        cluster=table([package for package in listed if package.name in cluster]),
        others=table([package for package in listed if package.name not in app | cluster]),
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="ask the package index about what is not installed here")
    options = parser.parse_args()
    lock = LOCK.read_text(encoding="utf-8")
    licences = {**known(PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""), **installed()}
    if options.all:
        for package in packages(lock):
            if licences.get((package.name, package.version), UNKNOWN) == UNKNOWN:
                licences[package.name, package.version] = asked(package)
    PAGE.write_text(document(lock, licences), encoding="utf-8")


if __name__ == "__main__":
    main()
