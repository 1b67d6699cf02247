"""All pages in both languages, as the server runs them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from rnnlab.errors import RunError
from rnnlab.events import RunDiverged, SettingChanged
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import address, frame
from rnnlab.view.watch import scenes
from tests.app.conftest import ENTRY, TINY, Open, param, section, setting, unfold, widget, words
from tests.made import finish, until
from tests.runs.lab import step

PAGES = ("home", "train", "runs")


def chart(app: AppTest, index: int = 0) -> tuple[str, dict[str, list[dict[str, object]]]]:
    """Return the specification of a chart and its tables, decoded from the bytes sent to the browser."""
    proto = app.get("vega_lite_chart")[index].proto
    tables = {dataset.name: pa.ipc.open_stream(dataset.data.data).read_all().to_pylist() for dataset in proto.datasets}
    return proto.spec, tables


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_both_languages(open_page: Open, page: str, lang: str) -> None:
    app = open_page(page, lang)
    assert not app.exception
    assert app.title[0].value == t(f"{page}.title", lang)
    assert param(app, "lang") == lang
    other = "zh" if lang == "en" else "en"
    assert t("runs.lead", other) not in words(app)


@pytest.mark.parametrize("page", address.PAGES)
def test_a_page_keeps_in_its_url_what_its_table_names(open_page: Open, finished: str, page: str) -> None:
    app = open_page(page, "zh", run=finished)
    assert not app.exception
    table = import_module(f"rnnlab.view.{page}.address").ADDRESS
    written = set(app.query_params) - ({"run"} if "run" not in table.parameters else set())  # of the link
    assert written <= {*table.parameters, *frame.ADDRESS.parameters}
    assert param(app, "lang") == "zh"


def test_a_page_that_is_left_can_no_longer_be_redrawn(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for a part of it that was on its way would clear the next page."""
    parts: list[int] = []
    drawn = frame.head

    def head(*shown: Any, **how: Any) -> None:
        context = get_script_run_ctx()
        assert context is not None
        parts.append(len(context.fragment_storage.ids_registered_after(0)))
        drawn(*shown, **how)

    monkeypatch.setattr(frame, "head", head)
    app = open_page("train", "en")
    app.run()
    assert parts[-1] > 0
    app.switch_page("pages/lessons.py").run()
    assert parts[-1] == 0


@pytest.mark.parametrize(("locale", "lang"), [("zh-CN", "zh"), ("zh-Hant-TW", "zh"), ("en-GB", "en"), ("de-DE", "en")])
def test_the_first_language_is_the_browsers(open_page: Open, locale: str, lang: str) -> None:
    app = open_page("runs", None, locale)
    assert app.title[0].value == t("runs.title", lang)


def test_the_url_wins_over_the_browser_and_nonsense_does_not(open_page: Open) -> None:
    assert open_page("runs", "zh", "en-US").title[0].value == t("runs.title", "zh")
    assert open_page("runs", "klingon", "en-US").title[0].value == t("runs.title", "en")


@pytest.mark.parametrize(
    ("typed", "lang"), [("zh-CN", "zh"), ("ZH", "zh"), ("zh_TW", "zh"), ("EN", "en"), ("en-GB", "en")]
)
def test_a_language_typed_by_hand_is_understood(open_page: Open, typed: str, lang: str) -> None:
    other = "en-US" if lang == "zh" else "zh-CN"
    app = open_page("runs", typed, locale=other)
    assert not app.exception
    assert app.title[0].value == t("runs.title", lang)
    assert param(app, "lang") == lang


def test_the_switch_changes_the_language_and_the_url(open_page: Open) -> None:
    app = open_page("train", "en")
    app.segmented_control(key="frame.switch").set_value("zh").run()
    assert not app.exception
    assert app.title[0].value == t("train.title", "zh")
    assert param(app, "lang") == "zh"
    app.switch_page("pages/runs.py").run()
    assert app.title[0].value == t("runs.title", "zh")


def test_home_leads_to_every_experiment(open_page: Open) -> None:
    app = open_page("home", "en")
    unfold(app)
    links = "\n".join(str(link.proto) for link in app.get("page_link"))
    for name in RECIPES:
        assert f"recipe={name}&" in links or f'recipe={name}"' in links, name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_shows_its_curve_texts_and_gradients(open_page: Open, finished: str, lang: str) -> None:
    app = open_page("train", lang, run=finished)
    assert not app.exception
    _, tables = chart(app)
    assert [row["epoch"] for row in tables["curve"]] == [1, 2, 3, 4, 5, 6]
    assert all(float(str(row["value"])) >= 1 for row in tables["curve"])
    assert str(tables["names"][0]["label"]).startswith(t("ngram.0", lang))
    assert tables["now"][0]["epoch"] == 6  # the newest text
    assert tables["published"] == []  # the first published point is after the last epoch of this run
    assert tables["head"] == tables["curve"][-1:]
    ends = {"start": tables["targets"][0]["shown"], "end": tables["targets"][-1]["shown"]}
    for page_text in (words(app), app.get("vega_lite_chart")[0].proto.alt):
        assert t("curve.fell", lang, first=1, epoch=6, **ends) in page_text
    page_text = words(app)
    assert t("lyrics.after", lang, epoch=6) in page_text
    assert "分开" in page_text
    assert t("state.finished", lang) in app.get("progress")[0].proto.text
    section(app, "gradients")
    assert {row["layer"] for row in chart(app, 1)[1]["layers"]} >= {t("chart.output_layer", lang)}


@pytest.mark.parametrize("recipe", ["A7", "A7-repaired"])
def test_a_run_without_clipping_has_no_empty_chart_of_clipping(open_page: Open, recipe: str) -> None:
    clips = RECIPES[recipe].config.clip_norm is not None
    app = open_page("train", "en", recipe=recipe, epoch="40")
    section(app, "gradients")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == (3 if clips else 2)
    assert (t("gradient.off", "en") in words(app)) is not clips


def test_the_slider_moves_text_and_marker_together(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished)
    widget(app, "select_slider", "lyrics.slider").set_value(2).run()
    assert not app.exception
    assert chart(app)[1]["now"][0]["epoch"] == 2
    assert t("lyrics.after", "en", epoch=2) in words(app)


def test_the_specification_stays_the_same_from_tick_to_tick(open_page: Open, client: Client, paused: str) -> None:
    app = open_page("train", "en", run=paused)
    spec, before = chart(app)
    assert "Pause" not in [button.label for button in app.button]
    client.set(paused, "learning_rate", 7.0)
    step(client, paused)
    app.run()
    again, after = chart(app)
    assert again == spec
    assert len(after["curve"]) > len(before["curve"])
    assert any(isinstance(event, SettingChanged) for _, event in client.store.events_since(paused))
    assert [row["label"] for row in after["changes"]] == [t("chart.change_lr", "en", value="7")]


def test_of_a_run_that_goes_on_only_the_newest_state_is_kept(open_page: Open, client: Client, paused: str) -> None:
    app = open_page("train", "en", run=paused)
    section(app, "gradients")
    step(client, paused)
    until(client, paused, lambda record: paused_and_saved(client, record))
    app.run()
    kept = [key for key in scenes.feed(paused).shelf if key[0] in ("curve", "now", "gradient")]
    assert {key[0] for key in kept} == {"curve", "now", "gradient"}
    assert len({key[1] for key in kept}) == 1


def paused_and_saved(client: Client, record: RunRecord) -> bool:
    """Return whether a run has paused at the end of an epoch and saved the checkpoint there."""
    return record.state == "paused" and client.store.checkpoints(record.id)[-1][:2] == (record.epoch, 0)


def test_a_click_on_start_begins_a_run_and_names_it_in_the_url(open_page: Open, client: Client) -> None:
    changes = TINY.changes_from(RECIPES["A2"].config)
    app = open_page("train", "en", recipe="A2", **changes)
    assert not app.exception
    app.button(key="controls.start").click().run()
    assert not app.exception
    run_id = param(app, "run")
    finish(client, run_id)
    record = client.store.run(run_id)
    assert (record.state, record.based_on, record.name) == ("finished", "A2", "")
    assert record.config == TINY
    assert "recipe" not in app.query_params  # the run determines the setup


def test_start_takes_a_setting_that_was_changed_a_moment_before(open_page: Open, client: Client) -> None:
    """A changed setting and the click that follows it can arrive together, before the page has drawn the setting."""
    app = open_page("train", "en", recipe="A2", **TINY.changes_from(RECIPES["A2"].config))
    setting(app, "num_hiddens").set_value(TINY.num_hiddens + 1)
    widget(app, "segmented_control", "quick.cell").set_value("gru")
    app.button(key="controls.start").click().run()
    assert not app.exception
    run_id = param(app, "run")
    finish(client, run_id)
    assert client.store.run(run_id).config == TINY.change(cell="gru", num_hiddens=TINY.num_hiddens + 1)


def test_pause_resume_step_and_stop_by_their_buttons(open_page: Open, client: Client, paused: str) -> None:
    app = open_page("train", "zh", run=paused)
    app.button(key="controls.resume").click().run()
    until(client, paused, lambda record: record.state == "running")
    app.run()
    app.button(key="controls.pause").click().run()
    until(client, paused, lambda record: record.state == "paused")
    app.run()
    app.button(key="controls.stop").click().run()
    until(client, paused, lambda record: not record.live)
    app.run()
    assert not app.exception
    assert t("state.stopped", "zh") in app.get("progress")[0].proto.text


def test_an_untrained_network_writes_with_no_epoch(open_page: Open, client: Client) -> None:
    run_id = client.create(TINY.change(num_epochs=0), name="A11")
    finish(client, run_id)
    app = open_page("train", "en", run=run_id)
    assert not app.exception
    assert t("lyrics.untrained", "en") in words(app)
    assert chart(app)[1]["curve"] == []


def test_a_run_that_diverges_says_where_and_keeps_what_was_before(open_page: Open, client: Client) -> None:
    lang = "zh"
    wild = TINY.change(activation="relu", initialization="uniform", num_hiddens=32, learning_rate=1e4, clip_norm=None)
    run_id = client.create(wild, based_on="X5")
    *before, last = client.follow(run_id)
    assert isinstance(last, RunDiverged)
    app = open_page("train", "zh", run=run_id)
    assert not app.exception
    sentence = t("state.diverged.note", lang, epoch=last.epoch, norm=number(last.grad_norm, 3))
    assert sentence + t("state.calmer", lang) in words(app)
    assert len(chart(app)[1]["curve"]) == sum(event.kind == "epoch_finished" for event in before)


def test_an_unknown_run_is_said_and_leaves_the_url(open_page: Open) -> None:
    for lang in LANGUAGES:
        app = open_page("train", lang, run="nowhere1")
        assert not app.exception
        assert "nowhere1" in app.error[0].value
        assert "run" not in app.query_params


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_that_is_gone_is_said_once_with_what_can_still_be_done(
    open_page: Open, client: Client, finished: str, lang: str
) -> None:
    data = export_run(client.store, finished)
    gone = "text-0123456789abcdef"
    data["config"]["corpus"] = data["corpus"]["name"] = gone
    said = t("error.corpus_text_gone", lang, name=gone)
    for parameters in ({"run": client.import_run(to_json(data))}, {"recipe": "A2", "corpus": gone}):
        app = open_page("train", lang, **parameters)
        section(app, "text")
        assert not app.exception
        assert [error.value for error in app.error] == ([] if "run" in parameters else [said])
        what = "corpus.gone.run" if "run" in parameters else "corpus.gone.setup"
        assert words(app).count(t(what, lang)) == 1


def test_a_recorded_run_plays_and_says_so(
    open_page: Open, client: Client, finished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = {**export_run(client.store, finished), "name": "A2"}
    (tmp_path / "A2.json.gz").write_bytes(gzip.compress(to_json(exported).encode("utf-8")))
    monkeypatch.setattr(recorded, "folder", lambda: tmp_path)
    recorded.forget()
    try:
        for page in ("home", "train"):
            app = open_page(page, "zh")
            assert not app.exception
            assert t("recorded.badge", "zh", title=recipe_label(RECIPES["A2"], "zh")) in words(app)
            assert len(chart(app)[1]["curve"]) <= 6
    finally:
        recorded.forget()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_runs_lists_filters_and_deletes_and_brings_back(open_page: Open, client: Client, lang: str) -> None:
    run_id = client.create(TINY.change(num_epochs=1), name="A2")
    finish(client, run_id)
    before = client.store.events_since(run_id)
    app = open_page("runs", lang)
    assert not app.exception

    def listed() -> list[str]:
        return list(app.dataframe[0].value["id"]) if app.dataframe else []

    def tick() -> None:
        rows = [listed().index(run_id)]
        app.session_state[app.dataframe[0].key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
        app.run()

    tick()
    app.button(key="run_list.star").click().run()
    widget(app, "segmented_control", "run_list.filter").set_value("starred").run()
    assert listed() == [run_id]
    assert list(app.dataframe[0].value["star"]) == ["★"]
    app.button(key="run_list.delete").click().run()
    assert client.store.run(run_id)  # not without a confirmation
    app.button(key="run_list.confirm").click().run()
    app.run()
    assert not app.exception
    assert listed() == []
    assert client.store.deleted()[0].id == run_id
    assert run_id in words(app)  # beside the button that brings it back
    app.button(key=f"run_list.restore.{run_id}").click().run()
    assert not app.exception
    assert listed() == [run_id]
    assert client.store.events_since(run_id) == before
    client.delete(run_id)


WITHOUT_TORCH = """
import json, sys
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

entry, run, pages = json.loads(sys.argv[1])
made = {}
add = MediaFileManager.add_deferred

def note(self, data, mimetype, coordinates, file_name=None, **rest):
    made[file_name] = data
    return add(self, data, mimetype, coordinates, file_name, **rest)

MediaFileManager.add_deferred = note
app = AppTest.from_file(entry, default_timeout=30).run()

def look(page, **parameters):
    app.query_params.clear()
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, (page, app.exception)

for page in pages:
    look(page)
look("compare", pins=run)
for page in ("diagnose", "inspect", "train"):
    look(page, run=run)
# a file of every kind: of the chart, and of the run with its program and its checkpoint
for popover in ("chart.export.curve", f"export.{run}"):
    app.session_state[popover] = True
app.run()
assert not app.exception
for name, make in made.items():
    if not name.endswith((".png", ".svg")):  # drawn in a process of its own
        assert make(), name
# a click that trains
app.button(key="controls.again").click().run()
assert not app.exception
assert app.query_params["run"] not in (run, [run])
loaded = sorted(name for name in sys.modules if name.split(".")[0] == "torch")
print(json.dumps([sorted(name.rpartition(".")[2] for name in made), loaded]))
"""


def test_the_web_process_never_imports_torch(client: Client, home: Path, finished: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps([ENTRY, finished, list(address.PAGES)])],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "RNNLAB_HOME": str(home)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files, loaded = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(files) == {"csv", "json", "png", "py", "safetensors", "svg", "txt"}
    assert loaded == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_address_that_no_short_link_can_stand_for_is_said_to_be_incomplete(
    lang: str, open_page: Open, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise RunError("too_often", "Too often.", count=240, minutes=10)

    passage = "我" * 900
    page = {"page": "train", "lang": lang, "recipe": "A2", "prefixes": passage}
    app = open_page("home", None, s=client.shorten(page))
    assert client.store.link(param(app, "s")) == page
    assert not app.warning
    with monkeypatch.context() as patch:
        patch.setattr(Client, "shorten", refuse)
        setting(app, "num_hiddens").set_value(32).run().run()  # the page alone is run here, which says it the next time
        assert not app.exception
        assert not {"prefixes", "s"} & set(app.query_params)
        assert param(app, "num_hiddens") == "32"
        (said,) = [warning.value for warning in app.warning if "prefixes" in warning.value]
        assert said.startswith(t("frame.left_out", lang).partition("{")[0])
        assert "240" in said
    assert setting(app, "prefixes").value == passage
    setting(app, "num_hiddens").set_value(64).run().run()
    assert not app.warning
    linked = client.store.link(param(app, "s"))
    assert linked is not None
    assert (linked["prefixes"], linked["num_hiddens"]) == (passage, "64")


def test_a_link_that_is_too_long_for_the_address_stays_short(open_page: Open, client: Client) -> None:
    page = {"page": "train", "lang": "zh", "recipe": "A2", "prefixes": "我" * 900, "projector": "1"}
    code = client.shorten(page)
    app = open_page("train", None, s=code)
    assert not app.exception
    assert app.title[0].value == t("train.title", "zh")
    assert setting(app, "prefixes").value == page["prefixes"]
    assert app.toggle(key="frame.large_switch").value
    assert (set(app.query_params), param(app, "s")) == ({"s"}, code)


def test_what_is_too_long_even_for_a_short_link_is_left_out_of_the_address(open_page: Open) -> None:
    app = open_page("inspect", "en", text="x" * 6000)
    assert "text" in app.warning[0].value
    assert not app.exception
    assert not {"text", "s"} & set(app.query_params)
    assert param(app, "lang") == "en"
