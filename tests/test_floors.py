"""Allowed imports between the layers of the project, read from the source, and the modules that an import loads."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# the parts of the project that each part may import; unlisted modules may import nothing of the project
GROUND = {"cells", "errors", "nesting", "private", "setting", "config", "events", "stuck", "environment"}
FLOORS: dict[str, set[str]] = {
    "": set(),  # rnnlab/__init__.py
    "errors": set(),
    "nesting": set(),
    "private": set(),
    "setting": set(),
    "cells": {"cells"},
    "config": {"cells", "errors", "nesting", "setting"},
    "stuck": set(),
    "environment": set(),
    "events": {"errors", "config", "stuck"},
    "recipes": GROUND,
    "text": GROUND | {"text"},
    "inference": GROUND | {"text", "inference"},
    "engine": GROUND | {"text", "inference", "engine"},
    "recordings": GROUND | {"text", "inference", "engine", "recipes", "runs", "recordings"},
    "runs": GROUND | {"text", "inference", "engine", "runs", "recipes"},
    # not `engine`: a page reads the source of a cell as text
    "view": GROUND | {"text", "inference", "runs", "recipes", "recordings", "view"},
    "pages": GROUND | {"text", "runs", "recipes", "recordings", "view", "server", "pages"},
    "server": GROUND | {"view", "runs", "server"},
    "cluster": GROUND | {"runs", "cluster"},
    "cli": GROUND | {"text", "runs", "cluster", "recipes", "cli"},
    "__main__": {"cli"},
}
TORCH = {
    "rnnlab.runs.worker",
    "rnnlab.runs.answers",
    "rnnlab.runs.zygote",
    "rnnlab.runs.warm",
    "rnnlab.runs.checkpoints",
}
# the layers of the view, lowest first: a folder may import its own layer and those below; the folder of a page never
# imports the folder of another page
VIEW_FLOORS = ("language", "data", "page", "watch")
VIEW_PAGES = {"train", "home", "compare", "diagnose", "inspect", "lessons", "room", "runs"}
WITHOUT_STREAMLIT = {"rnnlab.view.language", "rnnlab.view.data", "rnnlab.view.lessons.compute"}
STREAMLIT_FREE_ROLES = {"measures", "sentences", "tables", "charts", "variants", "contents", "arrow", "style", "clicks"}


def source_files() -> dict[str, Path]:
    """Return every module of the project by its dotted name, including pages and the entry point."""
    paths = [*(ROOT / "rnnlab").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *ROOT.glob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


FILES = source_files()


@cache
def imported(module: str) -> tuple[tuple[str, bool], ...]:
    """Return every module that `module` imports, also in functions, and whether that happens at import time."""
    path = FILES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(_imports(tree, package, at_import=True))


def _imports(node: ast.AST, package: str, at_import: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.orelse:
                yield from _imports(part, package, at_import)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, at_import
        elif isinstance(child, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            name = ".".join([*base, child.module] if child.module else base)
            yield name, at_import
            for alias in child.names:
                if f"{name}.{alias.name}" in FILES:  # from package import module
                    yield f"{name}.{alias.name}", at_import
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, package, at_import and not inside)


def part(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "rnnlab":
        return parts[1] if len(parts) > 1 else ""
    return "pages"


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Return all modules of the project that importing `module` loads, including their packages."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or name not in FILES:
            continue
        seen.add(name)
        todo += [other for other, now in imported(name) if now]
        if "." in name:
            todo.append(name.rpartition(".")[0])
    return frozenset(seen)


def test_the_map_lists_every_part() -> None:
    parts = {part(name) for name in FILES}
    assert parts <= set(FLOORS), "a new part needs an entry in FLOORS"


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_go_down_only(module: str) -> None:
    allowed = FLOORS[part(module)]
    for name, _ in imported(module):
        if name in FILES and name != "rnnlab":  # the root has only the version
            assert part(name) in allowed, f"{module} imports {name}; it may import {sorted(allowed)}"
        if part(module) in ("view", "pages"):
            assert name not in TORCH, f"{module} imports {name}, which loads torch"


@pytest.mark.parametrize("module", sorted(FILES))
def test_torch_only_where_it_belongs(module: str) -> None:
    if module in TORCH or part(module) == "engine":
        return
    for name, _ in imported(module):
        assert name.split(".")[0] != "torch", f"{module} imports torch"


@pytest.mark.parametrize("module", sorted(FILES))
def test_streamlit_only_where_it_belongs(module: str) -> None:
    if part(module) in ("pages", "server"):
        return
    without = module.startswith(tuple(WITHOUT_STREAMLIT)) or module.rpartition(".")[2] in STREAMLIT_FREE_ROLES
    if part(module) == "view" and not without:
        return
    for name, _ in imported(module):
        assert name.split(".")[0] != "streamlit", f"{module} imports streamlit"


@pytest.mark.parametrize("module", sorted(name for name in FILES if part(name) != "engine" and name not in TORCH))
def test_nothing_else_loads_torch_indirectly(module: str) -> None:
    loaded = loaded_by(module)
    heavy = {name for name in loaded if any(other.split(".")[0] == "torch" for other, now in imported(name) if now)}
    assert not heavy, f"importing {module} loads torch through {sorted(heavy)}"


def view_folder(module: str) -> str:
    """Return the folder of the view that contains a module, or "" for the package itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else ""


@pytest.mark.parametrize("module", sorted(name for name in FILES if name.startswith("rnnlab.view.")))
def test_the_view_has_floors(module: str) -> None:
    here = view_folder(module)
    assert here in VIEW_FLOORS or here in VIEW_PAGES, f"{here}: a new folder needs its floor"
    below = VIEW_FLOORS[: VIEW_FLOORS.index(here)] if here in VIEW_FLOORS else VIEW_FLOORS
    for name, _ in imported(module):
        if name in FILES and name.startswith("rnnlab.view."):
            there = view_folder(name)
            assert there == here or there in below, f"{module} imports {name}; from {here} one may import {below}"


def test_no_modules_import_each_other() -> None:
    # imports in functions count, imports only for types do not
    graph = {module: {name for name, _ in imported(module) if name in FILES and name != module} for module in FILES}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' imports '.join(error.args[1])}")


def test_the_supervisor_is_started_and_not_imported() -> None:
    assert not [module for module in FILES if "rnnlab.runs.supervisor" in dict(imported(module))]


# the modules that may read environment variables: the module of the settings, and those that need variables of the
# system or pass all variables to another process
READ_VARIABLES = {
    "rnnlab.environment": "reads the settings",
    "rnnlab.runs.supervisor": "reads the limits when it starts",
    "rnnlab.runs.endpoint": "XDG_RUNTIME_DIR",
    "rnnlab.runs.process": "passes them on",
    "rnnlab.runs.spawned": "takes the token that it was started with",
}
# where a process starts, and functions that the shell and an exported script call without folders
READ_SETTINGS = {
    "rnnlab.cli.main",
    "rnnlab.server.routes",
    "rnnlab.runs.supervisor",
    "rnnlab.view.page.session",
    "rnnlab.text.corpora",
}


def test_environment_variables_are_read_where_a_process_starts() -> None:
    def attributes(module: str) -> set[str]:
        nodes = ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8")))
        return {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}

    used = {module: attributes(module) for module in FILES}
    assert {module for module in FILES if used[module] & {"os.environ", "os.getenv"}} == set(READ_VARIABLES)
    assert {module for module in FILES if "Environment.from_environ" in used[module]} == READ_SETTINGS


def test_no_utils_module() -> None:
    assert not [name for name in FILES if name.split(".")[-1] in ("utils", "util", "helpers", "misc", "common")]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("rnnlab", {"torch", "streamlit", "pandas", "numpy", "pydantic"}),
        ("rnnlab.recipes", {"torch", "streamlit", "pandas", "numpy"}),
        ("rnnlab.inference.inspection", {"torch", "streamlit", "pandas"}),
        ("rnnlab.inference.generation", {"torch", "streamlit", "pandas"}),
        ("rnnlab.cli.main", {"torch", "streamlit", "pandas", "numpy", "altair", "rich.progress"}),
    ],
)
def test_what_an_import_really_loads(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not absent & set(loaded.stdout.split())


def test_all_kinds_of_imports_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cells.py"
    path.write_text(
        "import torch.nn as nn\nfrom .. import errors\nfrom rnnlab.text import vocab\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import streamlit\n"
        "def late():\n    from rnnlab import config\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(FILES, "rnnlab.engine.cells", path)
    monkeypatch.setitem(FILES, "rnnlab.text.vocab", path)
    seen = imported.__wrapped__("rnnlab.engine.cells")
    assert ("torch.nn", True) in seen
    assert ("rnnlab.errors", True) in seen
    assert ("rnnlab.text.vocab", True) in seen
    assert ("rnnlab.config", False) in seen
    assert not [name for name, _ in seen if name == "streamlit"]
