"""Signing in with an account, by a provider on this computer: the addresses of teachers teach, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from rnnlab.view.language.i18n import LANGUAGES, t
from tests.browser.provider import provider
from tests.browser.server import Server, free_port

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that accepts two addresses as teachers, with an account provider."""
    folder, port = tmp_path_factory.mktemp("school"), free_port()
    secrets = folder / "secrets.toml"
    with provider() as accounts:
        secrets.write_text(accounts.secrets(f"http://127.0.0.1:{port}"), encoding="utf-8")
        server = Server(
            folder / "home", secrets=secrets, port=port, profile="class", teachers="ada@example.org, Bo@Example.org"
        )
        yield server
        server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a new browser context without cookies."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def sign_in(page: Page, server: Server, address: str, lang: str = "en", verified: bool = True) -> None:
    page.goto(f"{server.url}/runs?lang={lang}")
    page.get_by_role("button", name=t("login.account", lang)).click()
    page.get_by_label("Address").fill(address)
    page.get_by_label("not verified").set_checked(not verified)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.url}/**")
    page.goto(f"{server.url}/runs?lang={lang}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_teacher_signs_in_with_an_account_and_out_again(school: Server, page: Page, lang: str) -> None:
    sign_in(page, school, "bo@example.org", lang)
    expect(page.get_by_text(t("login.teacher", lang, address="bo@example.org"))).to_be_visible()
    stop_all = page.get_by_role("button", name=t("runs.teacher.stop_all", lang, count=0))
    expect(stop_all).to_be_visible()
    page.goto(f"{school.url}/room?lang={lang}")
    expect(page.get_by_role("heading", name=t("room.open", lang))).to_be_visible()
    page.goto(f"{school.url}/runs?lang={lang}")
    page.get_by_role("button", name=t("login.out", lang)).click()
    page.wait_for_url(f"{school.url}/?**")  # Streamlit leads back to its first page
    page.goto(f"{school.url}/runs?lang={lang}")
    expect(page.get_by_role("button", name=t("login.account", lang))).to_be_visible()
    expect(stop_all).to_have_count(0)


@pytest.mark.parametrize(("address", "verified"), [("eve@example.org", True), ("ada@example.org", False)])
def test_other_and_unverified_addresses_do_not_teach(school: Server, page: Page, address: str, verified: bool) -> None:
    sign_in(page, school, address, verified=verified)
    expect(page.get_by_text(t("login.no_teacher", "en", address=address))).to_be_visible()
    expect(page.get_by_role("link", name=t("runs.teacher.sign_in", "en"))).to_be_visible()
    expect(page.get_by_role("button", name=t("runs.teacher.stop_all", "en", count=0))).to_have_count(0)
    page.goto(f"{school.url}/room?lang=en")
    expect(page.get_by_role("heading", name=t("room.enter", "en"))).to_be_visible()
    expect(page.get_by_role("heading", name=t("room.open", "en"))).to_have_count(0)
