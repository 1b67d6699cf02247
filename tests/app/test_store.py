"""Pages whose store is newer, damaged or set aside: each says so, and none shows an error of the program."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.runs import schema
from rnnlab.runs.client import Client
from rnnlab.runs.home import set_aside
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.view.language.i18n import LANGUAGES, catalogue, t
from rnnlab.view.page import session
from rnnlab.view.page.address import PAGES
from tests.app.conftest import TINY, Open, words


@pytest.fixture
def elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The store of a home of its own, with a run and a short link, from which the pages are served."""
    path = tmp_path / schema.DATABASE
    with StoreWriter(path) as writer, writer.atomic():
        writer.create("run0", TINY)
        writer.move("run0", "interrupted")
        writer.add_link({"page": "runs"})
    other = Client(tmp_path)
    monkeypatch.setattr(session, "connection", lambda: other)
    yield path
    other.close()


def change(path: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def beginning(code: str, lang: str) -> str:
    """Return the message of an error up to its first parameter, or the words after it."""
    return max(catalogue(lang)[f"error.{code}"].replace("{name}", "{path}").split("{path}"), key=len)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_the_store_is_newer(elsewhere: Path, open_page: Open, page: str, lang: str) -> None:
    change(elsewhere, f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    app = open_page(page, lang, run="run0")
    assert not app.exception
    if page in ("train", "compare", "diagnose", "inspect", "runs"):
        assert beginning("store_too_new", lang) in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_the_store_is_damaged(elsewhere: Path, open_page: Open, page: str) -> None:
    change(elsewhere, "update runs set config = '{'")
    app = open_page(page, run="run0")
    assert not app.exception
    if page in ("compare", "diagnose", "inspect", "runs"):
        assert beginning("store_damaged", "en") in words(app)


def test_a_short_link_into_a_newer_store(elsewhere: Path, open_page: Open) -> None:
    change(elsewhere, f"pragma user_version = {len(schema.MIGRATIONS) + 1}")
    app = open_page("home", s="abcdefg")
    assert not app.exception
    assert beginning("store_too_new", "en") in words(app)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_all_runs_says_what_was_set_aside(elsewhere: Path, open_page: Open, lang: str) -> None:
    aside = set_aside(elsewhere.parent)
    note = t("runs.set_aside", lang, names=aside.name)
    app = open_page("runs", lang)
    assert not app.exception
    assert note in words(app)
    aside.unlink()
    assert note not in words(open_page("runs", lang))
