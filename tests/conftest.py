"""Setup of all tests: a single thread, a separate home, and a rule for tests that need a browser or the data."""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background of a shell, where child processes would ignore Ctrl-C too
    signal.signal(signal.SIGINT, signal.default_int_handler)

if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # started by nohup, with which child processes would ignore a closed terminal too; a function is not inherited
    signal.signal(signal.SIGHUP, lambda *_: None)

# what is imported and collected stays to the end, so until then the collector would only search in vain
gc.disable()

# how long an example takes says nothing on a busy machine
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

# before anything imports torch or numpy
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# before the home is read: no test may change the runs of the user
_HOME = tempfile.mkdtemp(prefix="rnnlab-tests-")
os.environ["RNNLAB_HOME"] = _HOME

ROOT = Path(__file__).resolve().parent.parent
BROWSER_TESTS = ROOT / "tests" / "browser"
CLUSTER_TESTS = ROOT / "tests" / "cluster"
NO_BROWSER = "all of tests/browser: there is no browser (install chromium and playwright)"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Return the path of a Chromium that Playwright can drive, or None."""
    if importlib.util.find_spec("playwright") is None:
        return None
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def data_dir() -> Path | None:
    """Return the folder with the book's corpora that `RNNLAB_DATA` names, or None."""
    folder = os.environ.get("RNNLAB_DATA", "")
    return Path(folder) if folder and Path(folder).is_dir() else None


def pytest_configure(config: pytest.Config) -> None:
    # not at collection, which happens in each process of xdist and would report it repeatedly
    if os.environ.get("RNNLAB_REQUIRE_BROWSER") == "1" and find_browser() is None:
        raise pytest.UsageError("RNNLAB_REQUIRE_BROWSER=1, but there is no chromium, or playwright is not installed")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    # a single line in the summary instead of one for each test
    return True if collection_path.is_relative_to(BROWSER_TESTS) and find_browser() is None else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if find_browser() is None:
        terminalreporter.write_line(f"SKIPPED {NO_BROWSER}", yellow=True)


def pytest_report_header() -> str:
    browser = find_browser() or "none found"
    data = data_dir() or "not set; the tests on the book's corpora are skipped"
    return f"browser: {browser}\nRNNLAB_DATA: {data}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # one process has the browser and one the cluster, and all share the remaining files
        folder = next((path for path in (BROWSER_TESTS, CLUSTER_TESTS) if item.path.is_relative_to(path)), item.path)
        item.add_marker(pytest.mark.xdist_group(str(folder)))
        if data_dir() is None and item.get_closest_marker("reference"):
            item.add_marker(pytest.mark.skip(reason="needs the book's corpora: set RNNLAB_DATA to their folder"))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    # rarer collections than by default: most objects of a test end with it, without the collector
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _home_is_removed() -> Iterator[None]:
    yield
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _components_are_scanned_once() -> Iterator[None]:
    """Scan the installed packages for Streamlit components once: each AppTest would take a tenth of a second for it."""
    if "streamlit" not in sys.modules:
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _main_as_before() -> Iterator[None]:
    """Keep the main module: an AppTest leaves the page in its place, and a spawned process would run that page."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def _thread_as_before() -> Iterator[None]:
    """Keep denormal numbers again after a test: flushing is a setting of the thread and affects later tests."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty RNNLAB_HOME for the test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("RNNLAB_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser; mark the test with `pytest.mark.browser`."""
    path = find_browser()
    assert path, "mark the test with pytest.mark.browser"
    return path


@pytest.fixture
def sqlite_connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection of SQLite that the test opens, in order."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    return connections
