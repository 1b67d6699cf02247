"""One server for the tests that only ask it: its start, its first page and torch take seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that these tests share, each with visitors and runs of its own."""
    server = Server(tmp_path_factory.mktemp("server") / "home")
    yield server
    server.stop()
