"""Data of earlier versions still opens: a stored home, exported files, and the links of all pages.

Each folder beside this file has the output of `make` with the code of one version.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf import text_format
from streamlit.testing.v1 import AppTest

from rnnlab.config import TrainConfig
from rnnlab.runs import export, logbook, script
from rnnlab.runs.client import Client
from rnnlab.runs.store import Store
from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.page import session
from tests.compatibility.make import describe
from tests.conftest import ROOT
from tests.runs.lab import opened

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))
EXPORTED = ("finished", "stopped", "diverged", "uploaded")
SAME = 1e-4
"""Relative tolerance of recomputed figures, as another processor may round differently."""


class Fixtures(NamedTuple):
    """The data of a version, unpacked."""

    home: Path
    exports: Path
    expected: dict[str, Any]


def unpack(version: str, folder: Path) -> Fixtures:
    with tarfile.open(FOLDER / version / "fixtures.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    expected = json.loads((FOLDER / version / "expected.json").read_text(encoding="utf-8"))
    return Fixtures(folder / "home", folder / "exports", expected)


@pytest.fixture(scope="module", params=VERSIONS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fixtures:
    """The data of a version; tests must not change it."""
    return unpack(request.param, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module", params=VERSIONS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Client]]:
    """A supervisor in the home of a version, and the expected values."""
    fixtures = unpack(request.param, tmp_path_factory.mktemp("served"))
    with opened(fixtures.home) as client:
        yield fixtures, client


def without_new_settings(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a run with only those settings that its version had."""
    config = {name: value for name, value in found["config"].items() if name in expected["config"]}
    return json.loads(json.dumps({**found, "config": config}))  # type: ignore[no-any-return]


def test_there_is_something_to_open() -> None:
    assert VERSIONS


# the stored home


@pytest.fixture
def store(written: Fixtures) -> Iterator[Store]:
    """The store of a version, opened for reading."""
    with Store(written.home / "runs.sqlite3") as store:
        yield store


def test_the_store_opens_and_every_run_reads(written: Fixtures, store: Store) -> None:
    runs = written.expected["runs"]
    assert {record.id for record in store.runs()} == {run["id"] for run in runs.values()}
    for expected in runs.values():
        assert without_new_settings(describe(store, expected["id"]), expected) == expected
        assert all(file.is_file() for *_, file in store.checkpoints(expected["id"]))
    text = written.expected["text"]
    assert (store.text(text["id"]), store.text_title(text["id"])) == (text["text"], text["title"])
    for code, parameters in written.expected["links"].items():
        assert store.link(code) == parameters
    assert [list(pair) for pair in store.answers(runs["finished"]["id"])] == written.expected["answers"]


@pytest.mark.parametrize("name", ["stopped", "on_any_device"])
def test_a_stopped_run_goes_on_to_the_same_end(served: tuple[Fixtures, Client], name: str) -> None:
    fixtures, client = served
    expected = fixtures.expected["continued"][name]
    run_id = expected["id"]
    assert client.store.run(run_id).continuable
    client.continue_run(run_id)
    for _ in client.follow(run_id):
        pass
    description = json.loads(json.dumps(describe(client.store, run_id)))
    assert (description["state"], description["epoch"]) == ("finished", expected["num_epochs"])
    assert description["losses"] == pytest.approx(expected["losses"], rel=SAME)
    # versions after 0.1.0 also write early texts
    early = [text for text in description["texts"] if text not in expected["texts"]]
    assert {epoch for epoch, *_ in early} <= {1, 5}
    assert [text for text in description["texts"] if text not in early] == expected["texts"]
    assert description["checkpoints"] == expected["checkpoints"]


def test_a_question_that_was_asked_before_has_the_stored_answer(served: tuple[Fixtures, Client]) -> None:
    fixtures, client = served
    run_id = fixtures.expected["runs"]["finished"]["id"]
    stored = fixtures.expected["answers"]
    generated = [answer["text"] for question, answer in stored if question["kind"] == "generate"]
    assert client.generate(run_id, "the", 20, "temperature", 0.8, 5, 3, epoch=2) == generated[0]
    assert client.generate(run_id, "a", 8) == generated[1]
    assert client.diagnose(run_id, 4)[0] == 4
    (weights,) = [answer["weights"] for question, answer in stored if question["kind"] == "dependence"]
    assert client.dependence(run_id, "the sea", 4)["weights"] == weights
    client.fill_gap(run_id, "th", " ")
    client.gaps(run_id, 50)
    assert len(client.store.answers(run_id)) == len(stored), "a question had to be answered again"


def test_checkpoints_answer_new_questions(served: tuple[Fixtures, Client]) -> None:
    fixtures, client = served
    for name in ("finished", "deep", "both_ways", "diverged", "failed"):
        run = fixtures.expected["runs"][name]
        answer = client.inspect(run["id"], "the sea", run["config"]["num_layers"], epoch=0)
        assert answer["num_hiddens"] == run["config"]["num_hiddens"]
    run_id = fixtures.expected["runs"]["uploaded"]["id"]
    assert client.generate(run_id, "灯", 5).startswith("灯")


def test_an_ended_run_can_be_trained_longer(served: tuple[Fixtures, Client]) -> None:
    fixtures, client = served
    run_id = fixtures.expected["runs"]["deep"]["id"]
    client.continue_run(run_id, 2)
    for _ in client.follow(run_id):
        pass
    assert (client.store.run(run_id).state, client.store.run(run_id).epoch) == ("finished", 8)


# exported files


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_run_is_taken_in(served: tuple[Fixtures, Client], name: str) -> None:
    fixtures, client = served
    data = (fixtures.exports / f"{name}.json").read_bytes()
    expected = fixtures.expected["runs"][name]
    record = client.store.run(client.import_run(data))
    assert (record.state, record.epoch, record.perplexity) == (
        expected["state"], expected["epoch"], expected["perplexity"]
    )  # fmt: skip
    assert record.config == TrainConfig.make(**expected["config"])
    taken = json.loads(json.dumps(describe(client.store, record.id)))
    assert (taken["losses"], taken["texts"]) == (expected["losses"], expected["texts"])


@pytest.mark.parametrize("name", EXPORTED)
def test_a_new_export_says_what_the_old_one_said(written: Fixtures, store: Store, name: str) -> None:
    run_id = written.expected["runs"][name]["id"]
    events = [event for _, event in store.events_since(run_id)]
    old = {suffix: (written.exports / f"{name}.{suffix}").read_text(encoding="utf-8") for suffix in ("csv", "log")}
    assert logbook.epoch_table(events) == old["csv"]
    assert logbook.book_log(events, store.run(run_id).config.pred_period) == old["log"]
    before = json.loads((written.exports / f"{name}.json").read_text(encoding="utf-8"))
    assert includes(json.loads(export.to_json(export.export_run(store, run_id))), before)


def includes(new: Any, old: Any) -> bool:
    """Return whether `new` contains everything in `old`; an object may have more keys."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(name in new and includes(new[name], old[name]) for name in old)
    if isinstance(old, list):
        return len(new) == len(old) and all(includes(*pair) for pair in zip(new, old, strict=True))
    return bool(new == old)


def settings_of(program: str) -> dict[str, Any]:
    """Return the settings that a script passes to `TrainConfig.make`."""
    (call,) = [
        node
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "TrainConfig.make"
    ]
    return {str(argument.arg): ast.literal_eval(argument.value) for argument in call.keywords}


@pytest.mark.parametrize("name", EXPORTED)
def test_a_script_compiles_and_has_the_settings_of_a_new_one(written: Fixtures, store: Store, name: str) -> None:
    old = (written.exports / f"{name}.py").read_text(encoding="utf-8")
    compile(old, f"{name}.py", "exec")
    new = settings_of(script.script(store, written.expected["runs"][name]["id"]))
    assert includes(new, settings_of(old))
    assert TrainConfig.make(**settings_of(old)) == TrainConfig.make(**written.expected["runs"][name]["config"])


@pytest.mark.parametrize("name", ["stopped", "uploaded"])
def test_a_script_still_repeats_its_run(written: Fixtures, name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(written.exports / f"{name}.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(", ") for line in done.stdout.splitlines() if line.startswith("epoch ")]
    found = {first.removeprefix("epoch "): float(second.removeprefix("perplexity ")) for first, second, _ in lines}
    rows = [line.split(",") for line in (written.exports / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert found == pytest.approx({row[0]: float(row[1]) for row in rows}, rel=SAME)


# links


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Fixtures]]:
    """The home of each version; the page server works in one at a time."""
    before = os.environ["RNNLAB_HOME"]
    yield {version: unpack(version, tmp_path_factory.mktemp("site")) for version in VERSIONS}
    close_server()
    os.environ["RNNLAB_HOME"] = before


def close_server() -> None:
    session.connection.release()
    session.facts.release()


def serve(home: Path) -> None:
    """Make the pages show the runs in `home`."""
    if os.environ["RNNLAB_HOME"] != str(home):
        close_server()
        os.environ["RNNLAB_HOME"] = str(home)


LINKS = [
    pytest.param(version, link, id=f"{version}-{number}-{link['page']}")
    for version in VERSIONS
    for number, link in enumerate(json.loads((FOLDER / version / "links.json").read_text(encoding="utf-8")))
]


def widget_values(app: AppTest) -> list[Any]:
    values = [node.value for node in nodes(app._tree) if hasattr(node, "value") and hasattr(node, "key")]
    return [value for value in values if isinstance(value, str | int | float | list)]  # no tables


def nodes(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", {}).values():
        yield child
        yield from nodes(child)


def everything(app: AppTest) -> str:
    """Return everything that the server sends to the browser, as text without tags, with normal blanks."""
    protos = [node.proto for node in nodes(app._tree) if getattr(node, "proto", None) is not None]
    text = "\n".join(text_format.MessageToString(proto, as_utf8=True) for proto in protos)
    return re.sub("<[^<>]*>", "", text).replace("\N{OPEN BOX}", " ").replace("\u200b", "")


def default_parameters(page: str) -> dict[str, str | None]:
    """Return the parameters that a page leaves out of its address where they have this value."""
    address = importlib.import_module(f"rnnlab.view.{page}.address").ADDRESS
    return {name: parameter.default for name, parameter in address.parameters.items()}


@pytest.mark.parametrize(("version", "link"), LINKS)
def test_a_link_opens_its_page(site: dict[str, Fixtures], version: str, link: dict[str, Any]) -> None:
    serve(site[version].home)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.context = {"locale": "en-US", "is_embedded": link.get("embedded", False)}  # type: ignore[assignment]
    for name, value in link["parameters"].items():
        app.query_params[name] = value
    if link["page"] != "home":
        app.switch_page(f"pages/{link['page']}.py")
    app.run()
    assert not app.exception
    assert len(app.error) == link.get("errors", 0), [error.value for error in app.error]
    asked = dict(link["parameters"])
    if link.get("short"):
        asked = dict(site[version].expected["links"][asked.pop("s").lower()])
        del asked["page"]
    # a page removes parameters that it cannot use from its address
    kept = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    left_out = default_parameters(link["page"])
    assert {name: kept.get(name, left_out.get(name)) for name in asked} == asked
    assert asked.get("lang", "en") in LANGUAGES
    values = widget_values(app)
    for value in link["values"]:
        assert value in values
    text = everything(app)
    for part in link["shows"]:
        assert part in text
