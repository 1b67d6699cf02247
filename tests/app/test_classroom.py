"""The addresses in docs/classroom.md open what they say."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.lessons import contents
from rnnlab.view.page.address import PAGES
from tests.app.conftest import ENTRY, param, words

CLASSROOM = (Path(__file__).parents[2] / "docs" / "classroom.md").read_text(encoding="utf-8")
# ID stands for a run
ADDRESSES = [address for address in dict.fromkeys(re.findall(r"`(/[a-z]*\?[^`]+)`", CLASSROOM)) if "=ID" not in address]
PLAN = CLASSROOM.split("## A lesson of 45 minutes")[1].split("\n## ")[0]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_opens_with_its_parameters(home: Path, address: str, lang: str) -> None:
    parts = urlsplit(address)
    parameters = dict(parse_qsl(parts.query, strict_parsing=True))
    page = parts.path.strip("/") or "home"
    assert page in PAGES
    app = AppTest.from_file(ENTRY, default_timeout=30)
    app.context = {"is_embedded": parameters.pop("embed", "") == "true"}  # type: ignore[assignment]
    app.query_params["lang"] = lang
    if page != "home":
        app.run()
        app.switch_page(f"pages/{page}.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    assert not app.warning
    for name, value in parameters.items():
        assert param(app, name) == value
    if "lesson" in parameters:
        lesson = contents.find(parameters["lesson"])
        assert t(f"{lesson.key}.title", lang) in app.header[0].value
    shown = parameters.get("recipe") or parameters.get("recording")
    if shown:
        assert re.search(rf"\b{shown}\b", words(app) + "".join(map(str, app.selectbox)))


def test_the_plan_takes_as_long_as_it_says() -> None:
    spans = [(int(first), int(last)) for first, last in re.findall(r"(?m)^\| (\d+)-(\d+) \|", PLAN)]
    assert spans[0][0] == 0
    assert spans[-1][1] == 45
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))


def test_addresses_were_found() -> None:
    assert len(ADDRESSES) >= 18
    assert "/?recording=A6&epoch=160" in ADDRESSES
