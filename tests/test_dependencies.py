"""The packages that an installation brings: each has its version in the lock, and its licence on a page."""

from __future__ import annotations

import importlib.metadata
import json
import re

import pytest
from packaging.requirements import Requirement

from dependencies import audit, licences
from dependencies.lock import LOCK, REQUIREMENTS, ROOT, needed_by, normal, packages

LISTED = packages(LOCK.read_text(encoding="utf-8"))
VERSIONS = {(package.name, package.version) for package in LISTED}
# what may be used by anybody for anything; copyleft that ends at the file of the package (MPL) is none of ours
FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla Public|ISC|Zlib|CC0|0BSD|BSL-1\.0|Unlicense"
)
# the libraries that the build of torch for NVIDIA's cards asks for; docs/deployment.md tells how to do without
NVIDIA = re.compile(r"(nvidia|cuda)-.*")


def required(name: str) -> dict[str, str]:
    """The versions that a file of requirements asks for, by package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines) if version}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_the_lock_has_what_is_required(name: str) -> None:
    assert set(required(name).items()) <= VERSIONS
    assert set(required(name)) <= needed_by(LISTED, name)


def test_the_lock_has_everything_that_those_packages_ask_for() -> None:
    """The oracle are the packages that are installed: all that they ask for here is in the lock, at this version."""
    missing, seen = [], set()
    asking = [name for file in ("requirements.txt", "requirements-dev.txt") for name in required(file)]
    while asking:
        name = normal(asking.pop())
        if name in seen:
            continue
        seen.add(name)
        found = importlib.metadata.distribution(name)
        if (name, found.version.partition("+")[0]) not in VERSIONS:
            missing.append(f"{name}=={found.version}")
        needs = [Requirement(text) for text in found.requires or ()]
        asking += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    assert len(seen) > 60
    assert missing == [], "make lock"


def test_the_lock_has_no_address() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "//" not in text
    assert not re.search(r"(?m)^\s*-", text)


def test_the_lock_has_one_version_of_a_package_for_each_system() -> None:
    for package in LISTED:
        others = [other for other in LISTED if other.name == package.name and other != package]
        assert package.where or not others, package.name


def test_another_line_is_no_package() -> None:
    for line in ("torch", "torch>=2  # via x", "torch @ file:///x  # via y", "-e .", "https://x.example/y.whl"):
        with pytest.raises(ValueError, match=re.escape(line)):
            packages(line)


def test_the_page_of_the_licences_is_current() -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    known = {**licences.known(page), **licences.installed()}
    assert licences.document(LOCK.read_text(encoding="utf-8"), known) == page, "make licences"


def test_every_licence_lets_us() -> None:
    stated = licences.known(licences.PAGE.read_text(encoding="utf-8"))
    assert len(stated) == len(LISTED)
    others = {name: words for (name, _), words in stated.items() if not FREE.search(words)}
    assert [name for name in others if not NVIDIA.fullmatch(name)] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"expression": "MIT", "classifiers": ["License :: OSI Approved :: BSD License"]}, "MIT"),
        ({"classifiers": ["License :: OSI Approved", "License :: OSI Approved :: BSD License"]}, "BSD License"),
        ({"words": "Apache 2.0"}, "Apache 2.0"),
        ({"words": "MIT License\n\nCopyright ...\nPermission is hereby granted"}, "MIT License"),
        ({"file": "\nMIT License\n\nCopyright"}, "MIT License"),
        ({"file": "(c)\n\nRedistribution and use in source and binary forms ... promote"}, "BSD-3-Clause"),
        ({"file": "All rights reserved."}, licences.UNKNOWN),
    ],
)  # fmt: skip
def test_a_licence_is_read_from_where_a_package_states_it(given: dict[str, object], words: str) -> None:
    fields = {"expression": "", "classifiers": [], "words": "", **given}
    assert licences.licence(**fields) == words  # type: ignore[arg-type]


SAFE = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("listed", "said", "code"),
    [
        ([SAFE], "1 of 1 packages were checked; no known vulnerability.", 0),
        ([SAFE, BAD], "b 2: X-1, mended in 3\n2 of 2 packages were checked; 1 known vulnerabilities.", 1),
        ([SAFE, SKIPPED], "1 of 2 packages were checked; no known vulnerability.\nNot checked: c.", 0),
        ([SKIPPED], audit.NOTHING, 0),
    ],
)
def test_an_audit_says_what_was_checked(listed: list[dict[str, object]], said: str, code: int) -> None:
    assert audit.verdict(json.dumps({"dependencies": listed})) == (said, code)


@pytest.mark.parametrize("output", ["", "no connection", "[]", "{}", "null"])
def test_an_audit_without_an_answer_says_that_nothing_was_checked(output: str) -> None:
    assert audit.verdict(output) == (audit.NOTHING, 0)
