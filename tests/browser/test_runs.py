"""The Runs page in a browser: what a phone shows of the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rnnlab.view.language.i18n import LANGUAGES, t
from tests.browser.server import Server

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("lang", LANGUAGES)
def test_name_perplexity_and_state_are_on_a_phone_without_scrolling(
    server: Server, visit: Callable[..., Page], run_id: str, lang: str
) -> None:
    page = visit(f"{server.url}/runs?lang={lang}", width=390)
    # the table is a picture; inside of it, for screen readers, are the columns that are on the screen
    headers = page.get_by_test_id("stDataFrame").locator("[role=columnheader]")
    expect(headers).to_have_text([t(f"runs.column.{name}", lang) for name in ("name", "perplexity", "state")])


def test_on_a_small_laptop_the_time_of_the_start_is_not_cut_off(
    server: Server, visit: Callable[..., Page], run_id: str
) -> None:
    page = visit(f"{server.url}/runs?lang=en", width=1024)
    headers = page.get_by_test_id("stDataFrame").locator("[role=columnheader]")
    # what is cut off is the long list of changes, not the time
    names = ("name", "perplexity", "state", "star", "curve", "epoch", "created", "changes")
    expect(headers).to_have_text(["★" if name == "star" else t(f"runs.column.{name}", "en") for name in names])
