"""The Runs page: search, rename, compare, share, export, import."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from safetensors.numpy import load
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from rnnlab.recipes import RECIPES
from rnnlab.runs import portable
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, import_run, to_json
from rnnlab.view.language.i18n import LANGUAGES, catalogue, plain, t
from rnnlab.view.language.settings import state_text
from rnnlab.view.page import session, share
from rnnlab.view.runs.tables import HIGHEST, POINTS, curve
from tests.app.conftest import TINY, Open, param, setting, widget, words
from tests.made import finish
from tests.runs import lab


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


def listed(app: AppTest) -> list[dict[str, Any]]:
    """Return the rows of the table of runs."""
    tables = app.dataframe
    return [] if not tables else tables[0].value.to_dict("records")


def tick(app: AppTest, *runs: str) -> AppTest:
    """Tick these runs in the table, and no others, as clicks do."""
    rows = [number for number, row in enumerate(listed(app)) if row["id"] in runs]
    assert len(rows) == len(runs)
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    return app


def ids(app: AppTest) -> list[str]:
    return [str(row["id"]) for row in listed(app)]


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
    assert "**第一次** <b>" in [row["name"] for row in listed(app)]  # a cell of the table is plain text
    assert {finished, lstm} <= set(ids(app))
    tick(app, lstm)
    assert r"\*\*第一次\*\* \<b\>" in words(app)
    for query, there in (("第一次", True), ("LSTM a6", True), (lstm, True), (f"{lstm} gru", False)):
        app = widget(app, "text_input", "run_list.search").set_value(query).run()
        assert not app.exception
        assert (lstm in ids(app)) == there, query
        assert (t("runs.none_found", "zh") in words(app)) == (not there)
        assert param(app, "find") == query
    assert finished not in ids(app)


def test_the_filters_stand_in_the_url(open_page: Open, finished: str, lstm: str) -> None:
    app = open_page("runs", "en", find="lstm", show="ended")
    assert lstm in ids(app)
    assert finished not in ids(app)
    assert widget(app, "segmented_control", "run_list.filter").value == "ended"
    app = open_page("runs", "en", show="<b>", find="")
    assert not app.exception
    assert finished in ids(app)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_runs_based_on_one_experiment_are_told_apart(open_page: Open, client: Client, lang: str) -> None:
    base = RECIPES["A2"].config.change(num_chars=2000, num_epochs=2, pred_period=2, num_hiddens=8)
    runs = [finish(client, client.create(base.change(learning_rate=rate), based_on="A2")) for rate in (1.0, 50.0)]
    imported = client.import_run(json.dumps(export_run(client.store, runs[0])))
    rows = {row["id"]: row for row in listed(open_page("runs", lang))}
    changes = [rows[run_id]["changes"] for run_id in runs]
    assert changes[0] != changes[1]
    for run_id, rate in zip(runs, ("1", "50"), strict=True):
        row, record = rows[run_id], client.store.run(run_id)
        field = t("field.learning_rate", lang)
        assert t("summary.change", lang, field=field, value=rate, base="100") in row["changes"]
        assert row["perplexity"] == record.perplexity
        perplexities = client.store.perplexities(run_id)
        assert perplexities == {event.epoch: event.perplexity for event in lab.events(client, run_id, "epoch_finished")}
        assert list(row["curve"]) == pytest.approx(
            [math.log(value) for value in perplexities.values() if value], abs=1e-3
        )
        assert row["state"] == state_text("finished", lang)
    assert rows[imported]["state"] == state_text("finished", lang)
    assert rows[imported]["changes"] == f"{t('runs.imported', lang)} · {changes[0]}"


def test_a_curve_in_the_table_is_short_and_has_a_top() -> None:
    falling = {epoch: 1000.0 / epoch for epoch in range(1, 10_001)}
    assert len(curve(falling)) <= POINTS
    assert curve(falling)[-1] == 0
    assert curve({1: None, 2: 1e12, 3: math.e}) == (round(HIGHEST, 3), round(HIGHEST, 3), 1.0)
    assert curve({}) == ()


def test_renaming_from_the_list(open_page: Open, client: Client, finished: str) -> None:
    app = opened(tick(open_page("runs", "en"), finished), f"run_list.rename.{finished}")
    app.text_input(key=f"run_list.title.{finished}.").set_value("mine").run()
    assert client.store.run(finished).title == "mine"
    assert "**mine**" in words(app)
    app = opened(app, f"run_list.rename.{finished}")
    app.text_input(key=f"run_list.title.{finished}.mine").set_value("").run()
    assert client.store.run(finished).title == ""


def test_chosen_runs_lead_to_the_comparison(open_page: Open, finished: str, lstm: str) -> None:
    app = open_page("runs", "en")
    assert "pins=" not in links(app, "")
    tick(app, lstm)
    tick(app, lstm, finished)
    assert f"pins={lstm}%2C{finished}" in links(app, "") or f"pins={lstm},{finished}" in links(app, "")
    # chosen runs stay chosen when another search hides them
    widget(app, "text_input", "run_list.search").set_value(lstm).run()
    assert ids(app) == [lstm]
    assert f"pins={lstm}%2C{finished}" in links(app, "") or f"pins={lstm},{finished}" in links(app, "")
    widget(app, "text_input", "run_list.search").set_value("").run()
    app.button(key="run_list.unpin").click().run()
    assert "pins=" not in links(app, "")
    app.run()
    assert "pins=" not in links(app, "")


def test_a_run_stays_chosen_when_another_one_is_started(open_page: Open, client: Client, finished: str) -> None:
    """Rows are chosen by number, and a new run moves them all."""
    app = tick(open_page("runs", "en"), finished)
    newer = finish(client, client.create(TINY.change(num_epochs=1), name="A2"))
    app.run()
    assert ids(app)[0] == newer
    assert f"run={finished}" in links(app, "train")
    app.button(key="run_list.delete").click().run()
    app.button(key="run_list.confirm").click().run()
    app.run()
    assert finished not in ids(app)
    assert newer in ids(app)
    app.button(key=f"run_list.restore.{finished}").click().run()
    assert finished in ids(app)


def test_the_menus_of_a_run_have_the_table_below_them(open_page: Open, finished: str) -> None:
    """A menu that opens at the end of the page has no room."""
    app = tick(open_page("runs", "en"), finished)
    kinds = [node.type for node in app.main]
    assert kinds.count("dataframe") == 1
    assert kinds.count("popover") >= 3
    assert kinds.index("dataframe") > max(place for place, kind in enumerate(kinds) if kind == "popover")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_shared_with_a_code_for_cameras(open_page: Open, client: Client, lstm: str, lang: str) -> None:
    app = tick(open_page("runs", lang), lstm)
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
    if page == "runs":
        tick(app, lstm)
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
    assert portable.read(io.BytesIO(data["safetensors"])).recording == import_run(data["json"])
    weights, kept = load(data["safetensors"]), load(client.store.checkpoints(lstm)[-1][2].read_bytes())
    assert {name: tensor.tobytes() for name, tensor in weights.items()} == {
        name: tensor.tobytes() for name, tensor in kept.items()
    }
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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_checkpoint_that_is_brought_in_is_a_start(open_page: Open, client: Client, lstm: str, lang: str) -> None:
    whole = portable.exported(client.store, lstm, client.environment.corpus_folders)
    old = client.store.checkpoints(lstm)[-1][2].read_bytes()
    app = open_page("runs", lang)
    before = len(client.store.runs())
    app.get("file_uploader")[0].set_value([("old.safetensors", old, "application/octet-stream")]).run()
    assert t("error.checkpoint_without_run", lang) in "\n".join(element.value for element in app.error)
    assert len(client.store.runs()) == before
    app = open_page("runs", lang)
    app.get("file_uploader")[0].set_value([("new.safetensors", whole, "application/octet-stream")]).run()
    assert not app.exception
    run_id = client.store.runs(limit=1)[0].id
    assert param(app, "run") == run_id
    app = open_page("train", lang, run=run_id)
    app.button(key="controls.tune").click().run()
    assert not app.exception
    assert app.button(key="setup.origin").label == t("setup.origin.chip", lang, name=plain(f"{run_id}@2"))
    client.delete(run_id)


def test_a_program_cannot_be_offered_without_its_text(
    open_page: Open, client: Client, lstm: str, made: dict[str, Callable[[], bytes]]
) -> None:
    data = export_run(client.store, lstm)
    data["config"]["corpus"] = data["corpus"]["name"] = "text-0123456789abcdef"
    run_id = client.import_run(json.dumps(data))
    app = opened(tick(open_page("runs", "en"), run_id), f"export.{run_id}")
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
    assert "takes about" not in words(app)  # nor does it say how long that would take


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_warns_of_a_home_that_others_can_read(client: Client, open_page: Open, lang: str) -> None:
    note = t("runs.not_private", lang)
    assert note not in words(open_page("runs", lang))
    client.home.chmod(0o755)
    try:
        assert note in words(open_page("runs", lang))
    finally:
        client.home.chmod(0o700)
