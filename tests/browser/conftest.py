"""One browser and one server for all browser tests; each test opens its pages as a new visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnnlab.runs.client import Client
from tests.browser.server import Server
from tests.made import LYRICS, finish

if TYPE_CHECKING:  # without it these tests are not collected, but this file is read
    from playwright.sync_api import Browser, CDPSession, Page, Playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # pages live for seconds, in which compiling optimised code costs more time than it saves
    "--js-flags=--no-opt --no-maglev --min-semi-space-size=64",
]
SMALL = LYRICS.change(cell="gru", num_epochs=4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # other tests may keep the processors busy
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most tests share."""
    server = Server(tmp_path_factory.mktemp("server") / "home")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def run_id(server: Server) -> str:
    """A small finished run of that server."""
    with Client(server.home) as client:
        return finish(client, client.create(SMALL))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server without previous visitors."""
    server = Server(tmp_path / "home")
    yield server
    server.stop()


class Tabs:
    """Tabs that the tests use in turn, as each tab has to load and compile a hundred scripts of the front end once.

    Each page of Streamlit is a session of its own, and nothing of it remains when the tab navigates away.
    """

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
        self._context.set_default_timeout(20_000)
        self._idle: list[Page] = []
        self._protocols: dict[Page, CDPSession] = {}

    def open(self, url: str, *, width: int = 1440, dark: bool = False, locale: str = "en-US") -> Page:
        """Open an address as a visitor whose browser has this width, theme and language."""
        page = self._idle.pop() if self._idle else self._new()
        page.bring_to_front()  # a tab behind others is drawn once a second, and each click waits for that
        page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
        page.emulate_media(color_scheme="dark" if dark else "light")
        # what Playwright does for the locale of a context; a context per locale would load all scripts again
        browser = {"userAgent": page.evaluate("navigator.userAgent"), "acceptLanguage": locale}
        self._protocols[page].send("Emulation.setUserAgentOverride", browser)
        page.goto(url)
        return page

    def leave(self, page: Page) -> None:
        """Leave the visited page, and forget what it kept in the browser; a closed tab stays closed."""
        if not page.is_closed():
            page.unroute_all(behavior="ignoreErrors")  # an address that this test blocked is open to the next one
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear()")  # such as a folded sidebar
            page.goto("about:blank")
            self._idle.append(page)

    def _new(self) -> Page:
        page = self._context.new_page()
        self._protocols[page] = self._context.new_cdp_session(page)
        return page


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def visit(tabs: Tabs) -> Iterator[Callable[..., Page]]:
    """Open an address as a visitor: `visit(url, width=390, dark=True, locale="zh-CN")`."""
    pages: list[Page] = []

    def open_page(url: str, **visitor: Any) -> Page:
        pages.append(tabs.open(url, **visitor))
        return pages[-1]

    yield open_page
    for page in pages:
        tabs.leave(page)
