"""Imports go down only: who may import whom, read from the source, and what an import really loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# which rooms of the house each room may import; a module that is not listed may import nothing of ours
GROUND = {"cells", "errors", "config", "events", "stuck"}
FLOORS: dict[str, set[str]] = {
    "": set(),  # rnnlab/__init__.py
    "errors": set(),
    "cells": {"cells"},
    "config": {"cells", "errors"},
    "stuck": set(),
    "events": {"errors", "config", "stuck"},
    "recipes": GROUND,
    "text": GROUND | {"text"},
    "engine": GROUND | {"text", "engine"},
    "recordings": GROUND | {"recipes", "runs"},
    "runs": GROUND | {"text", "engine", "runs", "recipes"},
    # not `engine`: a page reads the source of a cell as text
    "view": GROUND | {"text", "runs", "recipes", "recordings", "view"},
    "pages": GROUND | {"text", "runs", "recipes", "recordings", "view", "pages"},
    "reproduction": GROUND | {"text", "engine", "recipes", "runs"},
    "terminal": GROUND | {"runs"},
    "options": GROUND | {"text", "recipes"},
    "cli": GROUND | {"text", "runs", "recipes", "recordings", "reproduction", "terminal", "options"},
    "__main__": {"cli"},
}
TORCH = {"rnnlab.runs.worker", "rnnlab.runs.answers", "rnnlab.runs.zygote", "rnnlab.runs.checkpoints"}
LATE_TORCH = {"rnnlab.reproduction"}  # inside functions only
STREAMLIT = {"rnnlab.view.shell", "rnnlab.view.live"}


def source_files() -> dict[str, Path]:
    """Every module of the project by its dotted name; pages and the entry point too."""
    paths = [*(ROOT / "rnnlab").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *ROOT.glob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


FILES = source_files()


@cache
def imported(module: str) -> tuple[tuple[str, bool], ...]:
    """Every module that `module` imports, also inside functions, and whether that happens at import time."""
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


def room(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "rnnlab":
        return parts[1] if len(parts) > 1 else ""
    return "pages"


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Everything of ours that importing `module` loads, with the packages around each."""
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


def test_the_map_lists_every_room() -> None:
    rooms = {room(name) for name in FILES}
    assert rooms <= set(FLOORS), "a new room needs its floor in FLOORS"


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_go_down_only(module: str) -> None:
    allowed = FLOORS[room(module)]
    for name, _ in imported(module):
        if name in FILES and name != "rnnlab":  # the root holds the version alone
            assert room(name) in allowed, f"{module} imports {name}; it may import {sorted(allowed)}"
        if room(module) in ("view", "pages"):
            assert name not in TORCH, f"{module} imports {name}, which loads torch"


@pytest.mark.parametrize("module", sorted(FILES))
def test_torch_only_where_it_belongs(module: str) -> None:
    if module in TORCH or room(module) == "engine":
        return
    for name, at_import in imported(module):
        late = module in LATE_TORCH and not at_import
        assert late or name.split(".")[0] != "torch", f"{module} imports torch"


@pytest.mark.parametrize("module", sorted(FILES))
def test_streamlit_only_where_it_belongs(module: str) -> None:
    if room(module) == "pages" or module in STREAMLIT or module.startswith("rnnlab.view.panels"):
        return
    for name, _ in imported(module):
        assert name.split(".")[0] != "streamlit", f"{module} imports streamlit"


@pytest.mark.parametrize("module", sorted(name for name in FILES if room(name) != "engine" and name not in TORCH))
def test_nothing_else_loads_torch_by_the_way(module: str) -> None:
    loaded = loaded_by(module)
    heavy = {name for name in loaded if any(other.split(".")[0] == "torch" for other, now in imported(name) if now)}
    assert not heavy, f"importing {module} loads torch through {sorted(heavy)}"


def test_no_utils_module() -> None:
    assert not [name for name in FILES if name.split(".")[-1] in ("utils", "util", "helpers", "misc", "common")]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("rnnlab", {"torch", "streamlit", "pandas", "numpy", "pydantic"}),
        ("rnnlab.recipes", {"torch", "streamlit", "pandas", "numpy"}),
        ("rnnlab.cli", {"torch", "streamlit", "pandas", "numpy", "altair", "rich.progress"}),
    ],
)
def test_what_an_import_really_loads(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not absent & set(loaded.stdout.split())


def test_the_reader_of_imports_sees_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
