"""The Runs page: search, rename, compare, share, export, import."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.view.language.i18n import LANGUAGES, catalogue, t
from rnnlab.view.page import session, share
from tests.app.conftest import TINY, Open, param, setting, widget, words
from tests.made import finish


@pytest.fixture(scope="module")
def finished(client: Client) -> str:
    """A run of this module, on the first page of the list whatever was trained before."""
    run_id = client.create(TINY, based_on="A2")
    finish(client, run_id)
    return run_id


@pytest.fixture(scope="module")
def lstm(client: Client, finished: str) -> str:
    """A run of another cell, with a title that looks like markup."""
    run_id = client.create(TINY.change(cell="lstm", num_epochs=2), name="A6")
    finish(client, run_id)
    client.rename(run_id, "**第一次** <b>")
    return run_id


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """The files that a page offers, by name; each is made when called."""
    offered: dict[str, Callable[[], bytes]] = {}
    add = MediaFileManager.add_deferred

    def note(self: MediaFileManager, data: Any, mimetype: str, coordinates: str, file_name: str | None = None,
             **rest: Any) -> str:  # fmt: skip
        offered[str(file_name)] = data
        return add(self, data, mimetype, coordinates, file_name, **rest)

    monkeypatch.setattr(MediaFileManager, "add_deferred", note)
    return offered


def opened(app: AppTest, key: str) -> AppTest:
    """Open a popover, as a click does."""
    app.session_state[key] = True
    return app.run()


def links(app: AppTest, page: str) -> str:
    return "\n".join(link.proto.query_string for link in app.get("page_link") if page in link.proto.page)


def test_a_title_is_text_and_the_list_can_be_searched(
    open_page: Open, client: Client, finished: str, lstm: str
) -> None:
    app = open_page("runs", "zh")
    assert not app.exception
    assert r"\*\*第一次\*\* \<b\>" in words(app)
    assert finished in words(app)
    for query, there in (("第一次", True), ("LSTM a6", True), (lstm, True), ("a6 gru", False)):
        app = widget(app, "text_input", "run_list.search").set_value(query).run()
        assert not app.exception
        assert (lstm in words(app)) == there, query
        assert (t("runs.none_found", "zh") in words(app)) == (not there)
        assert param(app, "find") == query
    assert finished not in words(app)


def test_the_filters_stand_in_the_url(open_page: Open, finished: str, lstm: str) -> None:
    app = open_page("runs", "en", find="lstm", show="ended")
    assert lstm in words(app)
    assert finished not in words(app)
    assert widget(app, "segmented_control", "run_list.filter").value == "ended"
    app = open_page("runs", "en", show="<b>", find="")
    assert not app.exception
    assert finished in words(app)


def test_renaming_from_the_list(open_page: Open, client: Client, finished: str) -> None:
    app = opened(open_page("runs", "en"), f"run_list.rename.{finished}")
    app.text_input(key=f"run_list.title.{finished}.").set_value("mine").run()
    assert client.store.run(finished).title == "mine"
    assert "**mine**" in words(app)
    app = opened(app, f"run_list.rename.{finished}")
    app.text_input(key=f"run_list.title.{finished}.mine").set_value("").run()
    assert client.store.run(finished).title == ""


def test_chosen_runs_lead_to_the_comparison(open_page: Open, finished: str, lstm: str) -> None:
    app = open_page("runs", "en")
    assert "pins=" not in links(app, "")
    app.checkbox(key=f"run_list.pin.{lstm}").check().run()
    app.checkbox(key=f"run_list.pin.{finished}").check().run()
    assert not app.exception
    assert f"pins={lstm}%2C{finished}" in links(app, "") or f"pins={lstm},{finished}" in links(app, "")
    # chosen runs stay chosen when another search hides them
    widget(app, "text_input", "run_list.search").set_value("nothing like it").run()
    widget(app, "text_input", "run_list.search").set_value("").run()
    assert app.checkbox(key=f"run_list.pin.{lstm}").value
    app.button(key="run_list.unpin").click().run()
    assert "pins=" not in links(app, "")
    assert not app.checkbox(key=f"run_list.pin.{lstm}").value


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_shared_with_a_code_for_cameras(open_page: Open, client: Client, lstm: str, lang: str) -> None:
    app = open_page("runs", lang)
    assert not app.get("image")
    app = opened(app, f"run_list.share.{lstm}")
    assert not app.exception
    watch, setup = (element.value for element in app.code)
    assert f"train?run={lstm}&lang={lang}" in watch
    assert len(setup) < share.LONG
    code = setup.partition("?s=")[2]
    page = client.store.link(code)
    assert page is not None
    assert page["page"] == "train"
    assert page["recipe"] == "A6"
    assert page["num_epochs"] == "2"
    assert len(app.get("image")) == 1


def test_a_code_for_cameras_is_black_on_white() -> None:
    picture = share.qr_code("https://lab.example/train?run=abcdefgh&lang=zh")
    assert picture.startswith("<svg")
    assert 'fill="#fff"' in picture
    assert 'stroke="#000"' in picture
    assert picture != share.qr_code("https://lab.example/train?run=abcdefgi&lang=zh")


@pytest.mark.parametrize("page", ["runs", "train"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_taken_away(
    open_page: Open, client: Client, lstm: str, made: dict[str, Callable[[], bytes]], page: str, lang: str
) -> None:
    app = open_page(page, lang, run=lstm)
    assert not made, "nothing is looked up for a popover that is closed"
    opened(app, f"export.{lstm}")
    assert not app.exception
    files = {name.rpartition(".")[2]: make for name, make in made.items() if lstm in name}
    assert set(files) == {"json", "csv", "txt", "py", "safetensors", "png", "svg"}
    data = {suffix: make() for suffix, make in files.items()}
    assert json.loads(data["json"]) == export_run(client.store, lstm)
    assert data["csv"].count(b"\n") == 3
    assert data["txt"].decode().count("epoch ") == 1
    assert b"from rnnlab.config import TrainConfig" in data["py"]
    assert data["safetensors"] == client.store.checkpoints(lstm)[-1][2].read_bytes()
    assert data["png"].startswith(b"\x89PNG")
    assert catalogue(lang)["chart.perplexity_log"] in data["svg"].decode("utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_chart_is_taken_away(open_page: Open, lstm: str, made: dict[str, Callable[[], bytes]], lang: str) -> None:
    app = open_page("train", lang, run=lstm)
    opened(app, "chart.export.curve")
    assert not app.exception
    assert sorted(made) == [f"rnnlab-curve.{suffix}" for suffix in ("csv", "json", "png", "svg")]
    data = json.loads(made["rnnlab-curve.json"]())
    assert [row["epoch"] for row in data["tables"]["curve"]] == [1.0, 2.0]
    assert data["shows"]
    assert catalogue(lang)["chart.epoch"] in made["rnnlab-curve.svg"]().decode("utf-8")


def test_runs_are_brought_in(open_page: Open, client: Client, lstm: str) -> None:
    lang = "en"
    whole = to_json(export_run(client.store, lstm)).encode("utf-8")
    app = open_page("runs", "en")
    before = len(client.store.runs())
    uploader = app.get("file_uploader")[0]
    uploader.set_value([
        ("good.json", whole, "application/json"),
        ("<b>cut.json", whole[:200], "application/json"),
        ("other.json", b"{}", "application/json"),
    ]).run()  # fmt: skip
    assert not app.exception
    assert len(client.store.runs()) == before + 1
    page_text = "\n".join(element.value for element in app.error)
    assert r"**\<b\>cut.json**" in page_text
    assert t("error.import_format", lang) in page_text
    assert client.store.runs(limit=1)[0].title == "**第一次** <b>"


def test_a_single_run_that_is_brought_in_is_opened(open_page: Open, client: Client, lstm: str) -> None:
    whole = to_json(export_run(client.store, lstm)).encode("utf-8")
    app = open_page("runs", "en")
    app.get("file_uploader")[0].set_value([("good.json", whole, "application/json")]).run()
    assert not app.exception
    assert app.title[0].value == t("train.title", "en")
    assert param(app, "run") == client.store.runs(limit=1)[0].id


def test_a_program_cannot_be_offered_without_its_text(
    open_page: Open, client: Client, lstm: str, made: dict[str, Callable[[], bytes]]
) -> None:
    data = export_run(client.store, lstm)
    data["config"]["corpus"] = data["corpus"]["name"] = "text-0123456789abcdef"
    run_id = client.import_run(json.dumps(data))
    app = opened(open_page("runs", "en"), f"export.{run_id}")
    assert not app.exception
    disabled = [widget.proto.label for widget in app.get("download_button") if widget.proto.disabled]
    assert disabled == [t("export.script", "en"), t("export.checkpoint", "en")]
    assert t("export.no_text", "en") in words(app)
    client.delete(run_id)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_short_link_leads_to_its_page(lang: str, client: Client, finished: str, open_page: Open) -> None:
    code = client.shorten({"page": "train", "recipe": "A6", "num_hiddens": "32", "lang": lang})
    app = open_page("home", None, s=code)
    assert not app.exception
    assert app.title[0].value == t("train.title", lang)
    assert setting(app, "num_hiddens").value == 32


def test_a_short_link_that_leads_nowhere_is_said(open_page: Open) -> None:
    app = open_page("home", "zh", s="nosuch<b>")
    assert not app.exception
    assert app.title[0].value == t("home.title", "zh")
    assert "nosuch" in app.error[0].value
    assert "s" not in app.query_params


@pytest.mark.parametrize("page", ["compare", "inspect", "lessons", "runs", "diagnose", "train", "home"])
def test_an_embedded_page_starts_changes_and_deletes_nothing(
    page: str, finished: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "embedded", lambda: True)
    app = open_page(page, "en", lesson="X5") if page == "lessons" else open_page(page, "en")
    assert not app.exception
    assert not app.title
    starting = ("start", "delete", "continue", "again", "import", "run.", "star.", "rename")
    acting = [button.key for button in app.button if any(word in str(button.key) for word in starting)]
    assert not [key for key in acting if "replay" not in key and "player" not in key], acting
    assert not app.get("file_uploader")
