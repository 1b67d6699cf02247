"""Properties of the whole project: content of its files, valid links, pinned requirements."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import pytest

import rnnlab

ROOT = Path(__file__).resolve().parent.parent


def tracked_files() -> list[Path]:
    """Return every existing file under version control."""
    if shutil.which("git") is None:
        pytest.skip("asks git which files are the project's, and there is no git")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # a picture


# written in pieces, so that this file does not match
FOREIGN = {
    "an absolute path of some machine": r"(?<![\w.>~/])/(?:work|root|home|Users|tmp)/[\w.-]+",
    "a package registry": "|".join([r"py" + r"pi\.org", r"download\.py" + r"torch\.org", r"files\.python" + r"hosted"]),
    # not the version of a package, in the lock or in a table
    "an internal host": r"(?<!==)(?<!\| )\b(?:10|172|192(?!\.0\.2\.))\.\d+\.\d+\.\d+\b"
    r"|\.(?:internal|corp|lan)\b(?=[:/])",
    "how it was written": r"(?i)\bco-auth" + r"ored-by\b|\bgenerated (?:with|by) (?:an? )?(?:ai|llm|assist)",
}

# the one address of a build of torch without libraries for graphics cards, and the one place that may name it
CPU_TORCH = ("Makefile", "https://download.py" + "torch.org/whl/cpu")


@pytest.mark.parametrize("what", FOREIGN)
def test_the_files_mention_only_the_project(what: str) -> None:
    pattern = re.compile(FOREIGN[what])
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if (text := text_of(path)) is not None
        for match in pattern.finditer(text.replace(CPU_TORCH[1], "") if path.name == CPU_TORCH[0] else text)
    ]
    assert not found


def anchors(path: Path) -> set[str]:
    """Return the fragments of the headings of a Markdown file."""
    headings = re.findall(r"(?m)^#+\s+(.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_has_a_target(path: Path) -> None:
    text = re.sub(r"(?s)```.*?```", "", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = unquote(target).partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path.name} links to {target}"
        if fragment and there.suffix == ".md":
            assert fragment in anchors(there), f"{path.name} links to {target}"


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-cluster.txt", "requirements-dev.txt", "requirements-tools.txt"]
)
def test_every_requirement_is_pinned(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    needs = [line for line in lines if line.strip() and not line.startswith(("#", "-r "))]
    assert needs
    for line in needs:
        assert re.fullmatch(r"[A-Za-z0-9-]+==[\w.]+", line), f"{name}: {line}"
    assert needs == sorted(needs, key=lambda line: line.split("==")[0].lower())


def test_what_the_code_imports_is_required() -> None:
    app, cluster = (
        {
            re.split("==", line)[0].lower().replace("-", "_").removesuffix("_python")  # vl-convert-python: vl_convert
            for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
            if "==" in line
        }
        for name in ("requirements.txt", "requirements-cluster.txt")
    )
    folder = ROOT / "rnnlab" / "cluster"
    paths = {*(ROOT / "rnnlab").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *ROOT.glob("*.py")}
    assert top_level_imports(paths - {*folder.rglob("*.py")}) <= app
    assert top_level_imports(folder.rglob("*.py")) <= app | cluster


def top_level_imports(paths: Iterable[Path]) -> set[str]:
    """Return the packages of others that these files import."""
    imported = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    return imported - set(sys.stdlib_module_names) - {"rnnlab", "pages"}


def drawn_modules(lines: list[str]) -> tuple[list[str], set[str]]:
    """Return the modules that a map shows, by their paths, and the names that any folder of a page may have.

    A name with a slash at the end is a folder; files on its line and on lines indented further lie in it.
    """
    folders: list[tuple[int, str]] = []
    modules: list[str] = []
    roles: set[str] = set()
    for line in filter(str.strip, lines):
        indent = len(line) - len(line.lstrip())
        first = line.split()[0]
        if first.startswith("(") or first.endswith("/") or folders:
            folders = [(deep, name) for deep, name in folders if deep < indent]
        if first.startswith("("):
            folders.append((indent, "("))
        elif first.endswith("/"):
            folders.append((indent, first))
        names = re.findall(r"\b\w+\.py\b", line)
        if folders and folders[-1][1] == "(":
            roles |= set(names)
        else:
            modules += ["".join(name for _, name in folders) + name for name in names]
    return modules, roles


def test_the_map_shows_every_module() -> None:
    map_of_the_tree = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    drawn, roles = drawn_modules(map_of_the_tree.splitlines())
    paths = [*(ROOT / "rnnlab").rglob("*.py"), ROOT / "streamlit_app.py"]
    modules = {path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py"}
    assert roles, "the map names the files that several pages have"
    shared = {name for name in modules - set(drawn) if name.startswith("rnnlab/view/") and Path(name).name in roles}
    assert sorted(drawn) == sorted(modules - shared), "docs/architecture.md is the map as built"
    assert roles == {Path(name).name for name in shared}


def test_the_version_is_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == rnnlab.__version__
    assert rnnlab.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_first_start_asks_no_questions() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["showEmailPrompt"] is False
    assert config["browser"]["gatherUsageStats"] is False


def run_tests(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run some tests with only Python: no browser, no git."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PATH": str(Path(sys.executable).parent), **environment},
        check=False,
    )


def test_a_required_but_missing_browser_is_reported_once() -> None:
    done = run_tests("-n", "2", "tests/test_errors.py", RNNLAB_REQUIRE_BROWSER="1")
    output = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode == 4
    assert len(output) == 1, output
    assert "there is no chromium" in output[0]


def test_without_browser_and_git_the_other_tests_run() -> None:
    done = run_tests("tests/test_errors.py", "tests/browser", "tests/test_project.py", "-k", "error or mention_only",
                     RNNLAB_REQUIRE_BROWSER="")  # fmt: skip
    assert done.returncode == 0, done.stdout
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len([line for line in skipped if "browser" in line]) == 1
    assert [line for line in skipped if "git" in line]
    assert "passed" in done.stdout


def test_the_continuous_check_is_executable() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").startswith("#!")


VENV_WITHOUT_PIP = """#!/bin/sh
# as on Debian without python3-venv: the folder is made, then there is no ensurepip
[ "$1" = -c ] && exit 0
mkdir -p "$4/bin" && printf '#!/bin/sh\necho No module named pip >&2; exit 1\n' > "$4/bin/python"
chmod +x "$4/bin/python"
exit 1
"""
VENV = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p "$4/bin" && printf '#!/bin/sh\n' | tee "$4/bin/python" > "$4/bin/pip"
chmod +x "$4/bin/python" "$4/bin/pip"
"""


def test_setup_repairs_an_incomplete_environment(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")
    for name in ("Makefile", "requirements.txt", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"

    def setup(stub: str) -> subprocess.CompletedProcess[str]:
        python.write_text(stub, encoding="utf-8")
        python.chmod(0o755)
        command = [make, "setup", f"PYTHON={python}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    for _ in range(2):  # the second time gives the same message, not an error about pip
        failed = setup(VENV_WITHOUT_PIP)
        assert failed.returncode
        assert "python3-venv" in failed.stderr
        assert "No module named pip" not in failed.stderr
    done = setup(VENV)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / ".installed").is_file()


PYTHON_OF_VERSION = """#!/bin/sh
# a Python that says its version, and makes environments whose Python says the same
[ "$1" = -c ] && {{ echo {version}; exit 0; }}
[ "$2" = venv ] && {{ rm -rf "$4"; mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && cp "$0" "$4/bin/pip"; }}
exit 0
"""


def test_an_environment_of_another_python_is_created_again(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for version in ("3.11", "3.13"):
        python = tmp_path / f"python{version}"
        python.write_text(PYTHON_OF_VERSION.format(version=version), encoding="utf-8")
        python.chmod(0o755)

    def setup(*arguments: str) -> str:
        command = [make, "setup", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def version() -> str:
        command = [tmp_path / ".venv" / "bin" / "python", "-c", ""]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    setup(f"PYTHON={tmp_path}/python3.11")
    assert version() == "3.11"
    output = setup(f"PYTHON={tmp_path}/python3.13")
    assert "made by Python 3.11; it is made anew by Python 3.13" in output
    assert "pip install" in output
    assert version() == "3.13"
    for arguments in (
        [f"PYTHON={tmp_path}/python3.13"],
        [],
    ):  # unchanged; without a named Python, any Python is accepted
        assert "pip install" not in setup(*arguments)
        assert version() == "3.13"


def test_every_test_that_the_document_on_security_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 15
    for path, test in named:
        assert f"def {test}" in (ROOT / path).read_text(encoding="utf-8")
