"""Addresses of pages as people type them, asked of a real server."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
import requests

from tests.browser.server import Server
from tests.made import PATIENCE


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("Train", "train"),
        ("COMPARE?lang=zh&a=1", "compare?lang=zh&a=1"),
        ("Runs/", "runs"),
        ("lessons/?lesson=lstm", "lessons?lesson=lstm"),
        ("Home", ""),
        ("home?lang=en", "?lang=en"),
    ],
)
def test_an_address_in_capitals_leads_to_the_page(server: Server, typed: str, page: str) -> None:
    answer = requests.get(f"{server.url}/{typed}", allow_redirects=False, timeout=PATIENCE)
    assert answer.status_code == 307
    assert urljoin(f"{server.url}/{typed}", answer.headers["Location"]) == f"{server.url}/{page}"
    assert requests.get(f"{server.url}/{typed}", timeout=PATIENCE).status_code == 200


@pytest.mark.parametrize("path", ["train", "runs", "", "trainer", "static/Train", "_stcore/health"])
def test_every_other_address_stays(server: Server, path: str) -> None:
    assert not requests.get(f"{server.url}/{path}", allow_redirects=False, timeout=PATIENCE).is_redirect
